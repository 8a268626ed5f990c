/**
 * tfjs finds what it knows of a tensor's data, twice over, in WeakMaps. Their entries of a training step, thousands that come and
 * go, are hashed, moved when a table grows or shrinks, and looked at in every garbage collection. Here they lie on the data ids themselves.
 */
import { tf } from "../tf.js";

type Records = Pick<WeakMap<object, object>, "get" | "has" | "set" | "delete">;

/** tfjs's id of data: an object without anything in it. */
interface DataId {
  ofBackend?: object | undefined;
  ofEngine?: object | undefined;
}

/** Takes the place of the WeakMaps of the engine and of a backend that was just made. */
export function keepRecordsOnIds(backend: tf.KernelBackend): void {
  const state = tf.engine().state as unknown as { tensorInfo: Records };
  const storage = (backend as unknown as { tensorMap: { data: Records } }).tensorMap;
  state.tensorInfo = recordsOf({ read: (id) => id.ofEngine, write: (id, record) => (id.ofEngine = record) }, state.tensorInfo);
  storage.data = recordsOf({ read: (id) => id.ofBackend, write: (id, record) => (id.ofBackend = record) }, storage.data);
}

/** A property of the ids, by its name: V8 is fast at those. */
interface Place {
  read(id: DataId): object | undefined;
  write(id: DataId, record: object | undefined): void;
}

/** @param before of tensors that were made before this one */
const recordsOf = ({ read, write }: Place, before: Records): Records => ({
  get: (id: DataId) => read(id) ?? before.get(id),
  has: (id: DataId) => read(id) !== undefined || before.has(id),
  set(id: DataId, record: object) {
    write(id, record);
    return this as WeakMap<object, object>;
  },
  delete(id: DataId) {
    const had = read(id) !== undefined;
    write(id, undefined);
    return had || before.delete(id);
  },
});

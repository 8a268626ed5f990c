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
  state.tensorInfo = engineRecords(state.tensorInfo);
  storage.data = backendRecords;
}

// Two times the same, for each property by its name: V8 is fast at those.
const backendRecords: Records = {
  get: (id: DataId) => id.ofBackend,
  has: (id: DataId) => id.ofBackend !== undefined,
  set(id: DataId, record: object) {
    id.ofBackend = record;
    return this as WeakMap<object, object>;
  },
  delete(id: DataId) {
    const had = id.ofBackend !== undefined;
    id.ofBackend = undefined;
    return had;
  },
};

/** @param before of tensors of other backends, made before this one */
const engineRecords = (before: Records): Records => ({
  get: (id: DataId) => id.ofEngine ?? before.get(id),
  has: (id: DataId) => id.ofEngine !== undefined || before.has(id),
  set(id: DataId, record: object) {
    id.ofEngine = record;
    return this as WeakMap<object, object>;
  },
  delete(id: DataId) {
    const had = id.ofEngine !== undefined;
    id.ofEngine = undefined;
    return had || before.delete(id);
  },
});

/** One JavaScript world inside QuickJS; data goes in and out as text, never as objects. */
import type { QuickJSContext, QuickJSHandle, QuickJSRuntime } from "quickjs-emscripten-core";

/** Code in the sandbox that threw, ran out of its limits or gave something that is no data; the message says which. */
export class CodeFailure extends Error {}

/**
 * JSON with `{ "$": … }` for what JSON lacks: NaN, infinities, bigint, and undefined but as a property. Made before any other code runs and without
 * prototypes, so that nothing which runs later reaches it; what a value's own toJSON returns counts as the value.
 */
const CODEC = `(() => {
  const { stringify, parse } = JSON, { isArray } = Array, { keys, hasOwn } = Object, { TypeError, BigInt } = globalThis;
  const pack = function (key, value) {
    switch (typeof value) {
      case "number": return value - value === 0 ? value : { $: "" + value };
      case "undefined": return key === "" || isArray(this) ? { $: "undefined" } : value;
      case "bigint": return { $: value + "n" };
      case "function": case "symbol": throw new TypeError("a " + typeof value + " is no data");
      default: return value;
    }
  };
  const special = (text) => {
    switch (text) {
      case "NaN": return NaN;
      case "Infinity": return Infinity;
      case "-Infinity": return -Infinity;
      case "undefined": return undefined;
      default: return BigInt(text.slice(0, -1));
    }
  };
  const unpack = (value) => {
    if (typeof value !== "object" || value === null) return value;
    if (isArray(value)) {
      for (let i = 0; i < value.length; i++) value[i] = unpack(value[i]);
      return value;
    }
    const names = keys(value);
    if (names.length === 1 && hasOwn(value, "$") && typeof value.$ === "string") return special(value.$);
    for (let i = 0; i < names.length; i++) value[names[i]] = unpack(value[names[i]]);
    return value;
  };
  // Math.random is the same in every run.
  let state = 1;
  Math.random = () => (state = (state * 16807) % 2147483647) / 2147483647;
  return { encode: (value) => stringify(value, pack), decode: (text) => unpack(parse(text)) };
})()`;

export class Realm {
  readonly context: QuickJSContext;
  readonly #encode: QuickJSHandle;
  readonly #decode: QuickJSHandle;
  readonly #owned: QuickJSHandle[] = [];

  constructor(runtime: QuickJSRuntime) {
    this.context = runtime.newContext();
    const codec = this.evaluate(CODEC);
    this.#encode = this.#own(this.context.getProp(codec, "encode"));
    this.#decode = this.#own(this.context.getProp(codec, "decode"));
  }

  /** Runs a script; its last value belongs to the realm. @throws CodeFailure */
  evaluate(source: string): QuickJSHandle {
    return this.#unwrap(this.context.evalCode(source, "code.js", { type: "global" }));
  }

  /** @throws CodeFailure for source that is no script. */
  compile(source: string): void {
    this.#unwrap(this.context.evalCode(source, "test.js", { type: "global", compileOnly: true }));
  }

  /** The function that a name means here, undefined where it means something else or nothing. */
  functionNamed(name: string): QuickJSHandle | undefined {
    try {
      const value = this.evaluate(`typeof ${name} === "function" ? ${name} : undefined`);
      return this.context.typeof(value) === "function" ? value : undefined;
    } catch (error) {
      if (error instanceof CodeFailure) return undefined; // no name at all, or a constant that was never reached
      throw error;
    }
  }

  /** Calls a function of this realm with a list of arguments and gives its result, both as text. @throws CodeFailure */
  call(fn: QuickJSHandle, argumentsText: string): string {
    const list = this.invoke(this.#decode, this.context.newString(argumentsText));
    const count = this.context.getNumber(this.#own(this.context.getProp(list, "length")));
    const values = Array.from({ length: count }, (_, i) => this.#own(this.context.getProp(list, i)));
    return this.encode(this.invoke(fn, ...values));
  }

  /** @throws CodeFailure for a promise, and for what is no data. */
  encode(value: QuickJSHandle): string {
    if (this.isPromise(value)) throw new CodeFailure("it returned a promise: only synchronous functions are run");
    const text = this.invoke(this.#encode, value);
    return this.context.getString(text);
  }

  isPromise(value: QuickJSHandle): boolean {
    const state = this.context.getPromiseState(value);
    const plain = state.type === "fulfilled" && state.notAPromise === true;
    if (state.type === "fulfilled" && !plain) this.#own(state.value);
    if (state.type === "rejected") this.#own(state.error);
    return !plain;
  }

  /** @throws CodeFailure */
  invoke(fn: QuickJSHandle, ...values: QuickJSHandle[]): QuickJSHandle {
    return this.#unwrap(this.context.callFunction(fn, this.context.undefined, ...values));
  }

  /** `make(encode, decode, host, name)` defines a global that stands for a function elsewhere; `host(name, text)` calls that. */
  link(maker: QuickJSHandle, host: QuickJSHandle, name: string): void {
    this.invoke(maker, this.#encode, this.#decode, host, this.#own(this.context.newString(name)));
  }

  dispose(): void {
    for (const handle of this.#owned) if (handle.alive) handle.dispose();
    this.context.dispose();
  }

  #own(handle: QuickJSHandle): QuickJSHandle {
    this.#owned.push(handle);
    return handle;
  }

  #unwrap(result: ReturnType<QuickJSContext["evalCode"]>): QuickJSHandle {
    if (!result.error) return this.#own(result.value);
    const said: unknown = this.context.dump(this.#own(result.error));
    throw new CodeFailure(wordsOf(said));
  }
}

const LONGEST = 200;

function wordsOf(thrown: unknown): string {
  const { name, message } = typeof thrown === "object" && thrown !== null ? (thrown as { name?: unknown; message?: unknown }) : {};
  const text = typeof message === "string" ? (typeof name === "string" ? `${name}: ${message}` : message) : `it threw ${JSON.stringify(thrown) ?? typeof thrown}`;
  return text.length > LONGEST ? `${text.slice(0, LONGEST - 1)}…` : text;
}

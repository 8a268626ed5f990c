/** The world in which a row's tests run: apart from the completion's own, whose functions are reached by data alone. */
import type { QuickJSHandle, QuickJSRuntime } from "quickjs-emscripten-core";
import { CodeFailure, Realm } from "./realm.js";

/** What tests are written with: `assert` as Node's, `console` (`console.assert` is one too), and `require` of assert. */
const LIBRARY = `(() => {
  const same = (a, b) => {
    if (Object.is(a, b)) return true;
    if (typeof a !== "object" || typeof b !== "object" || a === null || b === null) return false;
    if (Array.isArray(a) !== Array.isArray(b)) return false;
    const names = Object.keys(a);
    return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && same(a[name], b[name]));
  };
  const show = (value) => { try { return JSON.stringify(value) ?? String(value); } catch { return String(value); } };
  const check = (right, message) => { if (!right) throw new Error("assertion failed" + (message === undefined ? "" : ": " + message)); };
  const compare = (test, word) => (a, b, message) => check(test(a, b), message ?? show(a) + " " + word + " " + show(b));
  const throws = (call) => { try { call(); } catch { return true; } return false; };
  const assert = (value, message) => check(value, message);
  Object.assign(assert, {
    ok: assert,
    equal: compare((a, b) => a == b || (a !== a && b !== b), "is not"),
    notEqual: compare((a, b) => a != b, "is"),
    strictEqual: compare(Object.is, "is not"),
    notStrictEqual: compare((a, b) => !Object.is(a, b), "is"),
    deepEqual: compare(same, "is not"),
    deepStrictEqual: compare(same, "is not"),
    notDeepEqual: compare((a, b) => !same(a, b), "is"),
    notDeepStrictEqual: compare((a, b) => !same(a, b), "is"),
    throws: (call, ...rest) => check(throws(call), "nothing was thrown"),
    doesNotThrow: (call) => { call(); },
    fail: (message) => check(false, message),
  });
  assert.strict = assert;
  globalThis.assert = assert;
  const silent = () => {};
  globalThis.console = { assert, log: silent, info: silent, warn: silent, error: silent, debug: silent };
  globalThis.require = (name) => {
    if (/^(node:)?assert(\\/strict)?$/.test(name)) return assert;
    throw new Error("there is no module " + name);
  };
  return (encode, decode, host, name) => {
    globalThis[name] = (...values) => decode(host(name, encode(values)));
  };
})()`;

/** A test that is wrong itself, whatever is tested. */
export class BrokenTest extends Error {}

/**
 * Runs one test against the functions of `tested`. A test passes when it comes to its end without throwing.
 * @param onCrash called when the sandbox itself failed during a call.
 * @throws CodeFailure where the test does not pass, BrokenTest where it is no synchronous script.
 */
export function runProgram(runtime: QuickJSRuntime, tested: Realm, source: string, onCrash: (error: unknown) => void): void {
  const realm = new Realm(runtime);
  const functions = new Map<string, QuickJSHandle>();
  const host = realm.context.newFunction("host", (name, text) => {
    try {
      return realm.context.newString(tested.call(functions.get(realm.context.getString(name))!, realm.context.getString(text)));
    } catch (error) {
      if (!(error instanceof CodeFailure)) onCrash(error);
      return { error: realm.context.newError((error as Error).message) };
    }
  });
  try {
    const maker = realm.evaluate(LIBRARY);
    compile(realm, source);
    for (const name of namesIn(source)) {
      const fn = isGlobal(realm, name) ? undefined : tested.functionNamed(name);
      if (!fn) continue;
      functions.set(name, fn);
      realm.link(maker, host, name);
    }
    if (realm.isPromise(realm.evaluate(source))) throw new BrokenTest("it is asynchronous, and only synchronous tests are run");
  } finally {
    host.dispose();
    realm.dispose();
  }
}

function compile(realm: Realm, source: string): void {
  try {
    realm.compile(source);
  } catch (error) {
    if (error instanceof CodeFailure) throw new BrokenTest(`it is no script (${error.message})`);
    throw error;
  }
}

function namesIn(source: string): Set<string> {
  return new Set(source.match(/[A-Za-z_$][\w$]*/g) ?? []);
}

function isGlobal(realm: Realm, name: string): boolean {
  return realm.context.typeof(realm.evaluate(`globalThis[${JSON.stringify(name)}]`)) !== "undefined";
}

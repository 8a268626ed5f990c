/** Runs a completion's code and a row's tests in QuickJS, a JavaScript engine in WebAssembly with no way out of it. */
import { isDeepStrictEqual } from "node:util";
import { newQuickJSWASMModuleFromVariant, newVariant } from "quickjs-emscripten-core";
import type { QuickJSRuntime, QuickJSSyncVariant, QuickJSWASMModule } from "quickjs-emscripten-core";
import { CodeFailure, Realm } from "./realm.js";
import { BrokenTest, runProgram } from "./test-realm.js";

/** A call and what it must return, as JSON; or a script that must come to its end without throwing. */
export type CodeTest = { functionName: string; input: readonly unknown[]; output: unknown } | { program: string };

export interface CodeLimits {
  /** For the code and all its tests. */
  milliseconds: number;
  bytes: number;
}

export interface CodeJob {
  code: string;
  tests: readonly CodeTest[];
  limits: CodeLimits;
}

export interface CodeOutcome {
  /** One for each test: null where it passed, otherwise why not. */
  failures: (string | null)[];
  /** The test, from 0, that is wrong itself, and in what. */
  broken?: { test: number; reason: string };
  /** The code itself ran to its end. */
  loaded: boolean;
  timedOut: boolean;
}

const STACK_BYTES = 256 * 1024;
const TIME = "the time limit was reached";

/** What completions may expect of a script's surroundings; `console` is silent. */
const SURROUNDINGS = `{
  const silent = () => {};
  globalThis.console = { log: silent, info: silent, warn: silent, error: silent, debug: silent, table: silent, assert: silent };
  globalThis.module = { exports: {} };
  globalThis.exports = module.exports;
}`;

/** What the engine takes before any code is in it, in pages. */
const BASE_PAGES = 256;
const PAGE = 64 * 1024;
/** Node has it; the type libraries in use here do not. */
const { Memory } = (globalThis as unknown as { WebAssembly: { Memory: new (size: { initial: number; maximum: number }) => object } }).WebAssembly;

let engine: { bytes: number; module: Promise<QuickJSWASMModule> } | undefined;

/**
 * Loads the engine, so that a job's time is its own. The bound on memory is the WebAssembly memory's: QuickJS's own limit counts
 * large allocations as a few bytes in this build.
 */
export async function loadEngine({ bytes }: Pick<CodeLimits, "bytes">): Promise<QuickJSWASMModule> {
  if (engine?.bytes !== bytes) engine = { bytes, module: makeEngine(bytes) };
  return engine.module;
}

async function makeEngine(bytes: number): Promise<QuickJSWASMModule> {
  const { default: variant } = await import("@jitl/quickjs-wasmfile-release-sync");
  const wasmMemory = new Memory({ initial: BASE_PAGES, maximum: BASE_PAGES + Math.ceil(bytes / PAGE) });
  // Its types are those of the CommonJS build.
  return newQuickJSWASMModuleFromVariant(newVariant(variant as unknown as QuickJSSyncVariant, { wasmMemory: wasmMemory as never }));
}

/**
 * Runs a job. The expected outputs never enter the sandbox: results come out as text and are compared here, and test scripts run
 * in a realm of their own, so that code which changes prototypes, JSON or `assert` changes them for itself alone.
 */
export async function runCode({ code, tests, limits }: CodeJob): Promise<CodeOutcome> {
  const runtime = (await loadEngine(limits)).newRuntime();
  const deadline = performance.now() + limits.milliseconds;
  const isOver = (): boolean => performance.now() > deadline;
  runtime.setMemoryLimit(limits.bytes);
  runtime.setMaxStackSize(STACK_BYTES);
  runtime.setInterruptHandler(isOver);
  const run = new Run(runtime, isOver);
  const outcome = run.all(code, tests);
  // An engine that overflowed the host's stack, or holds what was cut off half way, is left behind whole.
  if (run.crashed || !run.dispose()) engine = undefined;
  return outcome;
}

class Run {
  crashed = false;
  readonly #runtime: QuickJSRuntime;
  readonly #isOver: () => boolean;
  #realm: Realm | undefined;

  constructor(runtime: QuickJSRuntime, isOver: () => boolean) {
    this.#runtime = runtime;
    this.#isOver = isOver;
  }

  all(code: string, tests: readonly CodeTest[]): CodeOutcome {
    const unloaded = this.#attempt(() => {
      this.#realm = new Realm(this.#runtime);
      this.#realm.evaluate(SURROUNDINGS);
      this.#realm.evaluate(code);
    });
    const outcome: CodeOutcome = { failures: [], loaded: unloaded === null, timedOut: false };
    tests.forEach((test, i) => {
      outcome.failures.push(
        unloaded ?? (this.crashed ? "an earlier test broke the sandbox" : this.#isOver() ? TIME : this.#attempt(() => this.#test(test), (reason) => (outcome.broken ??= { test: i, reason }))),
      );
    });
    outcome.timedOut = outcome.failures.includes(TIME);
    return outcome;
  }

  /** @returns false where the engine cannot be used again. */
  dispose(): boolean {
    try {
      this.#realm?.dispose();
      this.#runtime.dispose();
      return true;
    } catch {
      return false;
    }
  }

  /** Null, or why it failed. */
  #attempt(work: () => void, onBroken: (reason: string) => void = () => undefined): string | null {
    try {
      work();
    } catch (error) {
      const { message } = error as Error;
      if (error instanceof BrokenTest) onBroken(message);
      else if (!(error instanceof CodeFailure)) this.crashed = true;
      return this.#isOver() ? TIME : this.crashed ? `the sandbox broke (${message})` : message;
    }
    return this.#isOver() ? TIME : this.crashed ? "the sandbox broke" : null;
  }

  #test(test: CodeTest): void {
    if ("program" in test) {
      runProgram(this.#runtime, this.#realm!, test.program, () => (this.crashed = true));
      return;
    }
    const fn = this.#realm!.functionNamed(test.functionName);
    if (!fn) throw new CodeFailure(`there is no function ${test.functionName}`);
    const result = JSON.parse(this.#realm!.call(fn, JSON.stringify(test.input))) as unknown;
    if (!isDeepStrictEqual(result, asJson(test.output))) throw new CodeFailure(`it returned ${shown(result)}`);
  }
}

/** As the sandbox would write it: without undefined, and without a sign on zero. */
function asJson(value: unknown): unknown {
  return JSON.parse(JSON.stringify(value ?? null)) as unknown;
}

function shown(value: unknown): string {
  const text = JSON.stringify(value);
  return text.length > 100 ? `${text.slice(0, 99)}…` : text;
}

import { describe, expect, it } from "vitest";
import { createComponent } from "@verlet/core";
import type { Reward, RewardContext, Row } from "@verlet/core";
import { extractCode, runCode } from "@verlet/plugins/reward-code";
import type { CodeOutcome, CodeTest } from "@verlet/plugins/reward-code";
import "@verlet/plugins/reward-managers";
import { configured, createRewardManager, rollout, scoringContext } from "../../../contracts/reward-manager.js";
import { rewardContext, rewardContract, rewardSample, scoreOf } from "../../../contracts/reward.js";

const limits = { milliseconds: 2000, bytes: 32 * 2 ** 20 };
const ADD: CodeTest = { functionName: "add", input: [1, 2], output: 3 };
const right = "function add(a, b) { return a + b; }";
const run = (code: string, tests: readonly CodeTest[] = [ADD], more: Partial<typeof limits> = {}): Promise<CodeOutcome> => runCode({ code, tests, limits: { ...limits, ...more } });
/** Why each test failed; null where it passed. */
const failures = async (code: string, tests?: readonly CodeTest[], more?: Partial<typeof limits>): Promise<(string | null)[]> => (await run(code, tests, more)).failures;
const program = (source: string): CodeTest => ({ program: source });

describe("calls compared with their outputs", () => {
  it.each<[string, string]>([
    ["a declaration", right],
    ["an arrow", "const add = (a, b) => a + b;"],
    ["a function that prints", "function add(a, b) { console.log('adding', a, b); console.table([a]); return a + b; }"],
    ["a function among others", "const one = 1; function add(a, b) { return helper(a, b); } function helper(a, b) { return a + b; } add(4, 5);"],
    ["a module for Node", "function add(a, b) { return a + b; }\nmodule.exports = { add };"],
  ])("pass for %s", async (_, code) => {
    expect(await failures(code)).toEqual([null]);
  });

  it.each<[value: string, output: unknown]>([
    ["[1, [2, 'x'], null]", [1, [2, "x"], null]],
    ["({ b: 1, a: { c: true } })", { a: { c: true }, b: 1 }],
    ["({ a: undefined })", {}],
    ["-0", 0],
    ["null", null],
    ["'\\u2028 é 🙂'", "\u2028 é 🙂"],
    ["({ toJSON() { return 7; } })", 7],
    ["new Date(0)", "1970-01-01T00:00:00.000Z"],
  ])("%s is %j", async (value, output) => {
    expect(await failures(`const f = () => ${value};`, [{ functionName: "f", input: [], output }])).toEqual([null]);
  });

  it.each<[value: string, output: unknown, words: string]>([
    ["4", 3, "it returned 4"],
    ["'3'", 3, 'it returned "3"'],
    ["[3]", 3, "it returned [3]"],
    ["NaN", null, 'it returned {"$":"NaN"}'],
    ["undefined", null, 'it returned {"$":"undefined"}'],
    ["[1, NaN]", [1, null], 'it returned [1,{"$":"NaN"}]'],
    ["10n", 10, 'it returned {"$":"10n"}'],
    ["(() => 1)", 1, "TypeError: a function is no data"],
    ["(() => { const a = []; a.push(a); return a; })()", [], "TypeError: circular reference"],
    ["({ get a() { throw new Error('no'); } })", {}, "Error: no"],
  ])("%s is not %j", async (value, output, words) => {
    expect(await failures(`const f = () => ${value};`, [{ functionName: "f", input: [], output }])).toEqual([words]);
  });

  it("hand over their arguments as plain data, new each time", async () => {
    const code = "function f(list, { a }) { list.push(a); return list; }";
    const test: CodeTest = { functionName: "f", input: [[1], { a: "x" }], output: [1, "x"] };
    expect(await failures(code, [test, test])).toEqual([null, null]);
  });

  it.each<[string, string, string]>([
    ["one that throws", "function add() { throw new RangeError('too much'); }", "RangeError: too much"],
    ["one that throws no error", "function add() { throw { secret: 1 }; }", 'it threw {"secret":1}'],
    ["one that is not there", "function sub() {}", "there is no function add"],
    ["one that is no function", "const add = 3;", "there is no function add"],
    ["one that was never reached", "if (false) { function add() {} } let added = add; const never = 1;", "there is no function add"],
    ["an asynchronous one", "async function add(a, b) { return a + b; }", "it returned a promise: only synchronous functions are run"],
  ])("fail for %s", async (_, code, words) => {
    expect(await failures(code)).toEqual([words]);
  });

  it("all fail where the code itself does", async () => {
    const syntax = await run("function add(a, b) { return a + ; }", [ADD, ADD]);
    expect(syntax.loaded).toBe(false);
    expect(syntax.failures).toEqual([expect.stringMatching(/^SyntaxError: /), expect.stringMatching(/^SyntaxError: /)]);
    expect(await failures(`${right} throw new Error("at the end");`)).toEqual(["Error: at the end"]);
    expect(await failures(`${right} await 1;`)).toEqual([expect.stringMatching(/^SyntaxError: /)]);
  });
});

describe("test scripts", () => {
  it.each([
    "assert(add(1, 2) === 3);",
    "assert.equal(add(1, 2), 3); assert.strictEqual(add(0.5, 0.25), 0.75, 'message');",
    "const assert = require('node:assert'); let candidate = add; assert.deepEqual([candidate(1, 2)], [3]);",
    "console.assert(add(2, 2) === 4); console.log('done');",
    "if (add(1, 1) !== 2) throw new Error('wrong');",
    "assert.throws(() => add(null)); assert.doesNotThrow(() => add(1, 2)); assert.notEqual(add(1, 2), 4);",
    "assert(Number.isNaN(add(NaN, 1)) && add(Infinity, 1) === Infinity && add(undefined, 'x') === 'undefinedx');",
    "for (let i = 0; i < 100; i++) assert.strictEqual(add(i, i), 2 * i);",
    "assert.deepStrictEqual(add(2n, 3n), 5n);",
  ])("pass: %s", async (source) => {
    const code = "function add(a, b) { if (a === null) throw new Error('null'); return a + b; }";
    expect(await run(code, [program(source)])).toEqual({ failures: [null], loaded: true, timedOut: false });
  });

  it.each<[string, string]>([
    ["assert(add(1, 2) === 4);", "Error: assertion failed"],
    ["assert.equal(add(1, 2), 4);", "Error: assertion failed: 3 is not 4"],
    ["assert.strictEqual(add('1', 2), 3);", 'Error: assertion failed: "12" is not 3'],
    ["assert.deepEqual([add(1, 2)], [3, 4], 'lists');", "Error: assertion failed: lists"],
    ["assert.notDeepStrictEqual([add(1, 2)], [3]);", "Error: assertion failed: [3] is [3]"],
    ["assert.throws(() => add(1, 2));", "Error: assertion failed: nothing was thrown"],
    ["console.assert(add(1, 2) === 4, 'sum');", "Error: assertion failed: sum"],
    ["sub(2, 1);", "ReferenceError: 'sub' is not defined"],
    ["require('fs');", "Error: there is no module fs"],
    ["assert.fail();", "Error: assertion failed"],
  ])("fail: %s", async (source, words) => {
    expect(await failures(right, [program(source)])).toEqual([words]);
  });

  it("do not see each other, nor the variables of the code", async () => {
    const tests = [program("const x = 1; assert.equal(add(x, 1), 2);"), program("const x = 2; assert(typeof secret === 'undefined'); assert.equal(add(x, 1), 3);")];
    expect(await failures(`${right} const secret = 5;`, tests)).toEqual([null, null]);
  });

  it.each<[string, RegExp]>([
    ["assert(add(1, 2) === ", /^it is no script \(SyntaxError: /],
    ["await add(1, 2);", /^it is no script \(SyntaxError: /],
    ["(async () => { assert(add(1, 2) === 4); })()", /^it is asynchronous, and only synchronous tests are run$/],
  ])("that are wrong themselves are told apart: %s", async (source, words) => {
    const { broken } = await run(right, [ADD, program(source)]);
    expect(broken?.test).toBe(1);
    expect(broken?.reason).toMatch(words);
  });
});

describe("bounds", () => {
  const TIME = "the time limit was reached";

  it.each<[string, string]>([
    ["at the top", "while (true) {} function add(a, b) { return a + b; }"],
    ["in the function", "function add(a, b) { for (;;) {} }"],
    ["that catches what would end it", "function add() { for (;;) { try { for (;;) {} } catch {} } }"],
    ["in a getter of the result", "function add() { return { get a() { for (;;) {} } }; }"],
    ["in a regular expression", "function add() { return /^(a+)+$/.test('a'.repeat(60) + 'b'); }"],
  ])("an endless loop %s is ended", async (_, code) => {
    expect(await run(code, [ADD, ADD], { milliseconds: 100 })).toMatchObject({ failures: [TIME, TIME], timedOut: true });
  });

  it("an endless loop behind assert.throws is no pass", async () => {
    expect(await failures("function add() { for (;;) {} }", [program("assert.throws(() => add(1));")], { milliseconds: 100 })).toEqual([TIME]);
  });

  it("tests before the endless one keep what they have", async () => {
    const code = "function add(a, b) { while (a > 5) {} return a + b; }";
    const tests = [ADD, { functionName: "add", input: [9, 1], output: 10 }, ADD];
    expect(await failures(code, tests, { milliseconds: 200 })).toEqual([null, TIME, TIME]);
  });

  it.each<[string, string, RegExp]>([
    ["memory in one piece", "function add() { return new Uint8Array(1e9).length; }", /out of memory/],
    ["memory in many pieces", "function add() { const all = []; for (;;) all.push('x'.repeat(100000) + all.length); }", /out of memory/],
    ["a string that doubles", "function add() { let s = 'x'; for (;;) s += s; }", /out of memory|string too long/],
    ["the stack", "function add(a, b) { return add(a, b) + 1; }", /stack overflow/],
    ["the stack, by a native function", "function add() { let a = []; for (let i = 0; i < 1e5; i++) a = [a]; return a; }", /^the sandbox broke/],
    ["the stack, by the parser", "eval('['.repeat(1e5)); function add() {}", /^the sandbox broke/],
  ])("%s is bounded, and the next job runs as if nothing had been", async (_, code, words) => {
    expect(await failures(code)).toEqual([expect.stringMatching(words)]);
    expect(await failures(right)).toEqual([null]);
  });
});

describe("what code cannot do", () => {
  it("reach anything outside", async () => {
    const names = ["process", "require", "fetch", "Worker", "XMLHttpRequest", "WebAssembly", "setTimeout", "std", "os", "scriptArgs", "Deno", "Bun", "performance", "host"];
    const code = `function found() { return ${JSON.stringify(names)}.filter((name) => name in globalThis || eval("typeof " + name) !== "undefined"); }`;
    expect(await failures(code, [{ functionName: "found", input: [], output: [] }])).toEqual([null]);
    expect(await failures("import fs from 'fs'; function add() { return 3; }")).toEqual([expect.stringMatching(/SyntaxError/)]);
    expect(await failures("function add() { return import('fs'); }")).toEqual(["it returned a promise: only synchronous functions are run"]);
    expect(await failures("function add() { return (function () {}).constructor('return this')().process === undefined ? 3 : 0; }")).toEqual([null]);
  });

  /** Code that gives a wrong result and tries to have it taken for right. */
  const cheats: [string, string][] = [
    ["JSON.stringify", "JSON.stringify = () => '3'; JSON.parse = () => 3; function add() { return 0; }"],
    ["toJSON of everything", "Object.prototype.toJSON = function () { return 3; }; Number.prototype.toJSON = () => 3; function add() { return 0; }"],
    ["Array.prototype", "for (const name of Object.getOwnPropertyNames(Array.prototype)) { try { Array.prototype[name] = () => true; } catch {} } function add() { return 0; }"],
    ["Object.is and the like", "Object.is = () => true; Object.keys = () => []; Reflect.ownKeys = () => []; Object.hasOwn = () => true; function add() { return 0; }"],
    ["assert, console and require", "globalThis.assert = () => {}; Object.assign(assert, { equal() {}, strictEqual() {}, deepEqual() {}, throws() {} }); console.assert = () => {}; globalThis.require = () => assert; function add() { return 0; }"],
    ["valueOf of the result", "function add() { return { valueOf: () => 3, toString: () => '3', [Symbol.toPrimitive]: () => 3, equals: () => true }; }"],
    ["a proxy that is anything", "function add() { return new Proxy({}, { get: () => 3, has: () => true, ownKeys: () => [] }); }"],
    ["the codec's escape", "function add() { return { $: '3' }; }"],
    ["the globals", "globalThis.globalThis = { add: 3 }; Object.freeze = Object.defineProperty = () => 3; function add() { return 0; }"],
    ["Math and Number", "Math.abs = () => 0; Number.isNaN = () => true; Number = () => 3; Error = function () {}; TypeError = class {}; function add() { return 0; }"],
  ];
  const scripts = ["assert(add(1, 2) === 3);", "assert.equal(add(1, 2), 3);", "assert.deepEqual([add(1, 2)], [3]);", "const assert = require('assert'); assert.strictEqual(add(1, 2), 3);", "console.assert(add(1, 2) === 3);", "if (JSON.stringify(add(1, 2)) !== '3') throw new Error('x');", "assert([add(1, 2)].every((x) => Object.is(x, 3)));"];

  it.each(cheats)("pass by changing %s", async (_, code) => {
    const found = await failures(code, [ADD, ...scripts.map(program)]);
    expect(found.every((failure) => failure !== null)).toBe(true);
    expect(await failures(right, [ADD, ...scripts.map(program)])).toEqual([null, ...scripts.map(() => null)]); // and it is undone
  });

  it("read the tests or what they expect", async () => {
    const spy = `
      const seen = [];
      const note = (read) => { try { seen.push(String(read())); } catch {} };
      function add(...values) {
        note(() => add.caller); note(() => new Error().stack); note(() => arguments.callee.caller); note(() => Object.getOwnPropertyNames(globalThis).join());
        for (const name of Object.getOwnPropertyNames(globalThis)) note(() => globalThis[name]);
        for (const value of values) note(() => value);
        return seen.join(" ");
      }`;
    const told = 'function told() { return seen.length > 0 && !new RegExp("98" + "765|43" + "210|ass" + "ert\\\\(|exp" + "ected").test(seen.join(" ")); }';
    const tests: CodeTest[] = [
      { functionName: "add", input: [1, 2], output: "98765" },
      program("const expected = 43210; try { assert(add(1, 2) === 43210); } catch {}"),
      { functionName: "told", input: [], output: true },
    ];
    const [first, second, third] = await failures(`${spy} ${told}`, tests);
    expect(first).toMatch(/^it returned/);
    expect([second, third]).toEqual([null, null]);
  });
});

describe("which part of a completion is code", () => {
  const fence = "```";
  it.each<[string, string, string]>([
    ["the last js block", `First:\n${fence}js\nold\n${fence}\nbetter:\n${fence}javascript\nnew\n${fence}\nDone.`, "new\n"],
    ["not a block in another language", `${fence}js\ncode\n${fence}\n${fence}sh\nnode a.js\n${fence}\n`, "code\n"],
    ["a block without its end", `Here:\n${fence}js\nconst a = 1;\nconst b`, "const a = 1;\nconst b"],
    ["all of a text without one", "const a = 1;", "const a = 1;"],
    ["a block with more about it", `${fence}js title="a.js"\ncode\n${fence}`, "code\n"],
    ["an indented one", `1. So:\n   ${fence}js\n   code\n   ${fence}\n`, "   code\n"],
    ["a module's functions without export", `${fence}js\nexport function f() {}\nexport default async function g() {}\nexport const h = 1;\n${fence}`, "function f() {}\nasync function g() {}\nconst h = 1;\n"],
    ["a longer fence around one", `${fence}${"`"}js\n${fence}\ninner\n${fence}${"`"}\n`, `${fence}\ninner\n`],
  ])("%s", (_, completion, code) => {
    expect(extractCode(completion)).toBe(code);
  });
});

describe("the reward", () => {
  const row: Row = { entry_point: "add", answer: [{ input: [1, 2], output: 3 }, { input: [2, 2], output: 4 }, "assert.equal(add(0, 0), 0);", "assert(add('a', 'b') === 'ba');"] };
  const create = (options: object = {}): Reward => createComponent("reward", "code", options);
  const score = (completion: string, options: object = {}, more: Row = {}): Promise<number | null> => scoreOf(create(options), rewardSample(completion, { ...row, ...more }));
  const fenced = `Sure:\n\`\`\`js\n${right}\n\`\`\``;

  it("is the share of tests passed, or 1 for all", async () => {
    expect(await score(fenced)).toBe(0.75);
    expect(await score(fenced, { score: "all" })).toBe(0);
    expect(await score("function add(a, b) { return typeof a === 'string' ? b + a : a + b; }", { score: "all" })).toBe(1);
    expect(await score("I do not know.")).toBe(0);
  });

  it.each<[string, object, Row, number | null]>([
    ["the function's name from an option", { functionName: "add" }, { entry_point: "other", answer: [{ input: [1, 2], output: 3 }] }, 1],
    ["its name from another column", { functionColumn: "name" }, { name: "add", answer: [{ input: [1, 2], output: 3 }] }, 1],
    ["an argument that is no list", {}, { answer: [{ input: "x", output: "xundefined" }] }, 1],
    ["a list as JSON text", {}, { answer: JSON.stringify([{ input: [1, 2], output: 3 }, { input: [1, 2], output: 4 }]) }, 0.5],
    ["one script", {}, { answer: "assert(add(1, 2) === 3);\nassert(add(1, 2) === 4);" }, 0],
    ["a row without tests", {}, { answer: [] }, null],
  ])("takes %s", async (_, options, more, expected) => {
    expect(await score(right, options, more)).toBe(expected);
  });

  it.each<[string, Row, RegExp]>([
    ["no answer", { answer: undefined }, /the row has no column "answer" with the answer/],
    ["a number as tests", { answer: 3 }, /the row's answer holds no tests: got 3, expected \[\{"input": \[1, 2\], "output": 3\}, …\], a test script as text, or a list of those/],
    ["a test without an output", { answer: [{ input: [1] }] }, /test 1 of the row is none: got a mapping with input/],
    ["calls without a function's name", { entry_point: undefined }, /its tests call a function, and nothing says which: got column "entry_point": nothing, expected the name of a function\. Set functionName/],
    ["a name that is code", { entry_point: "add(); evil" }, /nothing says which/],
    ["a broken script", { answer: ["assert(add(1"] }, /test 1 of the row is wrong itself: it is no script \(SyntaxError: .*\)\. Correct the row, or set onError: skip/],
    ["an asynchronous script", { answer: ["(async () => {})()"] }, /test 1 of the row is wrong itself: it is asynchronous/],
  ])("says what is wrong with a row: %s", async (_, more, words) => {
    await expect(score(right, {}, more)).rejects.toThrow(words);
  });

  it("ends code that cannot be interrupted from inside, and goes on", async () => {
    const stuck = "function add() { return Array(4294967295).indexOf(1); }"; // minutes in one native call
    const reward = configured("code", create({ timeLimit: 0.5, workers: 1 }));
    const { rollouts, metrics } = await createRewardManager("naive", [reward]).score([rollout(stuck, row), rollout(right, row), rollout("x(", row)], scoringContext);
    expect(rollouts.map((one) => one.score)).toEqual([0, 0.75, 0]);
    expect(metrics).toMatchObject({ "rewards/code/extra/timed_out": 1 / 3, "rewards/code/extra/loaded": 1 / 3 });
  });

  it("is ended with the run, under way or waiting", async () => {
    const controller = new AbortController();
    const context: RewardContext = { ...rewardContext, signal: controller.signal };
    const reward = create({ timeLimit: 30, workers: 1 });
    const scoring = ["for (;;);", "for (;;);"].map((code) => Promise.resolve(reward.score!(rewardSample(code, row), context)));
    setTimeout(() => controller.abort(new Error("stopped by the user")), 300);
    for (const one of await Promise.allSettled(scoring)) expect(one).toMatchObject({ status: "rejected", reason: { message: "stopped by the user" } });
    expect(await scoreOf(reward, rewardSample(right, row))).toBe(0.75);
  });

  it.each<[object, RegExp]>([
    [{ timeLimit: 0 }, /timeLimit: got 0, expected more than 0/],
    [{ score: "most" }, /score: got "most", expected one of share, all/],
    [{ language: "python" }, /language/],
  ])("refuses %j before the run", (options, words) => {
    expect(() => create(options)).toThrow(words);
  });

  rewardContract("code", {}, row);
});

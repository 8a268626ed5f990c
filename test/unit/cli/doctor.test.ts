import { mkdtempSync, readdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { output, verlet } from "./run-cli.js";

/** A machine on which nothing was set up. */
const env = { VERLET_CACHE: mkdtempSync(join(tmpdir(), "verlet-cache-")) };

test("doctor tells what was passed over, why, and the command that changes it", async () => {
  const report = JSON.parse(await output(["doctor", "--json"], { env })) as {
    backend: { name: string; passedOver: { name: string; why: string; fix?: string }[] };
    matmul: { gflops: number };
    native: unknown[];
  };
  expect(report.native).toEqual([]);
  expect(report.matmul.gflops).toBeGreaterThan(0);
  const native = report.backend.passedOver.find(({ name }) => name === "native")!;
  expect(native.why).not.toBe("");
  if (process.platform === "linux" && process.arch === "x64") expect(native.fix).toBe("npx verlet setup");
});

test("in words: the backend asked for, its threads and its speed", async () => {
  const text = await output(["doctor", "--backend", "wasm"], { env });
  expect(text).toMatch(/^backend +wasm\nTensorFlow +none; TensorFlow\.js computes itself\ndevice +.+, 1 thread\nmatmul +[\d.e]+ GFLOP\/s \(float32, \d+ × \d+\)\nNode\.js +\S+ on \S+\nset up +nothing in /);
  expect(text).not.toContain("Passed over");
});

test("--bench measures every backend that is here, and tells what the others lack", async () => {
  const text = await output(["doctor", "--bench", "--backend", "wasm"], { env: { ...env, VERLET_WEBGPU: "" } });
  const bench = text.trimEnd().slice(text.indexOf("Every backend: a float32 matrix product, and a training step")).split("\n").slice(1);
  expect(bench.map((line) => line.trim().split(/ +/)[0])).toEqual(["tfjs-node-gpu", "native", "tfjs-node", "webgpu", "wasm", "cpu"]);
  for (const line of bench.slice(-2)) expect(line).toMatch(/^ +\w+ +[\d.e-]+ GFLOP\/s \(float32, \d+ × \d+\); [\d.e]+ ms a step; .+$/);
  expect(bench[3]).toMatch(/^ +webgpu +it is not set up\. To change it: npx verlet setup --webgpu$/);
}, 120_000);

test("setup --webgpu excludes the others and says what is missing", async () => {
  expect((await verlet(["setup", "--webgpu", "--cpu"], { env })).stderr).toContain("'--webgpu' cannot be used with option '--cpu'");
  const { code, stderr } = await verlet(["setup", "--webgpu"], { env: { ...env, PATH: "/nonexistent" } });
  expect(code).toBe(1);
  expect(stderr).toMatch(/^error \[verlet setup --webgpu\] webgpu cannot be fetched here: got no npm\./);
});

test("setup without its tools says what is missing, and leaves nothing behind", async () => {
  const { code, stdout, stderr } = await verlet(["setup", "--cpu"], { env: { ...env, PATH: "/nonexistent" } });
  expect({ code, stdout }).toEqual({ code: 1, stdout: "" });
  expect(stderr).toMatch(/^error \[verlet setup\] .*\n$/);
  expect(readdirSync(env.VERLET_CACHE, { recursive: true }).filter((name) => String(name).includes("manifest"))).toEqual([]);
});

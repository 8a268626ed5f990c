import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { activeBackend, backendOrder, describeBackend, selectBackend, TENSORFLOW_VERSION, type Candidate, type Opened, type Unavailable } from "@verlet/backend";
import { BackendError } from "@verlet/core";
import { afterEach, describe, expect, it } from "vitest";
import { LAYOUT } from "../../../packages/backend/dist/native/native-cache.js";
import { WEBGPU_VERSION } from "../../../packages/backend/dist/webgpu/dawn-package.js";

const works: Opened = { device: "Test Chip", threads: 4 };

/** Candidates in the order of `auto`; those not named are absent. */
function candidates(results: Partial<Record<(typeof backendOrder)[number], Opened | Unavailable>>, opened: string[] = []): Candidate[] {
  return backendOrder.map((name) => ({
    name,
    open: () => {
      opened.push(name);
      return Promise.resolve(results[name] ?? { why: `no ${name} here`, fix: `get ${name}` });
    },
  }));
}

describe("auto", () => {
  it("takes the first that works, in the order of the design", async () => {
    expect(backendOrder).toEqual(["tfjs-node-gpu", "native", "tfjs-node", "webgpu", "wasm", "cpu"]);
    for (const name of backendOrder) {
      const later = Object.fromEntries(backendOrder.slice(backendOrder.indexOf(name)).map((each) => [each, works]));
      expect((await selectBackend("auto", { candidates: candidates(later) })).name).toBe(name);
    }
  });

  it("opens nothing slower than what it takes", async () => {
    const opened: string[] = [];
    await selectBackend("auto", { candidates: candidates({ native: works, wasm: works }, opened) });
    expect(opened).toEqual(["tfjs-node-gpu", "native"]);
  });

  it("records why each faster one was passed over, and the command that changes it", async () => {
    const info = await selectBackend("auto", { candidates: candidates({ native: { why: "it is not set up", fix: "npx verlet setup" }, webgpu: { why: "later" }, wasm: works }) });
    expect(info).toEqual({
      name: "wasm",
      ...works,
      passedOver: [
        { name: "tfjs-node-gpu", why: "no tfjs-node-gpu here", fix: "get tfjs-node-gpu" },
        { name: "native", why: "it is not set up", fix: "npx verlet setup" },
        { name: "tfjs-node", why: "no tfjs-node here", fix: "get tfjs-node" },
        { name: "webgpu", why: "later" },
      ],
    });
    expect(activeBackend()).toEqual(info);
    expect(describeBackend(info)).toEqual([
      "backend wasm on Test Chip, 4 threads",
      "  passed over tfjs-node-gpu: no tfjs-node-gpu here (get tfjs-node-gpu)",
      "  passed over native: it is not set up (npx verlet setup)",
      "  passed over tfjs-node: no tfjs-node here (get tfjs-node)",
      "  passed over webgpu: later",
    ]);
  });

  it("tells what a faster form of the chosen one lacks", async () => {
    const lacking = { name: "native on the GPU", why: "only the CPU build is set up", fix: "npx verlet setup --gpu" };
    const info = await selectBackend("auto", { candidates: candidates({ native: { ...works, tensorflowVersion: "2.21.0", passedOver: lacking } }) });
    expect(info.passedOver.at(-1)).toEqual(lacking);
    expect(info).not.toHaveProperty("passedOver.name");
    expect(describeBackend({ ...info, threads: 1 })[0]).toBe("backend native, TensorFlow 2.21.0 on Test Chip, 1 thread");
  });

  it("lists all reasons where nothing works", async () => {
    const attempt = selectBackend("auto", { candidates: candidates({}) });
    await expect(attempt).rejects.toThrow(/^\[backend\] no backend works: got tfjs-node-gpu: no tfjs-node-gpu here; .*cpu: no cpu here/);
  });
});

describe("a backend by name", () => {
  it("is taken without looking at the others", async () => {
    const opened: string[] = [];
    const info = await selectBackend("wasm", { candidates: candidates({ native: works, wasm: works }, opened) });
    expect(info).toEqual({ name: "wasm", ...works, passedOver: [] });
    expect(opened).toEqual(["wasm"]);
  });

  it("that cannot be used is an error with the reason and the command", async () => {
    const attempt = selectBackend("native", { candidates: candidates({ native: { why: "it is not set up", fix: "npx verlet setup" }, wasm: works }) });
    await expect(attempt).rejects.toBeInstanceOf(BackendError);
    await expect(attempt).rejects.toThrow(
      "[backend: native] it cannot be used: got it is not set up. Run npx verlet setup, or set backend: auto for the fastest one that works.",
    );
  });

  it("tfjs-node is looked for and named with the command that installs it", async () => {
    await expect(selectBackend("tfjs-node")).rejects.toThrow(/tfjs-node is not installed.*npm install @tensorflow\/tfjs-node/);
  });
});

const variables = ["VERLET_CACHE", "VERLET_WEBGPU"] as const;
const chosen = variables.map((name) => process.env[name]);
let cache: string | undefined;

afterEach(async () => {
  variables.forEach((name, i) => {
    if (chosen[i] === undefined) delete process.env[name];
    else process.env[name] = chosen[i];
  });
  if (cache) await rm(cache, { recursive: true });
  cache = undefined;
});

const emptyCache = async (): Promise<string> => (cache = process.env["VERLET_CACHE"] = await mkdtemp(join(tmpdir(), "verlet-cache-")));

describe("webgpu", () => {
  it("that is not set up says so with the command, and is passed over where there is no GPU", async () => {
    await emptyCache();
    delete process.env["VERLET_WEBGPU"];
    await expect(selectBackend("webgpu")).rejects.toThrow(
      "[backend: webgpu] it cannot be used: got it is not set up. Run npx verlet setup --webgpu, or set backend: auto for the fastest one that works.",
    );
    const why = (await selectBackend("auto")).passedOver.find(({ name }) => name === "webgpu")!;
    const withGpu = { name: "webgpu", why: "it is not set up", fix: "npx verlet setup --webgpu" };
    expect([withGpu, { name: "webgpu", why: "it is not set up, and there is no GPU" }]).toContainEqual(why);
  });

  it("whose addon does not load is an error with the loader's reason, and the command where verlet has put it there", async () => {
    const folder = join(await emptyCache(), "webgpu", WEBGPU_VERSION);
    process.env["VERLET_WEBGPU"] = join(cache!, "nothing");
    await expect(selectBackend("webgpu")).rejects.toThrow(/^\[backend: webgpu\] it cannot be used: got .*nothing\/index\.js does not load: .*\. Set backend: auto/);
    delete process.env["VERLET_WEBGPU"];
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "index.js"), "module.exports = {");
    await expect(selectBackend("webgpu")).rejects.toThrow(/index\.js does not load: .*\. Run npx verlet setup --webgpu --force, or set backend: auto/);
  });
});

describe("a native cache", () => {

  it("that is empty is passed over with the command that fills it", async () => {
    await emptyCache();
    const info = await selectBackend("auto");
    expect(info.name).toBe("wasm");
    const reason = process.platform === "linux" && process.arch === "x64" ? { why: "it is not set up", fix: "npx verlet setup" } : expect.objectContaining({ why: expect.stringContaining("there is no build") as string });
    expect(info.passedOver.find(({ name }) => name === "native")).toEqual({ name: "native", ...(reason as object) });
  });

  it("whose addon does not load is passed over with the loader's reason", async () => {
    const folder = join(await emptyCache(), "native", `${TENSORFLOW_VERSION}-cpu`);
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "tfjs_binding.node"), "not an addon");
    await writeFile(join(folder, "manifest.json"), JSON.stringify({ layout: LAYOUT, tensorflow: TENSORFLOW_VERSION, kind: "cpu" }));
    const info = await selectBackend("auto");
    expect(info.name).toBe("wasm");
    const native = info.passedOver.find(({ name }) => name === "native")!;
    expect(native.why).toContain(`what is set up in ${folder} does not load: `);
    expect(native.fix).toBe("npx verlet setup --force");
  });
});

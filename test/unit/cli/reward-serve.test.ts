import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { createComponent, registerReward, z } from "@verlet/core";
import { loadBuiltins } from "@verlet/config";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { createRewardServer } from "../../../packages/cli/dist/reward-server.js";
import { configureRewards, parseWeightedRewards } from "../../../packages/cli/dist/rewards.js";
import { configured, createRewardManager, rollout, scoringContext } from "../../contracts/reward-manager.js";
import { verlet } from "./run-cli.js";

const servers: Server[] = [];
const aborted: string[] = [];

/** Serves what `--reward` would, and gives the address. */
async function serve(specs: readonly string[], maxBody = 2 ** 20): Promise<string> {
  const server = createRewardServer(configureRewards(parseWeightedRewards(specs)), { maxBody });
  servers.push(server);
  await once(server.listen(0, "127.0.0.1"), "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/`;
}

beforeAll(async () => {
  await loadBuiltins();
  registerReward("served/throws")(({ completion }) => {
    if (completion === "bad") throw new Error("no judge");
    return 1;
  });
  registerReward("served/waits", { options: z.strictObject({ name: z.string().default("one") }) })(
    (_, { signal, options }) => new Promise((_resolve, reject) => signal.addEventListener("abort", () => (aborted.push(options.name), reject(new Error("aborted"))))),
  );
});
afterAll(() => servers.forEach((server) => (server.close(), server.closeAllConnections())));

interface Reply {
  status: number;
  body: { scores?: unknown; error?: string };
  headers: Headers;
}
async function send(url: string, body: unknown, init: RequestInit = {}): Promise<Reply> {
  const text = typeof body === "string" ? body : JSON.stringify(body);
  const response = await fetch(url, { method: "POST", headers: { "content-type": "application/json" }, body: text, ...init });
  return { status: response.status, body: (await response.json()) as Reply["body"], headers: response.headers };
}

describe("the http reward and the server", () => {
  const batch = [rollout("it is #### 42", { gold: "42" }), rollout("#### 41 and on", { gold: "42" }), rollout("#### 42", { gold: "" })];

  test("give the same scores as the rewards themselves, null included, with the run's answer column", async () => {
    const specs = ['accuracy:{"extract":"hash"}', 'length_penalty=0.5:{"maxLength":10}'];
    const far = configured("http", createComponent("reward", "http", { url: await serve(specs), maxBatch: 2 }));
    const near = configureRewards(parseWeightedRewards(specs));
    const answered = (rewards: typeof near) => createRewardManager("naive", rewards);
    const gold = batch.map((one) => ({ ...one, prompt: { ...one.prompt, row: { ...one.prompt.row, answer: one.prompt.row.gold } } }));
    const [remote, local] = [await answered([far]).score(gold, scoringContext), await answered(near).score(gold, scoringContext)];
    expect(remote.rollouts.map(({ score }) => score)).toEqual(local.rollouts.map(({ score }) => score));
    // 13, 14 and 7 tokens of 10: −0.5 · 0.3, −0.5 · 0.4 and 0; an empty answer cannot be compared with
    expect(remote.rollouts.map(({ score }) => score)).toEqual([1 - 0.15, -0.2, 0]);
    const exact = configured("http", createComponent("reward", "http", { url: await serve(["accuracy"]) }));
    expect((await answered([exact]).score(gold, scoringContext)).rollouts.map(({ score }) => score)).toEqual([1, 0, null]);
  });

  test("a reward that fails behind the server is a failure in front of it, with its words", async () => {
    const reward = configured("http", createComponent("reward", "http", { url: await serve(["served/throws"]), retries: 0 }));
    const scoring = createRewardManager("naive", [reward]).score([rollout("fine"), rollout("bad")], scoringContext);
    await expect(scoring).rejects.toThrow(/answered with status 500, on a batch of 2 samples: got \[reward served\/throws .*\] it threw: no judge, on sample 2 with .* completion "bad"/);
  });

  test("options of a request change those of the command line", async () => {
    const url = await serve(['accuracy:{"tolerance":0.5}']);
    const samples = [{ prompt: "", completion: "#### 3.4", answer: 3 }]; // off by 0.4 of at most tolerance · 3
    expect((await send(url, { samples })).body).toEqual({ scores: [1] });
    expect((await send(url, { samples, options: { tolerance: 0.1 } })).body).toEqual({ scores: [0] });
    expect(await send(url, { samples, options: { tolerence: 0.1 } })).toMatchObject({ status: 400, body: { error: expect.stringContaining("tolerence") as string } });
    const two = await serve(["accuracy", "think_format"]);
    expect(await send(two, { samples, options: {} })).toMatchObject({ status: 400, body: { error: "`options` are for one reward, and this server has 2: accuracy, think_format" } });
  });
});

describe("a request", () => {
  let url: string;
  beforeAll(async () => {
    url = await serve(["accuracy"], 2000);
  });
  const sample = { prompt: "?", completion: "#### 3", answer: "3" };

  test("may leave out what it does not have", async () => {
    expect(await send(url, { samples: [sample, { ...sample, completion: "4" }] })).toMatchObject({ status: 200, body: { scores: [1, 0] } });
    expect((await send(url, { samples: [] })).body).toEqual({ scores: [] });
    const lengths = await serve(['length_penalty:{"maxLength":4}']);
    expect((await send(lengths, { samples: [{ ...sample, completionIds: [1, 2, 3, 4, 5, 6] }] })).body).toEqual({ scores: [-0.5] });
    expect(await send(lengths, { samples: [sample] })).toMatchObject({
      status: 500,
      body: { error: expect.stringContaining("it counts tokens and the request has none") as string },
    });
  });

  test.each<[string, unknown, RequestInit, number, RegExp]>([
    ["broken JSON", '{"samples":', {}, 400, /^the request is no JSON: /],
    ["no samples", {}, {}, 400, /^the request is not as agreed: samples: got nothing, expected a list$/],
    ["a sample without a completion", { samples: [sample, { prompt: "?" }] }, {}, 400, /samples\.1\.completion: got nothing, expected text/],
    ["a misspelled key", { samples: [{ ...sample, anwser: 3 }] }, {}, 400, /samples\.0: got unknown "anwser"/],
    ["a list", [], {}, 400, /got an empty list, expected a mapping/],
    ["another content type", { samples: [sample] }, { headers: { "content-type": "text/plain" } }, 415, /^the content type is text\/plain; send application\/json$/],
    ["another method", "", { method: "PUT" }, 405, /^PUT is not answered here; send POST$/],
    ["too large a body", { samples: [{ ...sample, completion: "x".repeat(3000) }] }, {}, 413, /^the request is larger than 2000 bytes; send fewer samples/],
  ])("with %s is refused in words", async (_, body, init, status, words) => {
    const reply = await send(url, body, init);
    expect(reply.status).toBe(status);
    expect(reply.body.error).toMatch(words);
    expect(reply.headers.get("content-type")).toBe("application/json");
    expect((await send(url, { samples: [sample] })).body).toEqual({ scores: [1] }); // and the next one is answered
  });

  test("of unknown length is cut off at the limit too", async () => {
    const chunks = new ReadableStream({
      start(controller) {
        for (let i = 0; i < 30; i++) controller.enqueue(new TextEncoder().encode("x".repeat(100)));
        controller.close();
      },
    });
    expect((await send(url, "", { body: chunks, duplex: "half" } as RequestInit)).status).toBe(413);
  });

  test("to another place finds nothing; /health says what is served", async () => {
    expect(await send(`${url}score`, {})).toMatchObject({ status: 404, body: { error: "there is nothing at /score; POST samples to /, or GET /health" } });
    expect(await (await fetch(`${url}health`)).json()).toEqual({ status: "ok", rewards: [{ name: "accuracy", weight: 1 }] });
    const wrong = await fetch(`${url}health`, { method: "POST" });
    expect([wrong.status, wrong.headers.get("allow")]).toEqual([405, "GET"]);
  });

  test("whose client has gone is given up", async () => {
    const waits = await serve(['served/waits:{"name":"gone"}']);
    const controller = new AbortController();
    const sending = send(waits, { samples: [sample] }, { signal: controller.signal });
    setTimeout(() => controller.abort(), 50);
    await expect(sending).rejects.toThrow();
    await expect.poll(() => aborted).toContain("gone");
  });
});

describe("verlet reward serve", () => {
  const bin = fileURLToPath(new URL("../../../packages/cli/bin/verlet.js", import.meta.url));
  const folder = mkdtempSync(join(tmpdir(), "verlet-serve-"));
  const plugin = join(folder, "even.ts");
  writeFileSync(plugin, `import { registerReward } from "verlet";\nregisterReward("even")(({ completion }) => (completion.length % 2 === 0 ? 1 : 0));\n`);

  test.each(["SIGINT", "SIGTERM"] as const)("prints its address, serves the plugins' rewards, and ends on %s", async (signal) => {
    const child = spawn(process.execPath, [bin, "reward", "serve", "--plugins", plugin, "--reward", "even", "--reward", "think_format=0.5", "--json"]);
    const ended = once(child, "exit");
    const [line] = (await once(child.stdout.setEncoding("utf8"), "data")) as [string];
    const { url, ...rest } = JSON.parse(line) as { url: string };
    expect(rest).toEqual({ event: "listening", rewards: [{ name: "even", weight: 1 }, { name: "think_format", weight: 0.5 }] });
    expect(url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\/$/);
    expect((await send(url, { samples: [{ prompt: "", completion: "<think></think>!" }] })).body).toEqual({ scores: [1.5] });
    child.kill(signal);
    expect(await ended).toEqual([0, null]);
  });

  test.each<[string, string[], number, RegExp]>([
    ["no reward", [], 2, /required option '--reward <spec>' not specified/],
    ["an unknown reward", ["--reward", "acuracy"], 1, /\[reward acuracy\] unknown reward: got "acuracy"/],
    ["a weight that is none", ["--reward", "accuracy=much"], 2, /--reward accuracy=much: what follows the equals sign is no number/],
    ["a port that is none", ["--reward", "accuracy", "--port", "70000"], 2, /It must be at most 65535/],
  ])("%s is said before anything is served", async (_, args, status, words) => {
    const { code, stdout, stderr } = await verlet(["reward", "serve", ...args]);
    expect({ code, stdout }).toEqual({ code: status, stdout: "" });
    expect(stderr).toMatch(words);
  });

  test("a port in use is the user's to know", async () => {
    const taken = createServer();
    await once(taken.listen(0, "127.0.0.1"), "listening");
    const { port } = taken.address() as AddressInfo;
    const { code, stderr } = await verlet(["reward", "serve", "--reward", "accuracy", "--port", String(port)]);
    taken.close();
    expect({ code, stderr }).toEqual({ code: 1, stderr: `error listen EADDRINUSE: address already in use 127.0.0.1:${port}\n` });
  });
});

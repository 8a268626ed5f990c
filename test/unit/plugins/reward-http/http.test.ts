import { createServer } from "node:http";
import type { IncomingMessage, Server, ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { createComponent } from "@verlet/core";
import type { Reward, RewardContext } from "@verlet/core";
import { waitBefore } from "@verlet/plugins/reward-http";
import "@verlet/plugins/reward-managers";
import { configured, createRewardManager, rollout, scoringContext } from "../../../contracts/reward-manager.js";
import { rewardContext, rewardContract, rewardSample } from "../../../contracts/reward.js";

interface Received {
  method: string | undefined;
  headers: IncomingMessage["headers"];
  body: { samples: Record<string, unknown>[]; options?: unknown };
}
type Answer = (response: ServerResponse, received: Received) => void;

const received: Received[] = [];
let answers: Answer[] = [];
let server: Server;
let url: string;

/** The address is known only once the server is there. */
const contractOptions: Record<string, unknown> = { maxBatch: 4 };
rewardContract("http", contractOptions);

const json = (value: unknown, status = 200, headers: Record<string, string> = {}): Answer => (response) => {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(JSON.stringify(value));
};
const lengths: Answer = (response, { body }) => json({ scores: body.samples.map(({ completion }) => (completion as string).length) })(response, undefined as never);

beforeAll(async () => {
  server = createServer(async (request, response) => {
    const parts: Buffer[] = [];
    for await (const part of request) parts.push(part as Buffer);
    const one: Received = { method: request.method, headers: request.headers, body: JSON.parse(Buffer.concat(parts).toString()) as Received["body"] };
    received.push(one);
    (answers.shift() ?? lengths)(response, one);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/score?key=hidden`;
  contractOptions.url = url;
});
afterAll(() => void server.close());
beforeEach(() => {
  received.length = 0;
  answers = [];
});

const create = (options: object = {}): Reward => createComponent("reward", "http", { url, backoff: 0.001, ...options });
const score = (options: object, texts: string[], context: RewardContext = rewardContext): Promise<readonly (number | null)[]> =>
  Promise.resolve(create(options).scoreBatch!(texts.map((text) => rewardSample(text)), context));

describe("what is sent and read", () => {
  it("is one POST for a batch, with everything a reward sees", async () => {
    const reward = create({ options: { style: "strict" } });
    const sample = { ...rewardSample("ab", { answer: "42", question: "?" }, false), prompt: "What?" };
    const bare = { ...rewardSample("", {}), answer: undefined };
    expect(await reward.scoreBatch!([sample, bare], rewardContext)).toEqual([2, 0]);
    expect(received).toHaveLength(1);
    expect(received[0]!.method).toBe("POST");
    expect(received[0]!.headers["content-type"]).toBe("application/json");
    expect(received[0]!.body).toEqual({
      samples: [
        { prompt: "What?", completion: "ab", messages: [{ role: "assistant", content: "ab" }], row: { answer: "42", question: "?" }, answer: "42", finished: false, completionIds: [97, 98] },
        { prompt: bare.prompt, completion: "", messages: [{ role: "assistant", content: "" }], row: {}, finished: true, completionIds: [] },
      ],
      options: { style: "strict" },
    });
  });

  it("null means that a sample cannot be scored", async () => {
    answers = [json({ scores: [null, 0.5], seconds: 3 })];
    expect(await score({}, ["a", "b"])).toEqual([null, 0.5]);
  });

  it("a batch is cut by maxBatch, and put together in order", async () => {
    const rollouts = ["a", "ab", "abc", "abcd", "abcde"].map((text) => rollout(text));
    const { rollouts: scored } = await createRewardManager("naive", [configured("http", create({ maxBatch: 2 }))]).score(rollouts, scoringContext);
    expect(received.map(({ body }) => body.samples.length)).toEqual([2, 2, 1]);
    expect(scored.map((row) => row.score)).toEqual([1, 2, 3, 4, 5]);
  });

  it("headers hold environment variables, filled in when the reward is made", async () => {
    process.env.VERLET_TEST_KEY = "s3cret";
    try {
      const reward = create({ headers: { authorization: "Bearer ${VERLET_TEST_KEY}", "x-plain": "a $ {b}" } });
      delete process.env.VERLET_TEST_KEY;
      await reward.scoreBatch!([rewardSample("a")], rewardContext);
    } finally {
      delete process.env.VERLET_TEST_KEY;
    }
    expect(received[0]!.headers).toMatchObject({ authorization: "Bearer s3cret", "x-plain": "a $ {b}" });
  });
});

describe("what is tried again", () => {
  const failing = (status: number, headers: Record<string, string> = {}): Answer => json({ error: "busy" }, status, headers);

  it.each([500, 502, 503, 429])("status %i, until it goes well", async (status) => {
    answers = [failing(status), failing(status)];
    expect(await score({}, ["ab"])).toEqual([2]);
    expect(received).toHaveLength(3);
  });

  it("a connection that breaks", async () => {
    answers = [(response) => response.destroy(), (response) => response.writeHead(200, { "content-length": "50" }).write('{"scores"', () => response.destroy())];
    expect(await score({}, ["ab"])).toEqual([2]);
    expect(received).toHaveLength(3);
  });

  it("so many times and no more", async () => {
    answers = [failing(503), failing(503), failing(503)];
    await expect(score({ retries: 1 }, ["a"])).rejects.toThrow(`[reward] ${url.split("?")[0]} answered with status 503 (2 attempts): got busy. See the server's own output.`);
    expect(received).toHaveLength(2);
  });

  it.each([400, 401, 404, 413, 422])("not status %i", async (status) => {
    answers = [json({ error: "no such model" }, status)];
    await expect(score({}, ["a"])).rejects.toThrow(`answered with status ${status}: got no such model. Correct url, headers or options.`);
    expect(received).toHaveLength(1);
  });

  it("nor a redirect, which would lose the samples", async () => {
    answers = [json({}, 302, { location: "/elsewhere" })];
    await expect(score({}, ["a"])).rejects.toThrow("answered with status 302: got {}. Give the url that answers itself.");
    expect(received).toHaveLength(1);
  });

  it.each<[string, Answer, RegExp]>([
    ["text that is no JSON", (response) => response.end("<html>hello</html>"), /answered with something that is no JSON: got <html>hello<\/html>\. Check that url/],
    ["no answer at all", (response) => response.end(), /no JSON: got an empty answer/],
    ["no scores", json({ rewards: [1] }), /the server's answer is not as agreed: got scores: nothing, expected \{"scores": \[…\]\} with a number or null for each of 1 samples/],
    ["text as a score", json({ scores: ["1"] }), /got scores\.0: "1"/],
    ["a list", json([1]), /got it: a list of 1/],
    ["too many scores", json({ scores: [1, 2] }), /got 2 scores/],
  ])("nor %s", async (_, answer, words) => {
    answers = [answer];
    await expect(score({}, ["a"])).rejects.toThrow(words);
    expect(received).toHaveLength(1);
  });

  it("a server that is not there is named", async () => {
    const closed = createServer();
    await new Promise<void>((resolve) => closed.listen(0, "127.0.0.1", resolve));
    const { port } = closed.address() as AddressInfo;
    await new Promise((resolve) => closed.close(resolve));
    await expect(score({ url: `http://127.0.0.1:${port}/`, retries: 2 }, ["a"])).rejects.toThrow(
      new RegExp(`\\[reward\\] http://127\\.0\\.0\\.1:${port}/ cannot be reached \\(3 attempts\\): got .*ECONNREFUSED.*\\. Start the server, or correct url\\.`),
    );
  });

  it("waits are doubled, spread over a half, and bounded", () => {
    const options = { backoff: 0.5, maxBackoff: 3 };
    const never = (): number => 0;
    const full = (): number => 1;
    expect([0, 1, 2, 3, 10].map((attempt) => waitBefore(attempt, options, full))).toEqual([0.5, 1, 2, 3, 3]);
    expect([0, 1, 2, 3, 10].map((attempt) => waitBefore(attempt, options, never))).toEqual([0.25, 0.5, 1, 1.5, 1.5]);
  });

  it("Retry-After is heeded up to maxBackoff", async () => {
    answers = [failing(429, { "retry-after": "3600" })];
    expect(await score({ maxBackoff: 0.01 }, ["ab"])).toEqual([2]);
    answers = [failing(503, { "retry-after": "3600" })];
    const hurried = configured("http", create({ maxBackoff: 3600 }), { timeout: 0.2 });
    await expect(createRewardManager("naive", [hurried]).score([rollout("a")], scoringContext)).rejects.toThrow("it took too long");
  });
});

describe("in a run", () => {
  const run = (rest: object, options: object = {}, signal = new AbortController().signal) =>
    createRewardManager("naive", [configured("http", create(options), rest)]).score([rollout("ab"), rollout("abc"), rollout("a")], { step: 1, signal });

  it("a failed request stops it, is left out, or scores a number", async () => {
    const refuse = json({ error: "no" }, 400);
    answers = [refuse];
    await expect(run({})).rejects.toThrow(/\[reward http \(.*\)\] http:.* answered with status 400, on a batch of 3 samples: got no\./);
    answers = [refuse];
    expect((await run({ onError: "skip" })).rollouts.map(({ score }) => score)).toEqual([null, null, null]);
    answers = [lengths, refuse];
    const { rollouts, metrics } = await run({ onError: -1 }, { maxBatch: 2 });
    expect(rollouts.map(({ score }) => score)).toEqual([2, 3, -1]);
    expect(metrics["rewards/http/errors"]).toBe(1);
  });

  it("its timeout ends a request that hangs", async () => {
    let closed: Promise<unknown> | undefined;
    answers = [(response) => void (closed = new Promise((resolve) => response.on("close", resolve)))];
    await expect(run({ timeout: 0.1 })).rejects.toThrow(/it took too long, on a batch of 3 samples: got no result after 0\.1 s/);
    await closed; // the connection is given up too
  });

  it.each<[string, Answer, object]>([
    ["under way", () => undefined, {}],
    ["about to be tried again", json({}, 503), { backoff: 30 }],
  ])("stopping it ends a request that is %s", async (_, answer, options) => {
    const controller = new AbortController();
    answers = [(response, one) => (answer(response, one), setTimeout(() => controller.abort(new Error("stopped by the user")), 20))];
    await expect(run({}, options, controller.signal)).rejects.toThrow("stopped by the user");
    expect(received).toHaveLength(1);
  });
});

describe("wrong options are named before the run", () => {
  it.each<[string, object, RegExp]>([
    ["no url", { url: undefined }, /url: got nothing, expected text/],
    ["a url that is none", { url: "localhost:80" }, /url: got "localhost:80", expected a http or https URL without user and password in it/],
    ["a password in the url", { url: "http://me:pw@127.0.0.1/" }, /without user and password/],
    ["a variable that is not set", { headers: { authorization: "Bearer ${VERLET_UNSET}" } }, /\[reward http, header authorization\] the environment variable VERLET_UNSET is not set\. Set it before the run, or take \$\{VERLET_UNSET\} out\./],
    ["a header of two lines", { headers: { a: "b\nc: d" } }, /\[reward http, header a\] HTTP takes no such name or value: expected one line of text/],
    ["fewer than no retries", { retries: -1 }, /retries: got -1, expected at least 0/],
    ["an unknown option", { timeout: 3 }, /timeout/],
  ])("%s", (_, options, words) => {
    expect(() => create(options)).toThrow(words);
  });
});


/** Rewards behind HTTP, in the protocol of reward-protocol.ts in @verlet/data. */
import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { VerletError, createComponent, describeIssues, parseOptions, registry, type ConfiguredReward, type RewardSample } from "@verlet/core";
import { fromWireSample, rewardRequestSchema, scoreEach, scoreTogether, weigh } from "@verlet/data";

export interface RewardServerOptions {
  /** Bytes of a request. */
  maxBody: number;
}

/** An answer other than scores. */
class HttpError extends Error {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;

  constructor(status: number, message: string, headers: Readonly<Record<string, string>> = {}) {
    super(message);
    this.status = status;
    this.headers = headers;
  }
}

/** Calls of one reward under way at a time, for one request. */
const CONCURRENCY = 32;

/**
 * `POST /` scores samples, `GET /health` says what is served. A sample's score is the weighted sum of the rewards that gave a
 * number, null where none did. Wrong requests are answered with 4xx, a reward that failed with 500; an error never becomes a
 * score. A request whose client has gone is given up.
 */
export function createRewardServer(rewards: readonly ConfiguredReward[], { maxBody }: RewardServerOptions): Server {
  const choose = chooser(rewards);
  return createServer((request, response) => {
    const gone = new AbortController();
    response.on("close", () => gone.abort(new Error("the client has gone")));
    answer(request, rewards, choose, maxBody, gone.signal).then(
      (value) => send(response, 200, value),
      (error: unknown) => {
        if (gone.signal.aborted) return;
        const { status, message, headers } = error instanceof HttpError ? error : { status: 500, message: (error as Error).message, headers: {} };
        if (!(error instanceof HttpError || error instanceof VerletError)) process.stderr.write(`${(error as Error).stack ?? message}\n`);
        send(response, status, { error: message }, headers);
      },
    );
  });
}

function send(response: ServerResponse, status: number, value: object, headers: Readonly<Record<string, string>> = {}): void {
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(`${JSON.stringify(value)}\n`);
}

async function answer(
  request: IncomingMessage,
  rewards: readonly ConfiguredReward[],
  choose: (options: Readonly<Record<string, unknown>> | undefined) => readonly ConfiguredReward[],
  maxBody: number,
  signal: AbortSignal,
): Promise<object> {
  const path = (request.url ?? "/").split("?")[0]!;
  if (path === "/health") {
    allow(request, "GET");
    return { status: "ok", rewards: rewards.map(({ name, weight }) => ({ name, weight })) };
  }
  if (path !== "/") throw new HttpError(404, `there is nothing at ${path}; POST samples to /, or GET /health`);
  allow(request, "POST");
  // Other types a web page may send to any address without being asked.
  if (!/^application\/json\b/i.test(request.headers["content-type"] ?? "")) {
    throw new HttpError(415, `the content type is ${request.headers["content-type"] ?? "missing"}; send application/json`);
  }
  const { samples, options } = readRequest(await readBody(request, maxBody));
  return { scores: await scoreAll(choose(options), samples.map(fromWireSample), signal) };
}

function allow({ method }: IncomingMessage, allowed: string): void {
  if (method !== allowed) throw new HttpError(405, `${method} is not answered here; send ${allowed}`, { allow: allowed });
}

async function readBody(request: IncomingMessage, maxBody: number): Promise<string> {
  // The rest is left unread, and the connection ends with the answer.
  const tooLarge = new HttpError(413, `the request is larger than ${maxBody} bytes; send fewer samples (maxBatch), or raise --max-body`, { connection: "close" });
  if (Number(request.headers["content-length"] ?? 0) > maxBody) throw tooLarge;
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    size += part.length;
    if (size > maxBody) throw tooLarge;
    parts.push(part);
  }
  return Buffer.concat(parts).toString("utf8");
}

function readRequest(text: string): ReturnType<typeof rewardRequestSchema.parse> {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw new HttpError(400, `the request is no JSON: ${(error as Error).message}`);
  }
  const parsed = rewardRequestSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  const problems = describeIssues(parsed.error, value).map(({ path, got, expected }) => {
    const words = [got && `got ${got}`, expected && `expected ${expected}`].filter(Boolean).join(", ");
    return path.length > 0 ? `${path.join(".")}: ${words}` : words;
  });
  throw new HttpError(400, `the request is not as agreed: ${problems.slice(0, 5).join("; ")}`);
}

async function scoreAll(rewards: readonly ConfiguredReward[], samples: readonly RewardSample[], signal: AbortSignal): Promise<(number | null)[]> {
  const context = { step: 0, signal };
  const results = await Promise.all(rewards.map((reward) => (reward.reward.score ? scoreEach : scoreTogether)(reward, samples, context, CONCURRENCY)));
  return samples.map((_, i) => weigh(rewards, results.map(({ values }) => values[i]!)));
}

/** The rewards with a request's own `options`, which change those of the command line key by key. */
function chooser(rewards: readonly ConfiguredReward[]): (options: Readonly<Record<string, unknown>> | undefined) => readonly ConfiguredReward[] {
  const made = new Map<string, ConfiguredReward>();
  return (options) => {
    if (options === undefined) return rewards;
    const [reward, second] = rewards;
    if (!reward || second) throw new HttpError(400, `\`options\` are for one reward, and this server has ${rewards.length}: ${rewards.map(({ name }) => name).join(", ")}`);
    const key = JSON.stringify(options);
    const known = made.get(key);
    if (known) return [known];
    const other = withOptions(reward, options);
    made.set(key, other);
    return [other];
  };
}

function withOptions(reward: ConfiguredReward, options: Readonly<Record<string, unknown>>): ConfiguredReward {
  try {
    const all = parseOptions(registry.get("reward", reward.name), { ...reward.options, ...options });
    return { ...reward, options: all, reward: createComponent("reward", reward.name, all) };
  } catch (error) {
    throw new HttpError(400, (error as Error).message);
  }
}

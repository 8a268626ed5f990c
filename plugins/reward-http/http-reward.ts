import { RewardError, describeIssues, registerReward, z } from "@verlet/core";
import type { Reward, RewardContext, RewardSample } from "@verlet/core";
import { rewardResponseSchema, toRewardRequest } from "@verlet/data";
import { fillFromEnvironment } from "./environment.js";
import { postJson } from "./post-json.js";

const options = z.strictObject({
  url: z.string().refine(isPlainUrl, "a http or https URL without user and password in it").describe("where the samples are sent"),
  headers: z.record(z.string(), z.string()).default({}).describe("sent with each request; ${NAME} in a value is that environment variable"),
  options: z.record(z.string(), z.unknown()).optional().describe("sent along for the server"),
  maxBatch: z.number().int().min(1).optional().describe("samples in one request; all of a step without it"),
  retries: z.number().int().min(0).default(3).describe("further attempts where there is no connection, and after a 5xx or 429"),
  backoff: z.number().gt(0).default(0.5).describe("seconds before the first of them, doubled for each one after; up to half is taken off at random"),
  maxBackoff: z.number().gt(0).default(30).describe("the longest wait between two attempts, in seconds"),
});

/**
 * Scores by a server: one POST for a batch, or for each `maxBatch` samples of it, in the protocol of reward-protocol.ts in
 * @verlet/data, which `verlet reward serve` speaks.
 *
 * The reward's `timeout` of the YAML bounds a request with all its attempts (verl's remote rewards have no bound and can hang
 * for ever), and `onError` says what a failed request means: the run stops, its samples are left unscored, or get a number.
 * Headers are filled in here and not in the options, so that config.resolved.yaml holds no secret.
 * @throws RewardError when an environment variable is not set.
 */
@registerReward("http", { options, doc: "Scores by a server: POSTs the samples as JSON and reads one score each." })
export class HttpReward implements Reward {
  readonly maxBatch: number | undefined;
  readonly #chosen: z.infer<typeof options>;
  readonly #headers: Readonly<Record<string, string>>;

  constructor(chosen: z.infer<typeof options>) {
    this.#chosen = chosen;
    this.maxBatch = chosen.maxBatch;
    this.#headers = fillFromEnvironment(chosen.headers, process.env);
  }

  async scoreBatch(samples: readonly RewardSample[], { signal }: RewardContext): Promise<(number | null)[]> {
    const { url, options: forServer, retries, backoff, maxBackoff } = this.#chosen;
    const body = JSON.stringify(toRewardRequest(samples, forServer));
    const answer = await postJson({ url, headers: this.#headers, body, signal, retries, backoff, maxBackoff });
    const parsed = rewardResponseSchema.safeParse(answer);
    if (parsed.success && parsed.data.scores.length === samples.length) return parsed.data.scores;
    const got = parsed.success ? `${parsed.data.scores.length} scores` : describeIssues(parsed.error, answer).map(({ path, got }) => `${path.join(".") || "it"}: ${got}`).join("; ");
    throw new RewardError({ where: "reward", what: "the server's answer is not as agreed", got, expected: `{"scores": […]} with a number or null for each of ${samples.length} samples` });
  }
}

function isPlainUrl(text: string): boolean {
  if (!URL.canParse(text)) return false;
  const { protocol, username, password } = new URL(text);
  return /^https?:$/.test(protocol) && username === "" && password === "";
}

import { setTimeout as sleep } from "node:timers/promises";
import { RewardError } from "@verlet/core";

export interface RetryOptions {
  /** Further attempts after the first. */
  retries: number;
  /** Seconds before the first further attempt; doubled for each one after it. */
  backoff: number;
  /** The longest wait in seconds. */
  maxBackoff: number;
}

export interface Post extends RetryOptions {
  url: string;
  headers: Readonly<Record<string, string>>;
  body: string;
  /** Ends the request and any waiting. */
  signal: AbortSignal;
}

interface Failure {
  what: string;
  got: string;
  fix: string;
  /** Another attempt may help. */
  passing: boolean;
  /** Seconds that the server asks to wait. */
  retryAfter?: number;
}

/**
 * POSTs JSON and reads JSON. No connection, a 5xx and a 429 are tried again, up to `retries` times; other answers are final.
 * @throws RewardError for an answer that is none, and the signal's reason once it is aborted.
 */
export async function postJson(post: Post): Promise<unknown> {
  for (let attempt = 0; ; attempt++) {
    const result = await attemptOnce(post);
    if ("json" in result) return result.json;
    const { what, got, fix, passing, retryAfter = 0 } = result.failure;
    if (!passing || attempt >= post.retries) {
      const tries = attempt > 0 ? ` (${attempt + 1} attempts)` : "";
      throw new RewardError({ where: "reward", what: `${shownUrl(post.url)} ${what}${tries}`, got, fix });
    }
    await sleep(1000 * Math.max(waitBefore(attempt, post), Math.min(retryAfter, post.maxBackoff)), undefined, { signal: post.signal });
  }
}

/**
 * Seconds: between half of backoff · 2^attempt and all of it, so that many runs do not come back at one moment; never more
 * than maxBackoff. The random part changes no result of a run and takes no seed.
 */
export function waitBefore(attempt: number, { backoff, maxBackoff }: Pick<RetryOptions, "backoff" | "maxBackoff">, random = Math.random): number {
  return Math.min(maxBackoff, backoff * 2 ** attempt) * (0.5 + 0.5 * random());
}

async function attemptOnce({ url, headers, body, signal }: Post): Promise<{ json: unknown } | { failure: Failure }> {
  let response: Response;
  let text: string;
  try {
    // A redirect would be followed with GET.
    response = await fetch(url, { method: "POST", headers: { ...headers, "content-type": "application/json" }, body, signal, redirect: "manual" });
    text = await response.text();
  } catch (error) {
    if (signal.aborted) throw signal.reason;
    return { failure: { what: "cannot be reached", got: reasonOf(error as Error), fix: "Start the server, or correct url", passing: true } };
  }
  const { status } = response;
  if (status !== 200) return { failure: statusFailure(response, text) };
  try {
    return { json: JSON.parse(text) as unknown };
  } catch {
    return { failure: { what: "answered with something that is no JSON", got: excerpt(text), fix: "Check that url is that of a reward server", passing: false } };
  }
}

function statusFailure({ status, headers }: Response, text: string): Failure {
  const passing = status === 429 || status >= 500;
  const fix = passing ? "See the server's own output" : status < 400 ? "Give the url that answers itself" : "Correct url, headers or options";
  return { what: `answered with status ${status}`, got: excerpt(errorIn(text)), fix, passing, retryAfter: secondsOf(headers.get("retry-after")) };
}

/** The `error` of a JSON answer, or all of another one. */
function errorIn(text: string): string {
  try {
    const { error } = JSON.parse(text) as { error?: unknown };
    return typeof error === "string" ? error : text;
  } catch {
    return text;
  }
}

/** `Retry-After`: seconds or a date. */
function secondsOf(header: string | null): number | undefined {
  if (header === null) return undefined;
  const seconds = Number(header);
  const until = Number.isFinite(seconds) ? seconds : (Date.parse(header) - Date.now()) / 1000;
  return Number.isFinite(until) ? Math.max(0, until) : undefined;
}

/** fetch hides what happened in the cause. */
function reasonOf(error: Error): string {
  const { code, message } = (error.cause ?? error) as NodeJS.ErrnoException;
  return code && !message.includes(code) ? `${code} ${message}`.trim() : message || (code ?? error.message);
}

function excerpt(text: string): string {
  const line = text.trim().replace(/\s+/g, " ");
  return line === "" ? "an empty answer" : line.length > 300 ? `${line.slice(0, 299)}…` : line;
}

/** Without the query, which may hold a key. */
function shownUrl(url: string): string {
  const { origin, pathname } = new URL(url);
  return origin + pathname;
}

/** What went wrong between here and the hub, in words. */
import { DataError } from "@verlet/core";
import type { HubSettings } from "./hub-settings.js";

export interface HubFailureContext {
  repo: string;
  revision: string;
  settings: HubSettings;
  /** Whether the cache has this revision. */
  cached: boolean;
}

export function offlineFailure(where: string, what: string, folder: string): DataError {
  return new DataError({ where, what, got: `HF_HUB_OFFLINE, and the cache ${folder}`, fix: "Run the command once with the hub in reach, or take HF_HUB_OFFLINE away" });
}

export function hubFailure(error: unknown, where: string, { repo, revision, settings: { endpoint, token }, cached }: HubFailureContext): DataError {
  const { statusCode: status, message, data } = error as Error & { statusCode?: number; data?: { error?: unknown } };
  const said = status === undefined ? message : `status ${status} from ${endpoint}`;
  const fail = (what: string, fix: string, got = said): DataError => new DataError({ where, what, got, fix }, { cause: error });
  if (error instanceof TypeError && /access token/i.test(message)) return fail("HF_TOKEN is no token of the hub", "A token starts with hf_", "something else");
  if (status === 401) {
    return token === undefined
      ? fail("no such data set, or one that asks for an account", `Check the name ${repo}; for a private or gated data set set HF_TOKEN`)
      : fail("the hub does not take HF_TOKEN for this data set", `Check the token, and the name ${repo}`);
  }
  if (status === 403) return fail("the account of HF_TOKEN may not read this data set", `Ask for access at ${endpoint}/datasets/${repo}`);
  if (status === 404 && /^invalid rev/i.test(String(data?.error))) return fail("no such revision", `Check the revision ${revision}`);
  if (status === 404) return fail("no such data set", `Check the name ${repo}; the hub shows a private data set only with HF_TOKEN`);
  if (status !== undefined) return fail("the hub does not answer as it should", "Try again later");
  const { cause } = error as { cause?: unknown };
  const why = cause instanceof Error ? cause.message || String((cause as NodeJS.ErrnoException).code) : message;
  return fail("the hub cannot be reached", cached ? "The cache has this data set: HF_HUB_OFFLINE=1 reads it from there" : "Check the network; HF_ENDPOINT names another hub", `${endpoint}: ${why}`);
}

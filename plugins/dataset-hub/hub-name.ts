import { DataError } from "@verlet/core";
import { HUB_SCHEME } from "@verlet/data";

export interface HubName {
  /** `owner/name`. */
  repo: string;
  /** Branch, tag or commit; `main` without one. */
  revision?: string;
  /** A configuration, or the path of a file. */
  rest?: string;
}

const form = `${HUB_SCHEME}owner/name, with @revision and /configuration after it`;
/** Revisions that hold slashes as they are; in others a slash is written %2F. */
const pattern = /^(?:datasets\/)?([\w.-]+\/[\w.-]+)(?:@(refs\/(?:convert|pr)\/[^/]+|[^/]+))?(?:\/(.+))?$/;

/** `hf://owner/name@revision/configuration`; `hf://datasets/owner/name@revision/path/to/file.parquet`, as in Python, is read too. */
export function parseHubName(path: string): HubName {
  const match = pattern.exec(path.slice(HUB_SCHEME.length).replace(/\/$/, ""));
  if (!match) throw new DataError({ where: path, what: "this names no data set of the hub", got: path.slice(HUB_SCHEME.length) || "nothing", expected: form });
  const [, repo, revision, rest] = match;
  return { repo: repo!, ...(revision !== undefined && { revision: decodeURIComponent(revision) }), ...(rest !== undefined && { rest }) };
}

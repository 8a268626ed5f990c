/** A data set's files at one commit, from the hub or from the cache. */
import { DataError } from "@verlet/core";
import type { RepoFile } from "./hub-cache.js";
import { HubCache } from "./hub-cache.js";
import { hubFailure, offlineFailure } from "./hub-errors.js";
import type { HubSettings } from "./hub-settings.js";

export interface Snapshot {
  commit: string;
  files: readonly RepoFile[];
  /** The path of a file on this machine; downloads it where it is not here. */
  open(file: RepoFile): Promise<string>;
}

/** So often a file is asked for whose download breaks off. */
const ATTEMPTS = 3;

/**
 * @param log is told of each file of rows that is downloaded
 * @throws DataError for a data set or revision that is not there, an account without access, a hub that cannot be reached,
 * and offline for what the cache lacks.
 */
export async function openSnapshot(repo: string, revision: string, settings: HubSettings, where: string, log: (line: string) => void): Promise<Snapshot> {
  const { getHFHubCachePath } = await import("@huggingface/hub");
  const cache = new HubCache(getHFHubCachePath(), repo);
  return settings.offline ? offlineSnapshot(cache, revision, where) : onlineSnapshot(cache, repo, revision, settings, where, log);
}

async function offlineSnapshot(cache: HubCache, revision: string, where: string): Promise<Snapshot> {
  const commit = await cache.commitOf(revision);
  if (commit === undefined) throw offlineFailure(where, "the data set is not in the cache", cache.folder);
  const { files, complete } = await cache.files(commit);
  if (!complete) requireShards(files, where, cache.folder);
  return {
    commit,
    files,
    open: async ({ path }) => {
      const found = cache.find(commit, path);
      if (found === undefined) throw offlineFailure(where, `${path} is not in the cache`, cache.folder);
      return found;
    },
  };
}

/** A cache that holds the first of two shards would pass for the whole split. */
function requireShards(files: readonly RepoFile[], where: string, folder: string): void {
  for (const { path } of files) {
    const [, start, of] = /^(.*-)\d{5}-of-(\d{5})/.exec(path) ?? [];
    if (of === undefined) continue;
    const shards = files.filter((file) => file.path.startsWith(start!) && file.path.slice(start!.length + 5).startsWith(`-of-${of}`)).length;
    if (shards < Number(of)) throw offlineFailure(where, `only ${shards} of the ${Number(of)} parts of ${start!.slice(0, -1)} are in the cache`, folder);
  }
}

async function onlineSnapshot(cache: HubCache, repo: string, revision: string, settings: HubSettings, where: string, log: (line: string) => void): Promise<Snapshot> {
  const { datasetInfo, downloadFile, listFiles } = await import("@huggingface/hub");
  const access = { hubUrl: settings.endpoint, ...(settings.token !== undefined && { accessToken: settings.token }) };
  const design = { type: "dataset", name: repo } as const;
  const cached = await cache.commitOf(revision);
  const failed = (error: unknown): DataError => hubFailure(error, where, { repo, revision, settings, cached: cached !== undefined });
  const files: RepoFile[] = [];
  let commit: string;
  try {
    commit = (await datasetInfo({ name: repo, revision, additionalFields: ["sha"], ...access })).sha;
    for await (const { type, path, size, oid, lfs } of listFiles({ repo: design, revision: commit, recursive: true, ...access })) {
      if (type === "file") files.push({ path: checked(path, where), size: lfs?.size ?? size, ...(oid !== undefined && { oid }), ...(lfs && { sha256: lfs.oid }) });
    }
  } catch (error) {
    throw error instanceof DataError ? error : failed(error);
  }
  await cache.remember(revision, commit, files);
  const download = async (file: RepoFile): Promise<string> => {
    const body = await downloadFile({ repo: design, path: file.path, revision: commit, xet: false, ...access });
    if (!body) throw new Error("the hub no longer has it");
    return cache.store(commit, file, body.stream() as ReadableStream<Uint8Array>);
  };
  const open = async (file: RepoFile): Promise<string> => {
    const here = cache.find(commit, file.path) ?? (await cache.reuse(commit, file));
    if (here !== undefined) return here;
    if (file.path !== "README.md") log(`downloading ${file.path} of ${repo}, ${inUnits(file.size)}`);
    for (let attempt = 1; ; attempt++) {
      try {
        return await download(file);
      } catch (error) {
        if ("statusCode" in (error as object)) throw failed(error);
        if (attempt < ATTEMPTS) continue;
        throw new DataError({ where, what: `the download of ${file.path} broke off, ${ATTEMPTS} times`, got: reason(error), expected: `${file.size} bytes`, fix: "Run the command again; whole files are kept in the cache" }, { cause: error });
      }
    }
  };
  return { commit, files, open };
}

/** As the hub's pages have it: 1 MB is a million bytes. */
function inUnits(bytes: number): string {
  if (bytes < 1000) return `${bytes} bytes`;
  const [size, unit] = bytes < 1e6 ? [bytes / 1e3, "kB"] : bytes < 1e9 ? [bytes / 1e6, "MB"] : [bytes / 1e9, "GB"];
  return `${size.toFixed(1)} ${unit}`;
}

function reason(error: unknown): string {
  const { message, cause } = error as Error;
  return cause instanceof Error ? `${message} (${cause.message})` : String(message);
}

/** A path that leads out of the cache is none that a data set may have. */
function checked(path: string, where: string): string {
  if (!path.replaceAll("\\", "/").split("/").includes("..") && !/^([/\\]|[a-zA-Z]:)/.test(path)) return path;
  throw new DataError({ where, what: "a file's path leads out of the data set", got: JSON.stringify(path), fix: "Do not use this data set" });
}

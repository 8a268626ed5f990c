import { readFile } from "node:fs/promises";
import type { DatasetReader, Row } from "@verlet/core";
import { DataError, createComponent, nearest, registerDataset, registry } from "@verlet/core";
import { isHub, placeOf, readRows, setPlace } from "@verlet/data";
import type { Splits } from "./data-files.js";
import { convertedReadme, findSplits } from "./data-files.js";
import type { RepoFile } from "./hub-cache.js";
import { parseHubName } from "./hub-name.js";
import { hubSettings } from "./hub-settings.js";
import type { Snapshot } from "./snapshot.js";
import { openSnapshot } from "./snapshot.js";

/** The branch on which the hub keeps Parquet files of data sets that have other files, or a script. */
const CONVERTED = "refs/convert/parquet";
/** Files beside the data that have a data file's name. */
const NO_DATA = /(^|\/)(\.|__)|(^|\/)(dataset_infos?|dataset_dict|config|package(-lock)?)\.json$/;

/**
 * A data set of the Hugging Face hub. Configurations and splits are found as Python's `datasets` finds them; what is
 * downloaded lies in the cache that Python has too, and every file is checked against its hash. A row's place names the commit.
 */
@registerDataset("hub", { doc: "A data set of the Hugging Face hub: hf://owner/name, with @revision, /configuration and :split after it." })
export class HubReader implements DatasetReader {
  readonly hasSplits = true;

  accepts(path: string): boolean {
    return isHub(path);
  }

  async read(path: string, split?: string): Promise<Row[]> {
    const { repo, revision, rest } = parseHubName(path);
    const settings = hubSettings();
    let snapshot = await openSnapshot(repo, revision ?? "main", settings, path);
    const file = snapshot.files.find((one) => one.path === rest);
    if (file) return readFiles(snapshot, [file.path], repo);
    if (rest !== undefined && isReadable(rest)) throw new DataError({ where: path, what: "no such file in the data set", got: rest, expected: `a configuration, or one of ${fewNames(snapshot.files)}` });
    let files = dataFiles(snapshot);
    let readme = await readmeOf(snapshot);
    if (files.length === 0 && revision === undefined) {
      const seen = snapshot.files;
      snapshot = await openSnapshot(repo, CONVERTED, settings, path).catch((error: unknown) => {
        throw noData(seen, path, error);
      });
      files = dataFiles(snapshot);
      readme = convertedReadme(files);
    }
    if (files.length === 0) throw noData(snapshot.files, path);
    const splits = findSplits(files, readme, rest, path);
    return readFiles(snapshot, chooseSplit(splits, split, path), repo);
  }
}

function noData(files: readonly RepoFile[], where: string, cause?: unknown): DataError {
  return new DataError({ where, what: "the data set has no file that a dataset reader takes", got: fewNames(files), expected: `a file for one of the readers ${registry.names("dataset").join(", ")}` }, { cause });
}

function fewNames(files: readonly RepoFile[]): string {
  const names = files.map(({ path }) => path);
  return names.length > 5 ? `${names.slice(0, 5).join(", ")} and ${names.length - 5} more` : names.join(", ") || "no file";
}

function dataFiles({ files }: Snapshot): string[] {
  return files.map(({ path }) => path).filter((path) => !NO_DATA.test(path) && isReadable(path)).sort();
}

function isReadable(path: string): boolean {
  return registry.names("dataset").some((name) => createComponent("dataset", name).accepts(path));
}

async function readmeOf(snapshot: Snapshot): Promise<string | undefined> {
  const readme = snapshot.files.find(({ path }) => path === "README.md");
  if (!readme) return undefined;
  return readFile(await snapshot.open(readme), "utf8");
}

function chooseSplit(splits: Splits, split: string | undefined, where: string): readonly string[] {
  const names = [...splits.keys()];
  const name = split ?? (names.length === 1 ? names[0]! : undefined);
  const files = name === undefined ? undefined : splits.get(name);
  if (files && files.length > 0) return files;
  const near = split === undefined ? undefined : nearest(split, names);
  throw new DataError({
    where,
    what: name === undefined ? "the data set has several splits" : files ? "no file of this split is there" : "no such split",
    ...(name !== undefined && { got: name }),
    expected: `one of ${names.join(", ")}`,
    fix: near ? `Did you mean ${near}?` : `Name it: ${where}:${names[0]}`,
  });
}

async function readFiles(snapshot: Snapshot, paths: readonly string[], repo: string): Promise<Row[]> {
  const rows: Row[] = [];
  for (const path of paths) {
    const local = await snapshot.open(snapshot.files.find((file) => file.path === path)!);
    const read = (await readRows({ path: local })).rows;
    for (const row of read) setPlace(row, placeOf(row)!.replace(local, `hf://${repo}@${snapshot.commit.slice(0, 12)}/${path}`));
    rows.push(...read);
  }
  return rows;
}

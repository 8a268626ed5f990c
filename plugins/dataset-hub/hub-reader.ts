import { readFile } from "node:fs/promises";
import type { DatasetReader, ReadListeners, Row } from "@verlet/core";
import { DataError, registerDataset } from "@verlet/core";
import { isHub, placeOf, readRows, setPlace } from "@verlet/data";
import { chooseSplit, convertedReadme, findSplits } from "./data-files.js";
import { parseHubName } from "./hub-name.js";
import { hubSettings } from "./hub-settings.js";
import type { Snapshot } from "./snapshot.js";
import { openSnapshot } from "./snapshot.js";
import { dataFiles, fewNames, isReadable, noData } from "./readable-files.js";

/** The branch on which the hub keeps Parquet files of data sets that have other files, or a script. */
const CONVERTED = "refs/convert/parquet";

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

  async read(path: string, split?: string, { log = () => undefined, broken }: ReadListeners = {}): Promise<Row[]> {
    const { repo, revision, rest } = parseHubName(path);
    const settings = hubSettings();
    const open = (at: string): Promise<Snapshot> => openSnapshot(repo, at, settings, path, log);
    let snapshot = await open(revision ?? "main");
    const file = snapshot.files.find((one) => one.path === rest);
    if (file) return readFiles(snapshot, [file.path], repo, broken);
    if (rest !== undefined && isReadable(rest)) throw new DataError({ where: path, what: "no such file in the data set", got: rest, expected: `a configuration, or one of ${fewNames(pathsOf(snapshot))}` });
    let files = dataFiles(pathsOf(snapshot));
    let readme = await readmeOf(snapshot);
    if (files.length === 0 && revision === undefined) {
      const seen = pathsOf(snapshot);
      snapshot = await open(CONVERTED).catch((error: unknown) => {
        throw noData(seen, path, error);
      });
      files = dataFiles(pathsOf(snapshot));
      readme = convertedReadme(files);
    }
    if (files.length === 0) throw noData(pathsOf(snapshot), path);
    const splits = findSplits(files, readme, rest, path);
    return readFiles(snapshot, chooseSplit(splits, split, path), repo, broken);
  }
}

const pathsOf = ({ files }: Snapshot): string[] => files.map(({ path }) => path);

async function readmeOf(snapshot: Snapshot): Promise<string | undefined> {
  const readme = snapshot.files.find(({ path }) => path === "README.md");
  if (!readme) return undefined;
  return readFile(await snapshot.open(readme), "utf8");
}

/** Places, also those of what is wrong, are the hub's and not the cache's. */
async function readFiles(snapshot: Snapshot, paths: readonly string[], repo: string, broken: ReadListeners["broken"]): Promise<Row[]> {
  const rows: Row[] = [];
  for (const path of paths) {
    const local = await snapshot.open(snapshot.files.find((file) => file.path === path)!);
    const onHub = (place: string): string => place.replace(local, `hf://${repo}@${snapshot.commit.slice(0, 12)}/${path}`);
    const moved = (error: DataError): DataError => new DataError({ ...error.parts, where: onHub(error.parts.where) }, { cause: error });
    const read = await readRows({ path: local }, broken && { broken: (error) => broken(moved(error)) }).catch((error: unknown) => {
      throw error instanceof DataError ? moved(error) : error;
    });
    for (const row of read.rows) setPlace(row, onHub(placeOf(row)!));
    rows.push(...read.rows);
  }
  return rows;
}

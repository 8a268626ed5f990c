import { existsSync, readFileSync } from "node:fs";
import { readdir, stat } from "node:fs/promises";
import { basename, dirname, join, sep } from "node:path";
import type { DatasetReader, ReadListeners, Row } from "@verlet/core";
import { DataError, registerDataset } from "@verlet/core";
import { isFolder, isHub, readRows } from "@verlet/data";
import { chooseSplit, configNames, findSplits, kindOf } from "./data-files.js";
import { dataFiles, noData } from "./readable-files.js";

/**
 * A folder of files that are one data set, as a clone of one of the hub's is: `train.jsonl` and `test.parquet`,
 * `data/train-00000-of-00002.parquet`, `test/…`, or what its README says. A row's place is its file and line.
 */
@registerDataset("folder", { doc: "A folder of files that other readers take: train.jsonl beside test.jsonl, data/train-00000-of-00002.parquet, or as its README says." })
export class FolderReader implements DatasetReader {
  readonly hasSplits = true;

  accepts(path: string): boolean {
    return !isHub(path) && locate(path) !== undefined;
  }

  async read(path: string, split?: string, listeners: ReadListeners = {}): Promise<Row[]> {
    const { folder, config, readme } = locate(path)!;
    const all = await filesIn(folder);
    const files = dataFiles(all);
    if (files.length === 0) throw noData(all, path);
    const chosen = chooseSplit(findSplits(files, readme, config, path, { everyKind: true }), split, path);
    const kinds = [...new Set(chosen.map(kindOf))];
    if (kinds.length > 1) {
      throw new DataError({ where: path, what: "files of several kinds are one split", got: chosen.slice(0, 5).join(", "), expected: "files of one kind, as the same rows may lie there twice", fix: "Name the files themselves, as a list" });
    }
    const rows: Row[] = [];
    for (const file of chosen) rows.push(...(await readRows({ path: join(folder, file) }, listeners)).rows);
    return rows;
  }
}

interface Located {
  folder: string;
  config?: string;
  readme?: string;
}

/** The folder itself, or that above with a configuration of its README by the name that the path ends in. */
function locate(path: string): Located | undefined {
  if (isFolder(path)) {
    const readme = readmeOf(path);
    return { folder: path, ...(readme !== undefined && { readme }) };
  }
  const [folder, config] = [dirname(path), basename(path)];
  const readme = existsSync(path) ? undefined : readmeOf(folder);
  return readme !== undefined && /^---\r?\n[^]*?^configs:/m.test(readme) && configNames(readme, folder).includes(config) ? { folder, config, readme } : undefined;
}

function readmeOf(folder: string): string | undefined {
  const path = join(folder, "README.md");
  return existsSync(path) ? readFileSync(path, "utf8") : undefined;
}

/** Paths from the folder on, with slashes; links to files count as files. */
async function filesIn(folder: string): Promise<string[]> {
  const found: string[] = [];
  for (const path of await readdir(folder, { recursive: true })) {
    const entry = await stat(join(folder, path)).catch(() => undefined); // a link may lead nowhere
    if (entry?.isFile()) found.push(path.replaceAll(sep, "/"));
  }
  return found;
}

/** Which files of a data set hold rows. */
import { DataError, createComponent, registry, type DatasetReader } from "@verlet/core";

/** Files beside the data that have a data file's name. */
const NO_DATA = /(^|\/)(\.|__)|(^|\/)(dataset_infos?|dataset_dict|state|config|package(-lock)?)\.json$/;

/** Those of named data sets are not asked: the paths are none on this machine. */
const fileReaders = (): { name: string; reader: DatasetReader }[] =>
  registry.names("dataset").map((name) => ({ name, reader: createComponent("dataset", name) })).filter(({ reader }) => !reader.hasSplits);

/** Whether a reader of files takes it. */
export function isReadable(path: string): boolean {
  return fileReaders().some(({ reader }) => reader.accepts(path));
}

/** Those that hold rows, in order. @param paths from the data set's folder on, with slashes */
export function dataFiles(paths: readonly string[]): string[] {
  return paths.filter((path) => !NO_DATA.test(path) && isReadable(path)).sort();
}

export function noData(paths: readonly string[], where: string, cause?: unknown): DataError {
  const isArrow = paths.some((path) => path.endsWith(".arrow"));
  return new DataError(
    {
      where,
      what: "the data set has no file that a dataset reader takes",
      got: fewNames(paths),
      expected: `a file for one of the readers ${fileReaders().map(({ name }) => name).join(", ")}`,
      ...(isArrow && { fix: "It is what datasets' save_to_disk writes: write it with to_parquet instead" }),
    },
    { cause },
  );
}

export function fewNames(paths: readonly string[]): string {
  return paths.length > 5 ? `${paths.slice(0, 5).join(", ")} and ${paths.length - 5} more` : paths.join(", ") || "no file";
}

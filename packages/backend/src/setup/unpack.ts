/** Taking files out of a wheel (zip) or an npm package (tar.gz) with Python, which pip has brought along. */
import { BackendError } from "@verlet/core";
import { lastWords, type RunCommand } from "./command.js";

/** Arguments: archive, target folder, prefix to strip, then patterns (`*` also matches `/`; a leading `!` leaves out). */
const script = `
import fnmatch, os, sys, tarfile, zipfile

archive, target, strip = sys.argv[1:4]
takes = [p for p in sys.argv[4:] if not p.startswith("!")]
leaves = [p[1:] for p in sys.argv[4:] if p.startswith("!")]
wanted = lambda name: any(fnmatch.fnmatchcase(name, p) for p in takes) and not any(fnmatch.fnmatchcase(name, p) for p in leaves)

def write(name, source, mode):
    if strip and not name.startswith(strip):
        return
    path = os.path.normpath(os.path.join(target, name[len(strip):]))
    if not path.startswith(os.path.normpath(target) + os.sep):
        raise SystemExit("a path leads out of the archive: " + name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "wb") as out:
        while True:
            block = source.read(1 << 22)
            if not block:
                break
            out.write(block)
    if mode & 0o111:
        os.chmod(path, 0o755)

if archive.endswith(".whl"):
    with zipfile.ZipFile(archive) as file:
        for entry in file.infolist():
            if not entry.is_dir() and wanted(entry.filename):
                with file.open(entry) as source:
                    write(entry.filename, source, entry.external_attr >> 16)
else:
    with tarfile.open(archive) as file:
        for entry in file:
            if entry.isfile() and wanted(entry.name):
                write(entry.name, file.extractfile(entry), entry.mode)
`;

export interface Unpacking {
  readonly archive: string;
  readonly target: string;
  /** Leading part of the names in the archive that the target folder takes the place of. */
  readonly strip?: string;
  readonly patterns: readonly string[];
}

export async function unpack(run: RunCommand, python: string, { archive, target, strip = "", patterns }: Unpacking): Promise<void> {
  const result = await run(python, ["-c", script, archive, target, strip, ...patterns]);
  if (result.code === 0) return;
  throw new BackendError({
    where: "verlet setup",
    what: `${archive} could not be unpacked into ${target}`,
    got: lastWords(result),
    fix: "Look whether the disk is full, then run npx verlet setup again",
  });
}

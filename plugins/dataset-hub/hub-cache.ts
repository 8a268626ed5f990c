/** The cache that Python's huggingface_hub keeps too: blobs by hash, snapshots of links to them, branches by name. */
import { createHash } from "node:crypto";
import { createWriteStream, existsSync } from "node:fs";
import { copyFile, mkdir, readFile, readdir, rename, rm, symlink, writeFile } from "node:fs/promises";
import { dirname, join, relative } from "node:path";
import { Readable } from "node:stream";
import { pipeline } from "node:stream/promises";

/** A file of a repository: its git object, and for large ones the SHA-256 of its contents. */
export interface RepoFile {
  path: string;
  size: number;
  oid?: string;
  sha256?: string;
}

export class HubCache {
  readonly #root: string;

  /** @param folder the cache; @param repo `owner/name` of a data set. */
  constructor(folder: string, repo: string) {
    this.#root = join(folder, `datasets--${repo.replaceAll("/", "--")}`);
  }

  get folder(): string {
    return this.#root;
  }

  /** The commit that a branch or tag was at when it was last asked for; a commit is itself. */
  async commitOf(revision: string): Promise<string | undefined> {
    if (/^[0-9a-f]{40}$/.test(revision)) return existsSync(join(this.#root, "snapshots", revision)) ? revision : undefined;
    const ref = join(this.#root, "refs", revision);
    return existsSync(ref) ? (await readFile(ref, "utf8")).trim() : undefined;
  }

  async remember(revision: string, commit: string, files: readonly RepoFile[]): Promise<void> {
    if (revision !== commit) await this.#write(join("refs", revision), commit);
    await this.#write(this.#listing(commit), JSON.stringify(files));
  }

  /** All files of the commit, where this cache was asked for it before; those that are here where Python filled it. */
  async files(commit: string): Promise<{ files: RepoFile[]; complete: boolean }> {
    const listing = join(this.#root, this.#listing(commit));
    if (existsSync(listing)) return { files: JSON.parse(await readFile(listing, "utf8")) as RepoFile[], complete: true };
    const snapshot = join(this.#root, "snapshots", commit);
    const entries = existsSync(snapshot) ? await readdir(snapshot, { recursive: true, withFileTypes: true }) : [];
    const paths = entries.filter((entry) => !entry.isDirectory()).map((entry) => relative(snapshot, join(entry.parentPath ?? entry.path, entry.name)).replaceAll("\\", "/"));
    return { files: paths.sort().map((path) => ({ path, size: 0 })), complete: false };
  }

  /** Where a file of the commit lies, if it is here. */
  find(commit: string, path: string): string | undefined {
    const full = join(this.#root, "snapshots", commit, path);
    return existsSync(full) ? full : undefined;
  }

  /**
   * Stores what a stream brings, unless it is not the whole file: then nothing is left.
   * @throws Error when size or hash differ.
   */
  async store(commit: string, file: RepoFile, body: ReadableStream<Uint8Array>): Promise<string> {
    const blob = join(this.#root, "blobs", file.sha256 ?? file.oid ?? createHash("sha256").update(file.path + commit).digest("hex"));
    const partial = `${blob}.${process.pid}.incomplete`;
    await mkdir(dirname(blob), { recursive: true });
    try {
      const check = file.sha256 === undefined ? createHash("sha1").update(`blob ${file.size}\0`) : createHash("sha256");
      let size = 0;
      const measured = async function* (source: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
        for await (const chunk of source) {
          size += chunk.length;
          check.update(chunk);
          yield chunk;
        }
      };
      await pipeline(Readable.fromWeb(body as import("node:stream/web").ReadableStream), measured, createWriteStream(partial));
      if (size !== file.size) throw new Error(`${size} bytes came instead of ${file.size}`);
      const expected = file.sha256 ?? file.oid;
      if (expected !== undefined && check.digest("hex") !== expected) throw new Error("its contents are not those that the hub announced");
      await rename(partial, blob);
    } finally {
      await rm(partial, { force: true });
    }
    return this.#link(commit, file.path, blob);
  }

  /** A file whose contents another commit had already. */
  async reuse(commit: string, file: RepoFile): Promise<string | undefined> {
    const blob = join(this.#root, "blobs", file.sha256 ?? file.oid ?? "");
    return (file.sha256 ?? file.oid) !== undefined && existsSync(blob) ? this.#link(commit, file.path, blob) : undefined;
  }

  async #link(commit: string, path: string, blob: string): Promise<string> {
    const pointer = join(this.#root, "snapshots", commit, path);
    await mkdir(dirname(pointer), { recursive: true });
    await rm(pointer, { force: true });
    await symlink(relative(dirname(pointer), blob), pointer).catch(() => copyFile(blob, pointer)); // no links on this file system
    return pointer;
  }

  /** Python looks into refs, snapshots and blobs alone. */
  #listing(commit: string): string {
    return join(".verlet", `${commit}.json`);
  }

  async #write(name: string, text: string): Promise<void> {
    const path = join(this.#root, name);
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  }
}

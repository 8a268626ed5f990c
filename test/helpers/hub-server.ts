/** A server on loopback that answers as the Hugging Face hub does for data sets. */
import { createHash } from "node:crypto";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";

export interface HubRepo {
  /** The files of each revision. */
  revisions: Record<string, Record<string, string | Buffer>>;
  /** Asks for this token. */
  token?: string;
  /** What every request is answered with. */
  status?: number;
  /** Files kept with Git LFS: by path. */
  lfs?: readonly string[];
}

export class HubServer {
  readonly repos = new Map<string, HubRepo>();
  readonly requests: { method: string; path: string; token: string | undefined }[] = [];
  /** So many downloads of a path break off in the middle. */
  readonly breaks = new Map<string, number>();
  /** Sends other bytes than those announced. */
  readonly corrupt = new Set<string>();
  readonly #server = createServer((request, response) => this.#answer(request, response));

  async start(): Promise<string> {
    await new Promise<void>((resolve) => this.#server.listen(0, "127.0.0.1", resolve));
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  commit(repo: string, revision: string): string {
    return createHash("sha1").update(JSON.stringify([repo, this.repos.get(repo)!.revisions[revision]])).digest("hex");
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url!, "http://hub");
    const token = request.headers.authorization?.replace("Bearer ", "");
    this.requests.push({ method: request.method!, path: decodeURIComponent(url.pathname), token });
    const [, api, owner, name, action, rest = ""] = /^(\/api)?\/datasets\/([^/]+)\/([^/]+)\/(revision|tree|resolve)\/(.*)$/.exec(url.pathname) ?? [];
    const id = `${owner}/${name}`;
    const repo = this.repos.get(id);
    const fail = (status: number, error: string): void => void response.writeHead(status, { "content-type": "application/json" }).end(JSON.stringify({ error }));
    if (!repo) return fail(token === undefined ? 401 : 404, token === undefined ? "Invalid username or password." : "Repository not found");
    if (repo.status !== undefined) return fail(repo.status, "refused");
    if (repo.token !== undefined && token !== repo.token) return fail(401, "Invalid username or password.");
    const [wanted, ...path] = rest.split("/").map(decodeURIComponent);
    const found = Object.entries(repo.revisions).find(([revision]) => revision === wanted || this.commit(id, revision) === wanted);
    if (!found) return fail(404, `Invalid rev id: ${wanted}`);
    const [revision, files] = found;
    const sha = this.commit(id, revision);
    const json = (value: unknown): void => void response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(value));
    if (api && action === "revision") return json({ _id: "1", id, sha, private: false, downloads: 0, likes: 0, gated: false, lastModified: "2024-01-01T00:00:00Z" });
    if (api && action === "tree") return json(Object.entries(files).map(([file, content]) => entryOf(file, Buffer.from(content), repo.lfs?.includes(file) ?? false)));
    const file = path.join("/");
    if (files[file] === undefined) return fail(404, "Entry not found");
    this.#send(request, response, file, Buffer.from(files[file]));
  }

  #send({ headers }: IncomingMessage, response: ServerResponse, file: string, content: Buffer): void {
    const etag = `"${gitHash(content)}"`;
    if (headers.range === "bytes=0-0") {
      response.writeHead(206, { "content-range": `bytes 0-0/${content.length}`, etag, "content-length": 1 }).end(content.subarray(0, 1));
      return;
    }
    response.writeHead(200, { "content-length": content.length, etag });
    const left = this.breaks.get(file) ?? 0;
    if (left > 0) {
      this.breaks.set(file, left - 1);
      response.write(content.subarray(0, content.length >> 1), () => response.destroy());
      return;
    }
    response.end(this.corrupt.has(file) ? Buffer.alloc(content.length, "x") : content);
  }
}

function entryOf(path: string, content: Buffer, large: boolean): object {
  if (!large) return { type: "file", path, size: content.length, oid: gitHash(content) };
  const sha256 = createHash("sha256").update(content).digest("hex");
  return { type: "file", path, size: content.length, oid: gitHash(Buffer.from(sha256)), lfs: { oid: sha256, size: content.length, pointerSize: 130 } };
}

export function gitHash(content: Buffer): string {
  return createHash("sha1").update(`blob ${content.length}\0`).update(content).digest("hex");
}

import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setupWebgpu } from "@verlet/backend";
import { BackendError } from "@verlet/core";
import { afterEach, beforeEach, expect, it } from "vitest";
import type { CommandResult, RunCommand } from "../../../packages/backend/dist/setup/command.js";
import { webgpuFolder, webgpuPackage, WEBGPU_VERSION } from "../../../packages/backend/dist/webgpu/dawn-package.js";

const fine: CommandResult = { code: 0, stdout: "", stderr: "" };

let cache: string;
const lines: string[] = [];
const log = (line: string): void => void lines.push(line);
const ran: string[] = [];

/** A machine whose programs answer as told, by a word of their command line; all else succeeds. */
const machine =
  (answers: Record<string, CommandResult | (() => Promise<CommandResult>)> = {}): RunCommand =>
  async (program, args) => {
    const line = [program, ...args].join(" ");
    ran.push(line);
    const word = Object.keys(answers).find((each) => line.includes(each));
    if (word === undefined) return fine;
    const answer = answers[word]!;
    return typeof answer === "function" ? answer() : answer;
  };

beforeEach(async () => {
  cache = await mkdtemp(join(tmpdir(), "verlet-setup-"));
  lines.length = ran.length = 0;
});
afterEach(() => rm(cache, { recursive: true }));

const failing = (answers: Parameters<typeof machine>[0]): Promise<unknown> => setupWebgpu({ cache, log, run: machine(answers) });

it("without npm or tar says which is missing", async () => {
  const absent = { code: 127, stdout: "", stderr: "not found" };
  await expect(failing({ "npm --version": absent })).rejects.toBeInstanceOf(BackendError);
  await expect(failing({ "tar --version": absent })).rejects.toThrow(
    "[verlet setup --webgpu] webgpu cannot be fetched here: got no tar. Install tar, or run npm install webgpu in your project, and run npx verlet setup --webgpu again.",
  );
});

it("whose download fails, or is another file, tells it and leaves nothing", async () => {
  await expect(failing({ "npm pack": { code: 1, stdout: "", stderr: "npm error 404" } })).rejects.toThrow(`npm could not download webgpu@${WEBGPU_VERSION}: got exit status 1: npm error 404`);
  const run: RunCommand = async (_, args) => {
    if (args[0] === "pack") await writeFile(join(args[args.indexOf("--pack-destination") + 1]!, "webgpu.tgz"), "something else");
    return fine;
  };
  await expect(setupWebgpu({ cache, log, run })).rejects.toThrow(
    `the downloaded file of webgpu@${WEBGPU_VERSION} is not the one verlet was made for: got sha256 ${createHash("sha256").update("something else").digest("hex")}, expected ${webgpuPackage.sha256}`,
  );
  expect(await readdir(join(cache, "webgpu"))).toEqual([]);
});

it("that is there is tried and left alone", async () => {
  const folder = webgpuFolder(cache);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "index.js"), "");
  const adapter = { name: "Test GPU", software: false };
  const run = machine({ "try-webgpu.js": { ...fine, stdout: `Warning: a driver's words\n${JSON.stringify({ adapter })}` } });
  expect(await setupWebgpu({ cache, log, run })).toEqual({ folder, version: WEBGPU_VERSION, present: true, adapter });
  expect(ran).toHaveLength(1);
  expect(lines).toEqual([`webgpu ${WEBGPU_VERSION} is already set up in ${folder}`, "it computes on Test GPU"]);
  expect(await setupWebgpu({ cache, log, run: machine({ "try-webgpu.js": { ...fine, stdout: "{}" } }) })).toEqual({ folder, version: WEBGPU_VERSION, present: true });
  expect(lines.at(-1)).toBe("it finds no GPU here");
});

it("whose addon does not load says why", async () => {
  const folder = webgpuFolder(cache);
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "index.js"), "throw new Error('version GLIBC_2.38 not found')");
  await expect(setupWebgpu({ cache, log })).rejects.toThrow(/the addon of the npm package webgpu does not load here: got .*GLIBC_2\.38 not found/);
});

import { rolloutSchema } from "@verlet/config";
import { describe, expect, test } from "vitest";
import { loadedModules, output, verlet } from "./run-cli.js";

const verbs = ["train", "verl", "eval", "generate", "score", "merge", "pipeline run", "pipeline status", "pipeline list", "list", "explain", "schema", "new", "setup", "doctor", "bench", "data make-arithmetic", "reward test", "reward serve"];

test("verlet --help names every verb and loads nothing but commander and the verbs' option lists", async () => {
  const help = await output(["--help"]);
  for (const verb of verbs) expect(help).toMatch(new RegExp(`^  ${verb.split(" ")[0]} `, "m"));
  const modules = await loadedModules(["--help"]);
  expect(modules.some((url) => url.endsWith("/commander/lib/command.js"))).toBe(true);
  const heavy = modules.filter((url) => url.startsWith("file:") && !/\/commander\/|\/packages\/cli\/(bin|dist)\/(?!verbs)/.test(url));
  expect(heavy).toEqual([]);
});

test.each(verbs)("verlet %s --help shows an example and --json", async (verb) => {
  const help = await output([...verb.split(" "), "--help"]);
  expect(help).toContain(`Example:\n  verlet ${verb} `.trimEnd());
  expect(help).toContain("  --json ");
});

test("defaults told by generate --help and eval --help are those of the YAML's rollout section", async () => {
  const [generate, evaluate] = await Promise.all([output(["generate", "--help"]), output(["eval", "--help"])]);
  const told = (help: string, flag: string): string | undefined =>
    new RegExp(`--${flag} <[^]*?\\(default:\\s+([^)]+)\\)`).exec(help)?.[1];
  const { maxNewTokens, temperature, topP, topK, minP, repetitionPenalty } = rolloutSchema.parse({});
  const shown = {
    maxNewTokens: told(generate, "max-new-tokens"),
    temperature: told(generate, "temperature"),
    topP: told(generate, "top-p"),
    topK: told(generate, "top-k"),
    minP: told(generate, "min-p"),
    repetitionPenalty: told(generate, "repetition-penalty"),
  };
  expect(Object.fromEntries(Object.entries(shown).map(([key, text]) => [key, Number(text)]))).toEqual({ maxNewTokens, temperature, topP, topK, minP, repetitionPenalty });
  expect(Number(told(evaluate, "max-new-tokens"))).toBe(maxNewTokens);
});

describe("a wrong command line ends with 2 and says what was meant", () => {
  const cases: [args: string[], words: RegExp][] = [
    [["trian", "x.yaml"], /unknown command 'trian'\n\(Did you mean train\?\)/],
    [["generate", "--modle", "x"], /unknown option '--modle'\n\(Did you mean --model\?\)/],
    [["generate", "--prompt", "x"], /required option '--model <folder>' not specified/],
    [["generate", "--model", "x", "--top-p", "1.5"], /option '--top-p <p>' argument '1\.5' is invalid\. It must be at most 1\./],
    [["generate", "--model", "x", "--temperature", "warm"], /argument 'warm' is invalid\. It is not a number\./],
    [["eval", "--columns", "promt=question"], /"promt" is none of the roles prompt, completion/],
    [["score", "--model", "x", "--backend", "gpu"], /argument 'gpu' is invalid\. Allowed choices are auto, native, tfjs-node-gpu, tfjs-node, webgpu, wasm, cpu\./],
    [["setup", "--gpu", "--cpu"], /'--gpu' cannot be used with option '--cpu'/],
    [["data", "make-arithmetic", "--output", "x", "--forget", "101"], /It must be at most 100\./],
    [["train"], /missing required argument 'yaml'/],
    [[], /Usage: verlet/],
  ];
  test.each(cases)("verlet %j", async (args, words) => {
    const { code, stdout, stderr } = await verlet(args);
    expect({ code, stdout }).toEqual({ code: 2, stdout: "" });
    expect(stderr).toMatch(words);
  });
});

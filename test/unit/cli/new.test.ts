import { cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, realpathSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { execFile } from "node:child_process";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { loadConfig } from "@verlet/config";
import { createManager } from "@verlet/manager";
import { fakeModels, tinyRlConfig } from "@verlet/testing";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { stringify } from "yaml";
import { renderPart, type TemplateKind } from "../../../packages/cli/dist/part-template.js";
import { output, verlet } from "./run-cli.js";

const nodeModules = fileURLToPath(new URL("../../../node_modules", import.meta.url));
const folders: string[] = [];
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** A folder in which a user's files find verlet, vitest and @verlet/testing, as in a project that has installed them. */
function project(): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "verlet-new-")));
  folders.push(folder);
  symlinkSync(nodeModules, join(folder, "node_modules"), "junction");
  // Installed packages lie in node_modules and are left alone by themselves; here links lead out of it.
  writeFileSync(join(folder, "vitest.config.mjs"), `export default { test: { server: { deps: { external: [/\\/(packages|plugins)\\/.*dist\\//] } }, testTimeout: 60_000 } };\n`);
  return folder;
}

/** Runs vitest there: the names of the test files that passed and of those that failed. */
async function runTests(folder: string): Promise<{ passed: string[]; failed: string[] }> {
  const results = join(folder, "results.json");
  const vitest = join(nodeModules, "vitest", "vitest.mjs");
  await new Promise<void>((resolve) => {
    execFile(process.execPath, [vitest, "run", "--root", folder, "--maxWorkers=2", "--reporter=json", `--outputFile.json=${results}`], { cwd: folder }, () => resolve());
  });
  const { testResults } = JSON.parse(readFileSync(results, "utf8")) as { testResults: { name: string; status: string; assertionResults: unknown[] }[] };
  const named = (status: string): string[] =>
    testResults.filter((file) => file.status === status && file.assertionResults.length > 0).map(({ name }) => name.slice(folder.length + 1)).sort();
  return { passed: named("passed"), failed: named("failed") };
}

interface Written {
  plugin: string;
  test: string;
  yaml: string;
  missing: string[];
}

const kinds: readonly TemplateKind[] = ["advantage", "policy-loss", "reward", "reward-manager", "trainer"];
const tests = kinds.map((kind) => `made-${kind}.test.ts`).sort();

describe("what verlet new writes", () => {
  let folder: string;
  const written = new Map<string, Written>();
  beforeAll(async () => {
    folder = project();
    for (const kind of kinds) written.set(kind, JSON.parse(await output(["new", kind, `made-${kind}`, "--json"], { cwd: folder })) as Written);
  });

  test("two files a kind, and nothing left to install here", () => {
    const files = readdirSync(folder).filter((name) => name.startsWith("made-"));
    expect(files.sort()).toEqual([...kinds.map((kind) => `made-${kind}.ts`), ...tests].sort());
    expect([...written.values()].flatMap(({ missing }) => missing)).toEqual([]);
    for (const name of files) expect(readFileSync(join(folder, name), "utf8")).not.toMatch(/my-?part/i);
  });

  test("its tests pass", async () => {
    expect(await runTests(folder)).toEqual({ passed: tests, failed: [] });
  });

  test("its tests fail when the part is wrong", async () => {
    const broken = project();
    const mistakes: Record<TemplateKind, [right: string, wrong: string]> = {
      advantage: ["score - mean", "mean - score"],
      "policy-loss": ["tf.neg(advantages)", "advantages"],
      reward: ["return null", "return 0"],
      "reward-manager": ["Math.min(limit, score)", "score"],
      trainer: ["score - baseline", "baseline - score"],
    };
    for (const kind of kinds) {
      const text = readFileSync(join(folder, `made-${kind}.ts`), "utf8");
      const [right, wrong] = mistakes[kind];
      expect(text).toContain(right);
      writeFileSync(join(broken, `made-${kind}.ts`), text.replace(right, wrong));
      cpSync(join(folder, `made-${kind}.test.ts`), join(broken, `made-${kind}.test.ts`));
    }
    expect(await runTests(broken)).toEqual({ passed: [], failed: tests });
  });

  test.each(kinds)("a YAML takes the %s by the lines at its head, and trains", async (kind) => {
    const { plugin, yaml } = written.get(kind)!;
    const head = yaml.split("\n").map((line) => `//   ${line}\n`).join("");
    expect(readFileSync(join(folder, plugin), "utf8")).toContain(head);
    const base = tinyRlConfig();
    writeFileSync(join(folder, "base.yaml"), stringify(base));
    writeFileSync(join(folder, `${kind}.yaml`), `extends: ./base.yaml\n${yaml}\n`);
    // The trainer's lines are a whole YAML, whose model and data are not here.
    const overrides = ["trainer.maxSteps=2", `data.train=${(base["data"] as { train: string }).train}`, ...(kind === "trainer" ? ["rewards=[testing/even-tokens]", "advantage=null"] : [])];
    const { config } = await loadConfig(join(folder, `${kind}.yaml`), overrides);
    const parts = { advantage: config.advantage, "policy-loss": config.loss, reward: config.rewards[0]!, "reward-manager": config.rewardManager, trainer: config.algorithm };
    expect(parts[kind].name).toBe(`made-${kind}`);
    const manager = await createManager(join(folder, `${kind}.yaml`), { overrides, models: fakeModels });
    const { steps } = await manager.train();
    await manager.dispose();
    expect(steps).toBe(2);
  });
});

test("the report for people: files, how to test, how to use", async () => {
  const folder = project();
  expect(await output(["new", "reward", "my-pack/polite", "--dir", "parts"], { cwd: folder })).toBe(
    [
      "parts/my-pack-polite.ts  a working reward to start from",
      "parts/my-pack-polite.test.ts  what every reward must do, and a case by hand",
      "",
      "Test it",
      "  npx vitest run parts/my-pack-polite.test.ts",
      "",
      "In a YAML beside it",
      "  plugins: [./my-pack-polite.ts]",
      "  rewards: [{ name: my-pack/polite, weight: 1, options: { bonus: 0.1 } }]",
      "",
    ].join("\n"),
  );
  const bare = realpathSync(mkdtempSync(join(tmpdir(), "verlet-new-")));
  folders.push(bare);
  expect(await output(["new", "reward", "polite"], { cwd: bare })).toContain("\n  npm install --save-dev vitest @verlet/testing\n");
});

test.each([
  ["reward", "concise", "concise.ts", "conciseReward"],
  ["reward", "concise_reward", "concise-reward.ts", "conciseReward"],
  ["advantage", "my-pack/half.v2", "my-pack-half-v2.ts", "myPackHalfV2Advantage"],
  ["policy-loss", "softLoss", "soft-loss.ts", "SoftLoss"],
  ["policy-loss", "loss", "loss.ts", "LossLoss"],
  ["reward-manager", "strict-manager", "strict-manager.ts", "strictRewardManager"],
  ["trainer", "new", "new.ts", "NewTrainer"],
] as const)("%s %s is %s with %s", (kind, name, file, identifier) => {
  const [[pluginFile, text], [testFile, testText]] = renderPart(kind, name).files as [[string, string], [string, string]];
  expect([pluginFile, testFile]).toEqual([file, file.replace(/ts$/, "test.ts")]);
  expect(text).toMatch(new RegExp(`^export (class|const) ${identifier}\\b`, "m"));
  expect(text).toMatch(new RegExp(`\\("${name}", \\{`));
  expect(testText).toContain(`loadPlugins(["./${file}"]`);
});

describe("mistakes", () => {
  test.each([
    [["rewrad", "x"], 2, /no template for the kind 'rewrad'\n\(Did you mean reward\?\)\nKinds: reward, reward-manager, advantage, policy-loss, trainer/],
    [["logger", "x"], 2, /no template for the kind 'logger'\nKinds: reward/],
    [["reward", "3x"], 2, /'3x' is no name for a part: letters, digits/],
    [["reward", "../x"], 2, /'\.\.\/x' is no name for a part/],
    [["reward", "accuracy"], 1, /\[reward accuracy\] the name is taken: got the one in .*accuracy\.js, expected a name of its own\. Take another name\./],
    [["trainer", "gspo"], 1, /\[algorithm gspo\] the name is taken: got the one in .*gspo\.yaml, expected/],
    [["reward"], 2, /missing required argument 'name'/],
  ])("verlet new %j", async (args, status, words) => {
    const folder = project();
    const { code, stderr } = await verlet(["new", ...args], { cwd: folder });
    expect(stderr).toMatch(words);
    expect(code).toBe(status);
    expect(readdirSync(folder).sort()).toEqual(["node_modules", "vitest.config.mjs"]);
  });

  test("a file that exists is left as it is, and its partner is not written", async () => {
    const folder = project();
    writeFileSync(join(folder, "polite.test.ts"), "mine");
    const { code, stderr } = await verlet(["new", "reward", "polite"], { cwd: folder });
    expect(code).toBe(1);
    expect(stderr).toBe("error [polite.test.ts] nothing is overwritten: got a file that exists, expected a new one. Take another name or another --dir.\n");
    expect(readFileSync(join(folder, "polite.test.ts"), "utf8")).toBe("mine");
    expect(existsSync(join(folder, "polite.ts"))).toBe(false);
  });
});

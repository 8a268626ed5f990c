/** A folder of files for one test, and parts to name in its YAML. */
import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, afterEach } from "vitest";
import {
  ConfigError,
  registerAdvantage,
  registerLogger,
  registerPolicyLoss,
  registerReward,
  registerRewardManager,
  registerTrainer,
  registry,
  z,
} from "@verlet/core";
import type { Trainer } from "@verlet/core";

const folders: string[] = [];

/** Writes the files (by relative path) into a new folder, removed after the tests. */
export function folderWith(files: Record<string, string>): string {
  const folder = realpathSync(mkdtempSync(join(tmpdir(), "verlet-config-")));
  folders.push(folder);
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}
afterAll(() => folders.forEach((folder) => rmSync(folder, { recursive: true, force: true })));

/** Each problem of a ConfigError as a line, the folder shown as `~`. */
export async function problemsOf(loading: Promise<unknown>, folder = "\0"): Promise<string[]> {
  try {
    await loading;
  } catch (error) {
    if (error instanceof ConfigError) return error.message.replaceAll(folder, "~").split("\n");
    throw error;
  }
  return [];
}

const trainer = (): Trainer => ({ setup: async () => {}, step: async () => ({ metrics: {} }), state: () => null, restore: () => {} });

/** `test-rl` uses every section, `test-sft` none. */
export function registerTestParts(): void {
  registerTrainer("test-rl", {
    uses: ["rollout", "rewards", "advantage", "loss"],
    options: z.strictObject({ maxRefills: z.int().min(0).default(2).describe("Refills.") }),
    defaults: { advantage: "test-advantage", loss: { name: "test-clip", clipHigh: 0.28, klCoef: 0.01 }, trainer: { batchSize: 4 } },
  })(trainer);
  registerTrainer("test-sft")(trainer);
  registerAdvantage("test-advantage", { options: z.strictObject({ epsilon: z.number().default(1e-4) }), needs: { leastGroupSize: 2 } })(
    ({ tokenRewards }) => ({ advantages: tokenRewards, returns: tokenRewards }),
  );
  registerAdvantage("test-plain")(({ tokenRewards }) => ({ advantages: tokenRewards, returns: tokenRewards }));
  registerPolicyLoss("test-clip", {
    options: z.strictObject({ clipLow: z.number().default(0.2), clipHigh: z.number().default(0.2) }),
  })(({ logProbs }) => logProbs);
  registerPolicyLoss("test-bare")(({ logProbs }) => logProbs);
  registerReward("test-exact", { options: z.strictObject({ tolerance: z.number().min(0).default(0) }), doc: "Exact." })(() => 1);
  registerReward("test-length", { options: z.strictObject({ maxLength: z.int().default(256) }) })(() => 1);
  registerRewardManager("test-manager")(() => ({ score: async () => ({ rollouts: [], metrics: {} }) }));
  registerLogger("test-logger", { options: z.strictObject({ every: z.int().default(1) }) })(() => ({ step: () => {} }));
}

/** Takes out what a test registered beyond the parts above. */
export function keepRegistryClean(): void {
  let before = new Set(registry.list());
  registerTestParts();
  before = new Set(registry.list());
  afterEach(() => {
    registry.open();
    for (const entry of registry.list()) {
      if (!before.has(entry) && entry.name.startsWith("temporary")) registry.remove(entry.kind, entry.name);
    }
  });
}

/** The least YAML that `test-rl` runs with. */
export const rlYaml = `algorithm: test-rl
model: { path: ./model }
data: { train: ./train.jsonl }
rewards: [test-exact]
rewardManager: test-manager
trainer: { loggers: [test-logger] }
`;

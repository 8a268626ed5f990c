import { join } from "node:path";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { afterAll } from "vitest";
import { trainerContract } from "../../contracts/trainer.js";
import { fakeConfig } from "./fake-run.js";

const folder = mkdtempSync(join(tmpdir(), "verlet-test-"));
afterAll(() => rmSync(folder, { recursive: true }));

trainerContract("fake", { config: fakeConfig(folder) });

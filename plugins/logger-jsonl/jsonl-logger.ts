import { appendFile, mkdir, readFile, rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { registerLogger, type Metrics, type RunLogger } from "@verlet/core";

/** Writes `metrics.jsonl`: one JSON object a step, `{"step", …}`, and one an evaluation, `{"step", "eval/…"}`. */
@registerLogger("jsonl", { doc: "Writes every step's metrics to metrics.jsonl in the run's folder, one JSON object a line." })
export class JsonlLogger implements RunLogger {
  #path = "";

  async start({ outputDir, startStep }: { outputDir: string; startStep: number }): Promise<void> {
    await mkdir(outputDir, { recursive: true });
    this.#path = join(outputDir, "metrics.jsonl");
    await dropLinesAfter(this.#path, startStep);
  }

  async step(step: number, metrics: Metrics): Promise<void> {
    await appendFile(this.#path, `${JSON.stringify({ step, ...metrics })}\n`);
  }

  async evaluation(step: number, metrics: Metrics): Promise<void> {
    await this.step(step, metrics);
  }
}

/** The steps after a checkpoint are taken again on resuming, so their lines go; the file is replaced whole. */
async function dropLinesAfter(path: string, lastStep: number): Promise<void> {
  const text = await readFile(path, "utf8").catch((error: NodeJS.ErrnoException) => {
    if (error.code === "ENOENT") return "";
    throw error;
  });
  const kept = text
    .split("\n")
    .filter((line) => stepOf(line) <= lastStep)
    .map((line) => `${line}\n`)
    .join("");
  if (kept === text) return;
  await writeFile(`${path}.tmp`, kept);
  await rename(`${path}.tmp`, path);
}

/** Infinity for a line that a crash cut short. */
function stepOf(line: string): number {
  try {
    const { step } = JSON.parse(line) as { step?: unknown };
    return typeof step === "number" ? step : Infinity;
  } catch {
    return Infinity;
  }
}

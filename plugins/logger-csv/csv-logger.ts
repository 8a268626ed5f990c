import { mkdir, readFile, rename, writeFile, appendFile } from "node:fs/promises";
import { join } from "node:path";
import { registerLogger, type Metrics, type RunLogger } from "@verlet/core";

/** Writes `metrics.csv` for spreadsheets: a column per metric, a row per step and per evaluation, empty where not measured. */
@registerLogger("csv", { doc: "Writes every step's metrics to metrics.csv in the run's folder, one column per metric." })
export class CsvLogger implements RunLogger {
  #path = "";
  #columns: string[] = [];

  async start({ outputDir, startStep }: { outputDir: string; startStep: number }): Promise<void> {
    await mkdir(outputDir, { recursive: true });
    this.#path = join(outputDir, "metrics.csv");
    const [header, ...rows] = await this.#lines();
    this.#columns = header?.split(",") ?? ["step"];
    // A row that a crash cut short has no full set of cells.
    await this.#replace(rows.filter((row) => Number(row.split(",", 1)[0]) <= startStep && cells(row) === this.#columns.length));
  }

  async step(step: number, metrics: Metrics): Promise<void> {
    const row = Object.fromEntries(Object.entries({ step, ...metrics }).map(([name, value]) => [columnName(name), value]));
    const fresh = Object.keys(row).filter((name) => !this.#columns.includes(name));
    if (fresh.length > 0) {
      const [, ...rows] = await this.#lines();
      this.#columns.push(...fresh);
      await this.#replace(rows.map((line) => line + ",".repeat(fresh.length)));
    }
    await appendFile(this.#path, `${this.#columns.map((name) => row[name] ?? "").join(",")}\n`);
  }

  async evaluation(step: number, metrics: Metrics): Promise<void> {
    await this.step(step, metrics);
  }

  async #lines(): Promise<string[]> {
    const text = await readFile(this.#path, "utf8").catch((error: NodeJS.ErrnoException) => {
      if (error.code === "ENOENT") return "";
      throw error;
    });
    return text.split("\n").filter(Boolean);
  }

  async #replace(rows: readonly string[]): Promise<void> {
    await writeFile(`${this.#path}.tmp`, `${[this.#columns.join(","), ...rows].join("\n")}\n`);
    await rename(`${this.#path}.tmp`, this.#path);
  }
}

const cells = (row: string): number => row.split(",").length;

/** Separators in a metric's name would shift the cells after it. */
const columnName = (metric: string): string => metric.replaceAll(/[",\n]/g, ";");

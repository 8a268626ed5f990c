import type { VerlTable } from "@verlet/config";
import type { Json, Metrics, RunLogger, TrainStats } from "@verlet/core";
import type { PlannedMemory } from "./memory-text.js";

/** What a run is made of and what it takes. */
export interface PlanEvent {
  config: Json;
  /** Of a file in VERL's shape, what became of each key. */
  translation?: VerlTable | undefined;
  backend: string;
  totalSteps: number;
  /** Of the policy's folder; a model that a script brings has none. */
  memory?: PlannedMemory | undefined;
}

/** For programs that watch a run (`--json`): one JSON object a line, each with its `event`. */
export class JsonEvents implements RunLogger {
  readonly #write: (line: string) => void;

  constructor(write: (line: string) => void = (line) => void process.stdout.write(line)) {
    this.#write = write;
  }

  plan(plan: PlanEvent): void {
    this.#emit("plan", { ...plan });
  }

  start(info: { outputDir: string; totalSteps: number; startStep: number }): void {
    this.#emit("start", info);
  }

  step(step: number, metrics: Metrics): void {
    this.#emit("step", { step, metrics });
  }

  evaluation(step: number, metrics: Metrics): void {
    this.#emit("eval", { step, metrics });
  }

  checkpoint(step: number, folder: string): void {
    this.#emit("checkpoint", { step, folder });
  }

  line(text: string): void {
    this.#emit("line", { text });
  }

  end(stats: TrainStats): void {
    this.#emit("end", { ...stats });
  }

  #emit(event: string, content: Readonly<Record<string, unknown>>): void {
    this.#write(`${JSON.stringify({ event, ...content })}\n`);
  }
}

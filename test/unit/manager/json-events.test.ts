import { ConsoleLogger } from "@verlet/plugins/logger-console";
import { createOutput, JsonEvents } from "@verlet/manager";
import { createRunContainer } from "@verlet/core";
import { describe, expect, it, vi } from "vitest";
import { tempFolder } from "../../fakes/temp-folder.js";
import { fakeConfig, trainFake } from "./fake-run.js";

describe("--json", () => {
  it("tells a run in one JSON object a line, and nothing else", async () => {
    const folder = tempFolder();
    const written: string[] = [];
    const stdout = vi.spyOn(process.stdout, "write").mockImplementation((text) => written.push(String(text)) > 0);
    try {
      await trainFake(fakeConfig(folder, { trainer: { maxSteps: 2, loggers: ["console", "jsonl"] } }), { json: true });
    } finally {
      stdout.mockRestore();
    }
    const events = written.join("").trimEnd().split("\n").map((line) => JSON.parse(line) as Record<string, unknown>);
    expect(events.map(({ event }) => event)).toEqual(["plan", "start", "step", "step", "checkpoint", "end"]);
    expect(events[0]).toMatchObject({ config: { algorithm: { name: "fake" } }, backend: "cpu", totalSteps: 2 });
    expect(events[2]).toMatchObject({ step: 1, metrics: { loss: expect.any(Number) } });
    expect(events[5]).toMatchObject({ steps: 2, totalSteps: 2, interrupted: false, backend: "cpu" });
  });

  it("leaves out loggers that write for people, and keeps the others", () => {
    expect(new ConsoleLogger({ every: 1 }).screen).toBe(true);
    const { events } = createOutput([{ name: "console", options: {} }], createRunContainer(), { json: true });
    expect(events).toBeInstanceOf(JsonEvents);
    expect(createOutput([], createRunContainer(), {}).events).toBeUndefined();
  });
});

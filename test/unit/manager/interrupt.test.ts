import { readdirSync } from "node:fs";
import { join } from "node:path";
import { INTERRUPTED_EXIT_CODE, listenForInterrupt } from "@verlet/manager";
import { afterEach, describe, expect, it, vi } from "vitest";
import { hooks } from "../../fakes/fake-trainer.js";
import { tempFolder } from "../../fakes/temp-folder.js";
import { fakeConfig, metricsOf, Recorder, trainFake } from "./fake-run.js";

afterEach(() => {
  delete hooks.beforeStep;
});

describe("an interrupt", () => {
  it.each(["SIGINT", "SIGTERM"] as const)("by %s lets the step end, saves it and stops", async (name) => {
    const folder = tempFolder();
    const recorder = new Recorder();
    hooks.beforeStep = ({ step, signal }) => {
      if (step !== 3) return;
      process.emit(name, name);
      expect(signal.aborted).toBe(true);
    };
    const stats = await trainFake(fakeConfig(folder), { loggers: [recorder] });
    expect(stats).toMatchObject({ steps: 3, totalSteps: 8, interrupted: true });
    expect(recorder.lines).toContain("stopping after step 3; press Ctrl+C again to end at once");
    expect(readdirSync(join(folder, "out/checkpoints"))).toEqual(["step-000003"]);
    expect(readdirSync(join(folder, "out"))).not.toContain("model.safetensors");
    expect(process.listenerCount(name)).toBe(0);
  });

  it("that makes the step fail saves the step before it, and the run goes on from there", async () => {
    const folder = tempFolder();
    const whole = fakeConfig(folder, { trainer: { outputDir: join(folder, "whole") } });
    await trainFake(whole);
    const recorder = new Recorder();
    hooks.beforeStep = (run) => {
      if (run.step !== 4) return;
      run.train.next(1); // what the step drew before it failed must not count
      run.rng("weights").next();
      process.emit("SIGINT", "SIGINT");
      run.signal.throwIfAborted();
    };
    const stats = await trainFake(fakeConfig(folder), { loggers: [recorder] });
    expect(stats).toMatchObject({ steps: 3, interrupted: true });
    expect(recorder.lines.at(-1)).toMatch(/^step 4 was given up: .*abort/i);
    delete hooks.beforeStep;
    expect((await trainFake(fakeConfig(folder))).steps).toBe(8);
    expect(metricsOf(join(folder, "out"))).toEqual(metricsOf(join(folder, "whole")));
  });

  it("before the first step saves nothing", async () => {
    const folder = tempFolder();
    const stats = await trainFake(fakeConfig(folder), { signal: AbortSignal.abort() });
    expect(stats).toMatchObject({ steps: 0, interrupted: true, metrics: {} });
    expect(readdirSync(join(folder, "out/checkpoints"))).toEqual([]);
  });

  it("the second time ends the process at once", () => {
    const exit = vi.spyOn(process, "exit").mockImplementation(() => undefined as never);
    const asked = vi.fn();
    const interrupt = listenForInterrupt(undefined, asked);
    process.emit("SIGINT", "SIGINT");
    expect(interrupt.signal.aborted).toBe(true);
    expect(exit).not.toHaveBeenCalled();
    process.emit("SIGINT", "SIGINT");
    expect(exit).toHaveBeenCalledExactlyOnceWith(INTERRUPTED_EXIT_CODE);
    expect(asked).toHaveBeenCalledOnce();
    interrupt.dispose();
    exit.mockRestore();
  });
});

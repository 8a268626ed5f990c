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

const modelFiles = (folder: string): string[] => readdirSync(folder).filter((name) => /\.(json|safetensors)$/.test(name));

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

  it("leaves the model too where it is asked for, before the first step with a checkpoint to go on from", async () => {
    const folder = tempFolder();
    const whole = fakeConfig(folder, { trainer: { outputDir: join(folder, "whole") } });
    await trainFake(whole);
    const stopped = await trainFake(fakeConfig(folder), { signal: AbortSignal.abort(), modelOnInterrupt: true });
    expect(stopped).toMatchObject({ steps: 0, interrupted: true });
    expect(readdirSync(join(folder, "out/checkpoints"))).toEqual(["step-000000"]);
    expect(readdirSync(join(folder, "out"))).toEqual(expect.arrayContaining(modelFiles(join(folder, "whole"))));
    expect(await trainFake(fakeConfig(folder), { signal: AbortSignal.abort(), modelOnInterrupt: true })).toMatchObject({ steps: 0, interrupted: true });
    hooks.beforeStep = ({ step }) => void (step === 3 && process.emit("SIGINT", "SIGINT"));
    expect(await trainFake(fakeConfig(folder), { modelOnInterrupt: true })).toMatchObject({ steps: 3, interrupted: true });
    delete hooks.beforeStep;
    expect(await trainFake(fakeConfig(folder))).toMatchObject({ steps: 8, interrupted: false });
    expect(metricsOf(join(folder, "out"))).toEqual(metricsOf(join(folder, "whole")));
  });

  it("that is asked for does not keep what a failing first step leaves", async () => {
    const folder = tempFolder();
    hooks.beforeStep = () => {
      throw new Error("no");
    };
    await expect(trainFake(fakeConfig(folder), { modelOnInterrupt: true })).rejects.toThrow("no");
    expect(readdirSync(join(folder, "out/checkpoints"))).toEqual([]);
  });

  it("is heard by everyone who listens, and ends the process only the second time", () => {
    const exit = vi.spyOn(process, "exit").mockImplementation(() => undefined as never);
    const [early, late] = [vi.fn(), vi.fn()];
    const outer = listenForInterrupt(undefined, early);
    const inner = listenForInterrupt(outer.signal, late);
    process.emit("SIGTERM", "SIGTERM");
    expect([outer.signal.aborted, inner.signal.aborted]).toEqual([true, true]);
    expect([early.mock.calls.length, late.mock.calls.length]).toEqual([1, 1]);
    expect(exit).not.toHaveBeenCalled();
    inner.dispose();
    expect(process.listenerCount("SIGTERM")).toBe(1);
    process.emit("SIGINT", "SIGINT");
    expect(exit).toHaveBeenCalledExactlyOnceWith(INTERRUPTED_EXIT_CODE);
    outer.dispose();
    expect(process.listenerCount("SIGTERM")).toBe(0);
    exit.mockRestore();
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

import { Rng } from "@verlet/core";
import { SeededLoader } from "@verlet/data";
import { CountedLoader, RngStreams } from "@verlet/manager";
import { describe, expect, it } from "vitest";

describe("RngStreams", () => {
  it("gives the same stream by name, independent of the others", () => {
    const streams = new RngStreams(7);
    const first = streams.get("rollout").next();
    streams.get("data").next();
    expect(streams.get("rollout")).toBe(streams.get("rollout"));
    expect(first).toBe(new Rng(7).fork("rollout").next());
    const again = new RngStreams(7);
    again.get("data").next();
    expect(again.get("rollout").next()).toBe(first);
  });

  it("comes back from what it saved, also for streams not asked for yet", () => {
    const streams = new RngStreams(7);
    streams.get("a").next();
    const saved = JSON.parse(JSON.stringify(streams.save())) as Record<string, string>;
    const expected = [streams.get("a").next(), streams.get("b").next()];
    const restored = new RngStreams(7);
    restored.restore(saved);
    expect([restored.get("a").next(), restored.get("b").next()]).toEqual(expected);
  });
});

describe("CountedLoader", () => {
  it("counts passes over the data by the rows drawn", () => {
    const make = (): CountedLoader<{ i: number }> => new CountedLoader(new SeededLoader([0, 1, 2, 3].map((i) => ({ i })), { seed: 1, shuffle: true }));
    const loader = make();
    loader.next(3);
    loader.next(3);
    expect(loader.epoch).toBe(1.5);
    const restored = make();
    restored.restore(JSON.parse(JSON.stringify(loader.state())) as ReturnType<typeof loader.state>);
    expect(restored.epoch).toBe(1.5);
    expect(restored.next(2)).toEqual(loader.next(2));
  });
});

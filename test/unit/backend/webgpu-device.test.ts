/** How verlet drives Dawn, with stand-ins for its addon and its device. */
import { describeBackend, selectBackend } from "@verlet/backend";
import { BackendError } from "@verlet/core";
import { beforeEach, describe, expect, it } from "vitest";
import { webgpu } from "../../../packages/backend/dist/candidates/webgpu.js";
import { BufferPool } from "../../../packages/backend/dist/webgpu/buffer-pool.js";
import { DawnEvents } from "../../../packages/backend/dist/webgpu/dawn-events.js";
import { DeviceFaults } from "../../../packages/backend/dist/webgpu/device-faults.js";
import type { GpuBuffer, GpuDevice } from "../../../packages/backend/dist/webgpu/gpu-types.js";
import { describeOnWebgpu } from "../../helpers/backends.js";

describe("Dawn's events", () => {
  /** As the addon does it: work is done after some polls, and each poll asks for the next by setImmediate. */
  function start(polls: number): { done: () => boolean; promise: Promise<string> } {
    let left = polls;
    let resolve!: (value: string) => void;
    const promise = new Promise<string>((settle) => (resolve = settle));
    const poll = (): void => {
      if (--left === 0) resolve("done");
      else setImmediate(poll);
    };
    setImmediate(poll);
    return { done: () => left === 0, promise };
  }

  it("are polled at once, without going back to the event loop", () => {
    const events = new DawnEvents();
    const own = globalThis.setImmediate;
    const { done } = events.call(() => start(5));
    expect(globalThis.setImmediate).toBe(own);
    expect(done()).toBe(false);
    expect(events.block(done)).toBe(true);
    expect(done()).toBe(true);
    expect(events.poll()).toBe(false);
  });

  it("are polled between rounds of the event loop, several at a time", async () => {
    const events = new DawnEvents();
    let rounds = 0;
    const count = (): void => void (++rounds < 4 && setImmediate(count));
    setImmediate(count);
    const works = events.call(() => [start(3), start(6)]);
    expect(await Promise.all(works.map(({ promise }) => events.settle(promise)))).toEqual(["done", "done"]);
    expect(rounds).toBeGreaterThan(1);
  });

  it("that never come end the wait where the addon stops asking", () => {
    const events = new DawnEvents();
    events.call(() => start(2));
    expect(events.block(() => false)).toBe(false);
  });

  it("leave setImmediate as it was when a call throws, and a rejection is the caller's", async () => {
    const events = new DawnEvents();
    const own = globalThis.setImmediate;
    expect(() => events.call(() => { throw new Error("refused"); })).toThrow("refused");
    expect(globalThis.setImmediate).toBe(own);
    await expect(events.settle(Promise.reject(new Error("no adapter")))).rejects.toThrow("no adapter");
  });
});

class FakeDevice {
  readonly made: (GpuBuffer & { destroyed: boolean })[] = [];
  onuncapturederror: GpuDevice["onuncapturederror"] = null;
  readonly lost: GpuDevice["lost"];
  lose!: (info: { reason: string; message: string }) => void;

  constructor() {
    this.lost = new Promise((resolve) => (this.lose = resolve));
  }

  createBuffer({ size, usage }: { size: number; usage: number }): GpuBuffer {
    const buffer = { size, usage, destroyed: false, destroy: () => void (buffer.destroyed = true) } as unknown as GpuBuffer & { destroyed: boolean };
    this.made.push(buffer);
    return buffer;
  }

  get alive(): number[] {
    return this.made.filter(({ destroyed }) => !destroyed).map(({ size }) => size);
  }
}

let device: FakeDevice;
beforeEach(() => void (device = new FakeDevice()));
const asDevice = (): GpuDevice => device as unknown as GpuDevice;

describe("the pool of buffers", () => {
  it("gives a freed buffer to the next tensor of its size and use, and no other", () => {
    const pool = new BufferPool(asDevice());
    const first = pool.acquireBuffer(64, 1);
    pool.releaseBuffer(first);
    expect(pool.acquireBuffer(64, 2)).not.toBe(first);
    expect(pool.acquireBuffer(32, 1)).not.toBe(first);
    expect(pool.acquireBuffer(64, 1)).toBe(first);
    expect(pool.acquireBuffer(64, 1)).not.toBe(first);
    expect({ used: pool.getNumUsedBuffers(), free: pool.getNumFreeBuffers(), bytes: pool.numBytesUsed, all: pool.numBytesAllocated }).toEqual({ used: 4, free: 0, bytes: 224, all: 224 });
  });

  it("keeps no more free than was in use at one time, the last used longest", () => {
    const pool = new BufferPool(asDevice(), 100);
    // a cache that grows: each length is there once
    for (let size = 16; size <= 400; size += 16) pool.releaseBuffer(pool.acquireBuffer(size, 1));
    expect(device.alive.at(-1)).toBe(400);
    expect(device.alive.reduce((a, b) => a + b, 0)).toBeLessThanOrEqual(400);
    expect(pool.numBytesAllocated).toBe(device.alive.reduce((a, b) => a + b, 0));
    expect(pool.getNumFreeBuffers()).toBe(device.alive.length);
    pool.dispose();
    expect(device.alive).toEqual([]);
  });

  it("destroys what is not to be used again, and has no buffer of size 0", () => {
    const pool = new BufferPool(asDevice());
    pool.releaseBuffer(pool.acquireBuffer(8, 1, true, false), false);
    expect(device.alive).toEqual([]);
    const empty = pool.acquireBuffer(0, 1);
    expect(empty.size).toBe(4);
    pool.releaseBuffer(empty);
    expect(pool.numBytesUsed).toBe(0);
    expect(pool.acquireBuffer(0, 1)).toBe(empty);
  });
});

describe("faults of the device", () => {
  it("are thrown by the next read, the first one first", () => {
    const faults = new DeviceFaults(asDevice());
    expect(() => faults.check()).not.toThrow();
    device.onuncapturederror!({ error: { message: "Out of memory.\n - While calling [Device].CreateBuffer\n" } });
    device.onuncapturederror!({ error: { message: "a consequence" } });
    expect(() => faults.check()).toThrow(BackendError);
    expect(() => faults.check()).toThrow(
      "[backend: webgpu] the GPU did not carry out a command, so numbers after it cannot be trusted: got Out of memory.  - While calling [Device].CreateBuffer. If memory ran out, make trainer.microBatchSize smaller",
    );
  });

  it("include its loss", async () => {
    const faults = new DeviceFaults(asDevice());
    device.lose({ reason: "unknown", message: "the driver was reset" });
    await device.lost;
    expect(() => faults.check()).toThrow("the device was lost (unknown): the driver was reset");
  });
});

await describeOnWebgpu("an adapter in software", () => {
  it("is taken where it is asked for, under its name, and by auto never", async () => {
    const info = await selectBackend("webgpu");
    expect(info.limits!["maxBufferSize"]).toBeGreaterThanOrEqual(2 ** 28);
    expect(info.threads).toBeUndefined();
    if (!info.device.endsWith("a software adapter: the processor computes")) return; // a GPU, where no software was prepared
    expect(describeBackend(info)).toEqual([`backend webgpu on ${info.device}`]);
    const auto = await selectBackend("auto", { candidates: [webgpu, { name: "wasm", open: () => Promise.resolve({ device: "Test Chip", threads: 4 }) }] });
    expect(auto).toMatchObject({ name: "wasm", passedOver: [{ name: "webgpu", why: `its only adapter is in software (${info.device.split(", ")[0]!})` }] });
  });
});

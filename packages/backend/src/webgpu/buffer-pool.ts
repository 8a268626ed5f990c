import type { BufferManager, GpuBuffer, GpuDevice } from "./gpu-types.js";

/** Kept free at least, in bytes. */
const LEAST_KEPT = 256 * 2 ** 20;

/**
 * The backend's buffers, with an end to those kept for the next tensor of their size. The manager that ships keeps every
 * one for ever: a cache that grows by a token a step would leave each of its lengths on the device. Here no more is kept
 * free than was in use at one time; those not used for longest go first.
 */
export class BufferPool implements BufferManager {
  readonly #device: GpuDevice;
  readonly #least: number;
  /** By size and usage, the last used last. */
  readonly #free = new Map<string, GpuBuffer[]>();
  #used = 0;
  #kept = 0;
  #keptBytes = 0;
  #most = 0;
  numBytesUsed = 0;

  constructor(device: GpuDevice, leastKept = LEAST_KEPT) {
    this.#device = device;
    this.#least = leastKept;
  }

  get numBytesAllocated(): number {
    return this.numBytesUsed + this.#keptBytes;
  }

  acquireBuffer(wanted: number, usage: number, mappedAtCreation = false, reuse = true): GpuBuffer {
    const size = Math.max(wanted, LEAST_BYTES);
    const buffer = (reuse ? this.#take(size, usage) : undefined) ?? this.#device.createBuffer({ size, usage, mappedAtCreation });
    this.#used++;
    this.numBytesUsed += size;
    this.#most = Math.max(this.#most, this.numBytesUsed);
    return buffer;
  }

  releaseBuffer(buffer: GpuBuffer, reuse = true): void {
    const { size, usage } = buffer;
    this.#used--;
    this.numBytesUsed -= size;
    if (!reuse) return buffer.destroy();
    const key = keyOf(size, usage);
    const same = this.#free.get(key) ?? [];
    same.push(buffer);
    // to the end of the map: the order of the keys is that of their last use
    this.#free.delete(key);
    this.#free.set(key, same);
    this.#kept++;
    this.#keptBytes += size;
    this.#trim();
  }

  getNumUsedBuffers(): number {
    return this.#used;
  }

  getNumFreeBuffers(): number {
    return this.#kept;
  }

  /** Frees what is kept; buffers in use go with the device. */
  dispose(): void {
    for (const buffers of this.#free.values()) for (const buffer of buffers) buffer.destroy();
    this.#free.clear();
    this.#kept = 0;
    this.#keptBytes = 0;
  }

  #take(size: number, usage: number): GpuBuffer | undefined {
    const key = keyOf(size, usage);
    const same = this.#free.get(key);
    const buffer = same?.pop();
    if (!buffer) return undefined;
    if (same!.length === 0) this.#free.delete(key);
    this.#kept--;
    this.#keptBytes -= size;
    return buffer;
  }

  #trim(): void {
    const most = Math.max(this.#least, this.#most);
    for (const [key, buffers] of this.#free) {
      while (this.#keptBytes > most && buffers.length > 0) {
        const buffer = buffers.shift()!;
        this.#kept--;
        this.#keptBytes -= buffer.size;
        buffer.destroy();
      }
      if (buffers.length === 0) this.#free.delete(key);
      if (this.#keptBytes <= most) return;
    }
  }
}

/** WebGPU binds no buffer of size 0, which an empty tensor asks for. */
const LEAST_BYTES = 4;

const keyOf = (size: number, usage: number): string => `${size}:${usage}`;

import { tf } from "@verlet/backend";

interface Tracking {
  trackTensor(...given: unknown[]): void;
  state: { numBytes: number };
}

/** The most bytes that tensors took at one time during `work`, above what they took before. */
export function peakBytes(work: () => void): number {
  const engine = tf.engine() as unknown as Tracking;
  const before = engine.state.numBytes;
  let peak = before;
  const { trackTensor } = engine;
  engine.trackTensor = function (...given) {
    trackTensor.apply(this, given);
    peak = Math.max(peak, this.state.numBytes);
  };
  try {
    work();
  } finally {
    engine.trackTensor = trackTensor;
  }
  return peak - before;
}

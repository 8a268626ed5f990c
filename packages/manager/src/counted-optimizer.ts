import type { Metrics, Optimizer } from "@verlet/core";
import type { tf } from "@verlet/backend";

type State = ReturnType<Optimizer["state"]>;

/** Knows whether an update was begun, which tells after a failed step if the weights are still those of the step before. */
export class CountedOptimizer implements Optimizer {
  readonly #inner: Optimizer;
  updates = 0;

  constructor(inner: Optimizer) {
    this.#inner = inner;
  }

  step(gradients: readonly tf.Tensor[]): Metrics {
    this.updates += 1;
    return this.#inner.step(gradients);
  }

  state(): State {
    return this.#inner.state();
  }

  restore(state: State): void {
    this.#inner.restore(state);
  }

  dispose(): void {
    this.#inner.dispose();
  }
}

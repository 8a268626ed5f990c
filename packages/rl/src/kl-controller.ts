import type { Json, KlControl, LossSection } from "@verlet/core";

/** The most that one observation counts as off the target, either way. */
const LARGEST_ERROR = 0.2;

/**
 * β of the KL term. `fixed` stays; `adaptive` follows Ziegler et al. 2019 (§2.2), as verl's AdaptiveKLController:
 * β ← β · (1 + clip(KL / target − 1, ±0.2) · rows / horizon). verl forgets β when a run is resumed; here it is part of the
 * checkpoint.
 */
export class KlController implements KlControl {
  readonly #section: Pick<LossSection, "klController" | "klTarget" | "klHorizon">;
  #coef: number;

  constructor(section: Pick<LossSection, "klCoef" | "klController" | "klTarget" | "klHorizon">) {
    this.#section = section;
    this.#coef = section.klCoef;
  }

  get coef(): number {
    return this.#coef;
  }

  observe(kl: number, rows: number): void {
    const { klController, klTarget, klHorizon } = this.#section;
    if (klController === "fixed") return;
    const error = Math.min(LARGEST_ERROR, Math.max(-LARGEST_ERROR, kl / klTarget - 1));
    this.#coef *= 1 + (error * rows) / klHorizon;
  }

  state(): Json {
    return this.#coef;
  }

  restore(state: Json): void {
    this.#coef = state as number;
  }
}

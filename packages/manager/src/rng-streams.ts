import { Rng } from "@verlet/core";

/** The run's random streams by name, each forked off the seed, so that one part's draws never shift another's. */
export class RngStreams {
  readonly #root: Rng;
  readonly #streams = new Map<string, Rng>();

  constructor(seed: number) {
    this.#root = new Rng(seed);
  }

  /** The same stream each time it is asked for. */
  get(name: string): Rng {
    let stream = this.#streams.get(name);
    if (!stream) this.#streams.set(name, (stream = this.#root.fork(name)));
    return stream;
  }

  save(): Record<string, string> {
    return Object.fromEntries([...this.#streams].map(([name, stream]) => [name, stream.save()]));
  }

  restore(states: Readonly<Record<string, string>>): void {
    for (const [name, state] of Object.entries(states)) this.get(name).restore(state);
  }
}

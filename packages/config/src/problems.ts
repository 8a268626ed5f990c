/** Collects everything that is wrong, so that one run of verlet shows all of it. */
import type { ErrorParts, VerletError } from "@verlet/core";
import { ConfigError } from "@verlet/core";
import type { Place } from "./node.js";

export class Problems {
  readonly #found: { place: Place; parts: ErrorParts }[] = [];

  add(place: Place, parts: Omit<ErrorParts, "where">): void {
    this.#found.push({ place, parts: { where: place.where, ...parts } });
  }

  /** An error of something that knows no position, told at the place that named it. */
  addError(place: Place, { parts: { where, ...parts } }: VerletError): void {
    this.add(place, { ...parts, what: `${where}: ${parts.what}` });
  }

  get count(): number {
    return this.#found.length;
  }

  /** @throws ConfigError with all problems: file by file, each in the order of its lines. */
  throwIfAny(): void {
    if (this.count === 0) return;
    const files = [...new Set(this.#found.map(({ place }) => place.file))];
    const sorted = this.#found.toSorted(
      (a, b) =>
        files.indexOf(a.place.file) - files.indexOf(b.place.file) ||
        a.place.line - b.place.line ||
        a.place.column - b.place.column,
    );
    throw new ConfigError(sorted.map(({ parts }) => parts));
  }
}

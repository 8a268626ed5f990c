/** What was handed over in one of VERL's forms, by the part it became. */
import { registry, type Kind, type Target } from "@verlet/core";

const originals = new WeakMap<Target, Target>();

/** @returns the part */
export function remember<T extends Target>(part: T, original: Target): T {
  originals.set(part, original);
  return part;
}

/** The function or class in VERL's form; undefined for a part that was registered in verlet's own. */
export function originalOf(part: Target): Target | undefined {
  return originals.get(part);
}

/** What the user wrote, in whichever form. */
function handedOver(part: Target): Target {
  return originals.get(part) ?? part;
}

/** The name under which the user's function or class is registered already, in whichever form. */
export function registeredName(kind: Kind, written: Target): string | undefined {
  return registry.list(kind).find(({ target }) => handedOver(target) === written)?.name;
}

/** A name for what a script hands over without one: `script/<its own>`, so that no part of verlet's or a plugin's has it. */
export function scriptName(kind: Kind, written: Target): string {
  const own = `script/${/^[\w.-]+$/.test(written.name) ? written.name : "unnamed"}`;
  for (let count = 1; ; count++) {
    const name = count === 1 ? own : `${own}-${count}`;
    if (!registry.find(kind, name)) return name;
  }
}

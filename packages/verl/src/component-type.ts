import { didYouMean, listNames, RegistryError } from "@verlet/core";

/** Named parts of one type, which the code that asks for them by name decides how to use. */
export interface ComponentType<T> {
  /** Marks a class or wraps a function, and gives back what it was given. @throws RegistryError where the name is taken. */
  register(name: string): <P extends T>(part: P) => P;
  /** @throws RegistryError for an unknown name, with the nearest and all known ones. */
  get(name: string): T;
  /** In order. */
  names(): string[];
}

const types = new Set<string>();

/**
 * A type of component beside verlet's kinds: `const verifiers = addComponentType<Verifier>("verifier")`, then
 * `verifiers.register("exact")(…)` and `verifiers.get("exact")`. A YAML cannot name such a part; the reward, manager or
 * algorithm that takes it can, in an option of its own.
 * @throws RegistryError where there is such a type already.
 */
export function addComponentType<T>(type: string): ComponentType<T> {
  if (types.has(type)) throw new RegistryError({ where: `component type ${type}`, what: "the name is taken", got: "a second addComponentType", expected: "one, whose result is imported where it is needed" });
  const parts = new Map<string, T>();
  types.add(type);
  return {
    register: (name) => (part) => {
      if (parts.has(name)) throw new RegistryError({ where: `${type} ${name}`, what: "the name is taken", got: "a second registration", fix: "Give one of the two another name" });
      parts.set(name, part);
      return part;
    },
    get(name) {
      if (parts.has(name)) return parts.get(name)!;
      const near = didYouMean(name, parts.keys());
      throw new RegistryError({ where: `${type} ${name}`, what: `unknown ${type}`, got: `"${name}"`, expected: parts.size > 0 ? `one of ${listNames(parts.keys())}` : `a registered ${type} (there is none)`, ...(near !== undefined && { fix: near }) });
    },
    names: () => [...parts.keys()].sort(),
  };
}

import { RewardError } from "@verlet/core";

/**
 * Headers with each `${NAME}` replaced by the environment variable of that name.
 * @throws RewardError naming header and variable where it is not set, and for a header that HTTP does not take.
 */
export function fillFromEnvironment(headers: Readonly<Record<string, string>>, environment: Readonly<Record<string, string | undefined>>): Record<string, string> {
  const filled = Object.entries(headers).map(([header, text]): [string, string] => {
    const value = text.replace(/\$\{([^}]*)\}/g, (_, name: string) => {
      const found = environment[name];
      if (found !== undefined && found !== "") return found;
      throw new RewardError({ where: `reward http, header ${header}`, what: `the environment variable ${name || "without a name"} is not set`, fix: `Set it before the run, or take \${${name}} out` });
    });
    if (!isHeader(header, value)) throw new RewardError({ where: `reward http, header ${header}`, what: "HTTP takes no such name or value", expected: "one line of text" });
    return [header, value];
  });
  return Object.fromEntries(filled);
}

/** The value may be a secret and is shown nowhere. */
function isHeader(name: string, value: string): boolean {
  try {
    new Headers([[name, value]]);
    return true;
  } catch {
    return false;
  }
}

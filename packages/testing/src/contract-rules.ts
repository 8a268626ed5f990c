import { beforeAll, test } from "vitest";
import { activeBackend, selectBackend } from "@verlet/backend";

/** What a contract demands, by the words it is reported under. */
export type Rules<Part> = Readonly<Record<string, (make: () => Part) => void>>;

/** Rules that do not hold for a part by its definition, each with the reason; they are reported as skipped. */
export type Skips<R extends Rules<never>> = { readonly [rule in keyof R]?: string };

/** One test for each rule. Computes on the backend in use, on `cpu` where there is none yet. */
export function testRules<Part, R extends Rules<Part>>(rules: R, make: () => Part, skip: Skips<R>): void {
  beforeAll(async () => {
    if (!activeBackend()) await selectBackend("cpu");
  });
  for (const [rule, check] of Object.entries(rules)) {
    test(rule, (context) => {
      const reason = skip[rule];
      if (reason !== undefined) context.skip(reason);
      check(make);
    });
  }
}

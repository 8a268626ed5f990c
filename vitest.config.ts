import { defineConfig } from "vitest/config";

export default defineConfig({
  test: {
    // Wherever `verlet new` puts a test in a clone of this repository, vitest finds it.
    include: ["**/*.test.ts"],
    // Tests run against the built packages, so that a plugin loaded at run time and the test share one copy of each.
    server: { deps: { external: [/\/(packages|plugins)\/.*dist\//] } },
    pool: "forks",
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 120_000,
  },
});

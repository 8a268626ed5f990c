import { createJiti } from "jiti";
import * as core from "@verlet/core";
import { fileURLToPath } from "node:url";
const r = (n) => { try { return fileURLToPath(import.meta.resolve(n)); } catch (e) { console.log(n, e.message); } };
const mode = process.argv[2];
const opts = mode === "alias" ? { alias: { "@verlet/core": r("@verlet/core"), "verlet": r("verlet"), "@verlet/backend": r("@verlet/backend"), zod: r("zod") } } : mode==="virtual" ? { virtualModules: { "@verlet/core": core, verlet: core, "@verlet/backend": {}, zod: await import("zod") } } : {};
const j = createJiti("/tmp/cfg-exp/proj/x", { ...opts, debug: process.argv[3] === "d" });
for (const f of ["p.ts", "throw.ts", "syntax.ts", "missing.ts"]) {
  try { const m = await j.import("/tmp/cfg-exp/proj/" + f); console.log(f, Object.keys(m)); } catch (e) { console.log(f, "ERR", e.code, e.message, "\n", e.stack); }
}
console.log("shared registry", globalThis.pluginRegistry === core.registry, core.registry.list().map((e) => [e.name, e.source, e.package]));
console.log(core.createComponent("reward","exp/cls",{}));

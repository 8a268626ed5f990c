import { join } from "node:path";
import { quickstart } from "../../packages/cli/dist/quickstart/index.js";
import { begin, finish, given } from "./process.mjs";

const { backend, sftSteps, grpoSteps, work } = given;
begin();
const start = performance.now();
const code = await quickstart({ configs: join(import.meta.dirname, "..", "..", "configs"), outputDir: join(work, "quickstart"), backend, sftSteps, grpoSteps, json: true, setupSeconds: () => 0 });
if (code !== 0) process.exit(code);
finish({ times: [performance.now() - start] });

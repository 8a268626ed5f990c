/**
 * `npm run bench`: verlet beside TRL and transformers on this machine, one process after the other in turn, so that
 * only times of the same minutes are compared. Writes bench/results.json and from it bench/RESULTS.md.
 */
import util from "node:util";
import { bench } from "../bench/bench.mjs";
import { cases } from "../bench/case-list.mjs";
import { ensureInstalled, main, SetupError } from "./ensure-installed.mjs";

const HELP = `Measures verlet beside TRL's trainers and transformers' generate.

  npm run bench -- [options]

  --rounds N       times each side of a case runs, in turn (default: 3)
  --cases a,b      only these; their rows replace those of an earlier call, the others stay
  --backend NAME   verlet's backend (default: auto)
  --list           the cases
  --help           this text

Needs Python 3.11 or newer; the peers are installed once into verlet's cache.

Example: npm run bench -- --cases sft,grpo --rounds 5`;

await main(async () => {
  const options = readOptions();
  if (options.help || options.list) {
    console.log(options.help ? HELP : cases.map(({ name, title }) => `${name.padEnd(16)} ${title}`).join("\n"));
    return 0;
  }
  await ensureInstalled();
  return bench(options);
});

function readOptions() {
  let values;
  try {
    values = util.parseArgs({
      options: {
        rounds: { type: "string", default: "3" },
        cases: { type: "string" },
        backend: { type: "string", default: "auto" },
        list: { type: "boolean", default: false },
        help: { type: "boolean", short: "h", default: false },
      },
    }).values;
  } catch (error) {
    throw new SetupError(`[bench] ${error.message}\n\n${HELP}`);
  }
  const names = values.cases?.split(",") ?? cases.map(({ name }) => name);
  const unknown = names.filter((wanted) => !cases.some(({ name }) => name === wanted));
  if (unknown.length > 0) throw new SetupError(`[bench] no such case: got ${unknown.join(", ")}, expected some of ${cases.map(({ name }) => name).join(", ")}.`);
  if (!/^[1-9]\d*$/.test(values.rounds)) throw new SetupError(`[bench] unusable --rounds: got ${values.rounds}, expected a whole number from 1.`);
  return { ...values, rounds: Number(values.rounds), cases: cases.filter(({ name }) => names.includes(name)) };
}

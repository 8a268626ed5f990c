/** Every kind of stage that comes with verlet, by the name that `uses:` gives it. */
import type { StageKind } from "../stage-kind.js";
import { arithmetic } from "./arithmetic.js";
import { data } from "./data.js";
import { evaluate } from "./evaluate.js";
import { report } from "./report.js";
import { train } from "./train.js";

export const stageKinds = [data, arithmetic, train, evaluate, report] as readonly StageKind[];

import type { RewardSample } from "@verlet/core";
import { RewardError } from "@verlet/core";
import { listColumns, columnName } from "../columns.js";

/**
 * The row's answer, for rewards that compare with one.
 * @throws RewardError when the row has no such column.
 */
export function requireAnswer({ answer, answerColumn, row }: RewardSample): unknown {
  if (answer !== undefined) return answer;
  throw new RewardError({
    where: "reward",
    what: `the row has no column "${answerColumn ?? columnName({}, "answer")}" with the answer`,
    got: listColumns(row),
    fix: "Set data.columns.answer to the column that holds it",
  });
}

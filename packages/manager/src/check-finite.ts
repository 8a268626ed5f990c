import { TrainingError, type Metrics } from "@verlet/core";
import type { ResolvedConfig } from "@verlet/config";

/** Where a diverging run shows first: in the policy, or under its name in a model beside it (`critic/vf_loss`). */
const WATCHED = /(^|[/_])loss$|(^|\/)grad_norm$/;

/**
 * @param newest finds the newest checkpoint's folder, if there is one; asked only then
 * @throws TrainingError when a loss or a gradient norm is NaN or infinite.
 */
export async function checkFinite(step: number, metrics: Metrics, { optimizer }: ResolvedConfig, newest: () => Promise<string | undefined>): Promise<void> {
  const bad = Object.keys(metrics).filter((name) => WATCHED.test(name) && !Number.isFinite(metrics[name]));
  if (bad.length === 0) return;
  const ofPolicy = bad.some((name) => !name.includes("/"));
  const rate = ofPolicy ? `optimizer.learningRate (${optimizer.learningRate})` : `the learning rate of ${bad[0]!.split("/")[0]}`;
  const clipping = optimizer.maxGradNorm === 0 ? "set optimizer.maxGradNorm to 1" : `lower optimizer.maxGradNorm (${optimizer.maxGradNorm})`;
  const checkpoint = await newest();
  const goOn = checkpoint ? `The last good checkpoint is ${checkpoint}` : "No checkpoint was saved before it; set trainer.saveEvery to have some";
  throw new TrainingError({
    where: `step ${step}`,
    what: "training has diverged",
    got: bad.map((name) => `${name} ${metrics[name]}`).join(" and "),
    expected: "finite numbers",
    fix: `Lower ${rate}, lengthen the warm-up, or ${clipping}. ${goOn}`,
  });
}

import type { Metrics } from "@verlet/core";

/** What a reader wants to see first, in this order; an algorithm without these shows its own first ones. */
const KEY_METRICS = [
  "reward",
  "reward_std",
  "loss",
  "mean_token_accuracy",
  "kl",
  "entropy",
  "completions/mean_length",
  "grad_norm",
  "learning_rate",
];
const MOST = 6;

/** At most four significant digits: `0.6412`, `12`, `2e-4`. */
export function compactNumber(value: number): string {
  if (!Number.isFinite(value)) return String(value);
  if (Number.isInteger(value) && Math.abs(value) < 1e6) return String(value);
  const size = Math.abs(value);
  if (size >= 1e6 || size < 1e-3) return value.toExponential(2).replace(/\.?0*e\+?/, "e");
  return String(Number(value.toPrecision(4)));
}

/** `0:07`, `12:40`, `1:02:03`. */
export function clock(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  const two = (n: number): string => String(n).padStart(2, "0");
  const [h, m, s] = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  return h > 0 ? `${h}:${two(m)}:${two(s)}` : `${m}:${two(s)}`;
}

/** `reward 0.64  loss 0.012`, the few that matter; an evaluation's rank as their training counterparts do. */
export function keyMetrics(metrics: Metrics): string {
  const rank = (name: string): number => KEY_METRICS.indexOf(name.replace(/^eval\//, ""));
  const known = Object.keys(metrics).filter((name) => rank(name) >= 0);
  const others = Object.keys(metrics).filter((name) => rank(name) < 0 && !/^(epoch$|timing\/|perf\/|memory\/)/.test(name));
  const names = [...known.sort((a, b) => rank(a) - rank(b)), ...(known.length < 3 ? others : [])].slice(0, MOST);
  return names.map((name) => `${name} ${compactNumber(metrics[name]!)}`).join("  ");
}

/** `█████░░░░░` */
export function bar(done: number, total: number, width: number): string {
  const full = total > 0 ? Math.min(width, Math.round((done / total) * width)) : 0;
  return "█".repeat(full) + "░".repeat(width - full);
}

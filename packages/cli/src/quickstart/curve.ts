const EIGHTHS = " ▁▂▃▄▅▆▇█";

/** A chart of block characters, `height` lines from the largest value down to the smallest; one column a value, or the mean of several. */
export function curve(values: readonly number[], { width = 60, height = 4 } = {}): string[] {
  if (values.length === 0) return [];
  const columns = Math.min(width, values.length);
  const means = Array.from({ length: columns }, (_, i) => {
    const part = values.slice(Math.floor((i * values.length) / columns), Math.floor(((i + 1) * values.length) / columns));
    return part.reduce((a, b) => a + b, 0) / part.length;
  });
  const [low, high] = [Math.min(...means), Math.max(...means)];
  // The lowest value still shows one eighth, so that every step is seen.
  const levels = means.map((mean) => 1 + Math.round(((mean - low) / (high - low || 1)) * (8 * height - 1)));
  return Array.from({ length: height }, (_, line) => {
    const below = 8 * (height - 1 - line);
    const label = line === 0 ? high.toFixed(2) : line === height - 1 ? low.toFixed(2) : "";
    const cells = levels.map((level) => EIGHTHS[Math.max(0, Math.min(8, level - below))]);
    return `${label.padStart(6)} ┤${cells.join("")}`.trimEnd();
  });
}

/**
 * Median milliseconds of a piece of work, which is done once before it counts: the first time sets things up.
 * @param budget milliseconds after which it is not repeated again
 */
export async function medianTime(repetitions: number, budget: number, work: () => Promise<void>): Promise<number> {
  await work();
  const times: number[] = [];
  let spent = 0;
  while (times.length < repetitions && (times.length === 0 || spent < budget)) {
    const start = performance.now();
    await work();
    times.push(performance.now() - start);
    spent += times.at(-1)!;
  }
  return times.sort((x, y) => x - y)[Math.floor(times.length / 2)]!;
}

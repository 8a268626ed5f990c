import { expect, test } from "vitest";
import { Rng } from "@verlet/core";

test("the first three words of seed 7 are those of splitmix64", () => {
  const rng = new Rng(7);
  expect([rng.next(), rng.next(), rng.next()]).toEqual([7191089600892374487n, 309689372594955804n, 16616101746815609346n]);
});

test("a restored state continues the stream, and forks are independent of the order they are made in", () => {
  const rng = new Rng(3);
  rng.next();
  const state = rng.save();
  const expected = [rng.uniform(), rng.uniform()];
  rng.restore(state);
  expect([rng.uniform(), rng.uniform()]).toEqual(expected);
  expect(new Rng(3).fork("a").next()).toBe(new Rng(3).fork("a").next());
  expect(new Rng(3).fork("a").next()).not.toBe(new Rng(3).fork("b").next());
});

import { afterEach, beforeEach, describe, expect, test } from "vitest";
import {
  createComponent,
  createRunContainer,
  inject,
  OPTIONS,
  registerAdvantage,
  registerDataset,
  registerReward,
  registerRewardManager,
  registerTrainer,
  registry,
  REWARDS,
  TOKENIZER,
  z,
} from "@verlet/core";
import type { ConfiguredReward, Kind, Reward, RewardSample, RewardContext, RewardManager, ScoredBatch } from "@verlet/core";

const sample: RewardSample = {
  prompt: "1+1=",
  completion: "2",
  messages: [],
  completionIds: [5],
  finished: true,
  row: {},
  answer: "2",
};
const context: RewardContext = { options: {}, step: 1, signal: new AbortController().signal };

let before: Set<string>;
const keyOf = ({ kind, name }: { kind: Kind; name: string }): string => `${kind} ${name}`;
beforeEach(() => {
  before = new Set(registry.list().map(keyOf));
});
afterEach(() => {
  registry.open();
  for (const entry of registry.list()) if (!before.has(keyOf(entry))) registry.remove(entry.kind, entry.name);
});

describe("a registration", () => {
  test("knows its file, package, version, options, needs and doc", () => {
    const options = z.strictObject({ factor: z.number().default(2) });
    registerReward("test-known", { options, needs: { leastGroupSize: 2 }, doc: "A reward." })(() => 1);
    const entry = registry.get("reward", "test-known");
    expect(entry.source).toMatch(/test\/unit\/core\/registry\.test\.ts$/);
    expect(entry.package).toBe("verlet-monorepo");
    expect(entry.version).toBe("0.1.0");
    expect(entry.needs).toEqual({ leastGroupSize: 2 });
    expect(entry.doc).toBe("A reward.");
    expect(Object.keys(entry.options.shape)).toEqual(["factor"]);
  });

  test("gives back what it was given, function or class", () => {
    const fn = ({ completion }: RewardSample): number => completion.length;
    expect(registerReward("test-same-function")(fn)).toBe(fn);
    class Length implements Reward {
      score = ({ completion }: RewardSample): number => completion.length;
    }
    expect(registerReward("test-same-class")(Length)).toBe(Length);
  });

  test("a taken name shows both files", () => {
    registerReward("test-taken")(() => 0);
    expect(() => registerReward("test-taken")(() => 1)).toThrow(
      /^\[reward test-taken\] the name is taken: got a second registration from .*registry\.test\.ts, expected only the one from .*registry\.test\.ts\. Register it once/,
    );
    // The same name of another kind is another name.
    registerAdvantage("test-taken")(({ tokenRewards }) => ({ advantages: tokenRewards, returns: tokenRewards }));
  });

  test("after closing, nothing can be added until it is opened again", () => {
    registry.close();
    expect(registry.isClosed).toBe(true);
    expect(() => registerReward("test-late")(() => 0)).toThrow(
      /^\[reward test-late\] registered after training had started: got a registration from .*registry\.test\.ts/,
    );
    registry.open();
    registerReward("test-late")(() => 0);
    expect(registry.names("reward")).toContain("test-late");
  });

  test("a plugin for another API version names both", () => {
    expect(() => registerReward("test-api", { api: "^2" })(() => 0)).toThrow(
      /^\[reward test-api\] .*registry\.test\.ts was written for another version of verlet's plugin API: got api "\^2", expected a range that includes 1\.0\.0\./,
    );
    expect(() => registerReward("test-api", { api: "^1.1" })(() => 0)).toThrow(/got api "\^1\.1"/);
    expect(() => registerReward("test-api", { api: "newest" })(() => 0)).toThrow(/got api "newest", expected a caret range such as "\^1"/);
    registerReward("test-api", { api: "^1" })(() => 0);
  });

  test("names and option schemas are checked", () => {
    expect(() => registerReward("two words")(() => 0)).toThrow(/malformed name in .*: got "two words", expected a name such as "concise"/);
    expect(() => registerReward("test-schema", { options: z.number() as never })(() => 0)).toThrow(
      /unusable `options` in .*: got a number schema, expected an object schema/,
    );
  });

  test("a plain z.object is made strict", () => {
    registerReward("test-loose", { options: z.object({ a: z.number().default(1) }) })(() => 0);
    expect(() => createComponent("reward", "test-loose", { b: 1 })).toThrow(
      '[reward test-loose] wrong options (it takes: a): got unknown "b".',
    );
  });
});

describe("looking up", () => {
  test("an unknown name: nearest, all known, where it might come from", () => {
    registerReward("test-alpha")(() => 0);
    registerAdvantage("test-elsewhere")(({ tokenRewards }) => ({ advantages: tokenRewards, returns: tokenRewards }));
    expect(() => registry.get("reward", "test-alpah")).toThrow(
      /^\[reward test-alpah\] unknown reward: got "test-alpah", expected one of .*test-alpha.*\. Did you mean "test-alpha"\? If it comes from a plugin, list that file or package under `plugins:`\.$/,
    );
    expect(() => registry.get("reward", "test-elsewhere")).toThrow('"test-elsewhere" is the name of an advantage.');
  });

  test("the list is in a fixed order and can be narrowed to one kind", () => {
    registerReward("test-b")(() => 0);
    registerReward("test-a")(() => 0);
    const names = registry.names("reward").filter((name) => name.startsWith("test-"));
    expect(names).toEqual(["test-a", "test-b"]);
    expect(registry.list("reward").every(({ kind }) => kind === "reward")).toBe(true);
  });
});

describe("making a part", () => {
  test("a reward function gets its validated options", async () => {
    registerReward("test-options", { options: z.strictObject({ factor: z.number().default(2), pattern: z.string().optional() }) })(
      ({ completion }, { options }) => completion.length * options.factor,
    );
    expect(await createComponent("reward", "test-options").score!(sample, context)).toBe(2);
    expect(await createComponent("reward", "test-options", { factor: 5 }).score!(sample, context)).toBe(5);
    expect(() => createComponent("reward", "test-options", { factor: "x", pattern: 3 })).toThrow(
      '[reward test-options] wrong options (it takes: factor, pattern): factor: got "x", expected a number; pattern: got 3, expected text.',
    );
  });

  test("a decorated class is made with its options", async () => {
    @registerReward("test-class", { options: z.strictObject({ base: z.number().default(10) }) })
    class Based implements Reward {
      readonly #base: number;
      constructor(options: { base: number }) {
        this.#base = options.base;
      }
      score(): number {
        return this.#base;
      }
    }
    const made = createComponent("reward", "test-class", { base: 3 });
    expect(made).toBeInstanceOf(Based);
    expect(await made.score!(sample, context)).toBe(3);
  });

  test("a class with @inject gets the run's things and its own options", () => {
    @registerRewardManager("test-injected", { options: z.strictObject({ scale: z.number().default(1) }) })
    class Injected implements RewardManager {
      constructor(
        @inject(REWARDS) readonly rewards: readonly ConfiguredReward[],
        @inject(OPTIONS) readonly options: { scale: number },
      ) {}
      async score(): Promise<ScoredBatch> {
        return { rollouts: [], metrics: {} };
      }
    }
    const container = createRunContainer();
    const rewards: ConfiguredReward[] = [];
    container.register(REWARDS, { useValue: rewards });
    const made = createComponent("rewardManager", "test-injected", { scale: 4 }, container) as Injected;
    expect(made.rewards).toBe(rewards);
    expect(made.options).toEqual({ scale: 4 });
    // Another run with other options is not disturbed by this one.
    expect((createComponent("rewardManager", "test-injected", {}, container) as Injected).options).toEqual({ scale: 1 });
  });

  test("an injected class that cannot be made says why", () => {
    @registerReward("test-half")
    class Half implements Reward {
      constructor(
        @inject(OPTIONS) readonly options: object,
        readonly other: object,
      ) {}
      score = (): number => 0;
    }
    expect(() => createComponent("reward", "test-half")).toThrow(
      "[reward test-half] Half's constructor cannot be filled in: got @inject on 1 of its 2 parameters, expected @inject(TOKEN) on every one, or on none.",
    );
    @registerReward("test-unfilled")
    class Unfilled implements Reward {
      constructor(@inject(TOKENIZER) readonly tokenizer: object) {}
      score = (): number => 0;
    }
    expect(() => createComponent("reward", "test-unfilled")).toThrow(/^\[reward test-unfilled\] it could not be made: .*verlet\.TOKENIZER/s);
    expect([Half, Unfilled]).toHaveLength(2);
  });

  test("functions of other kinds are factories", async () => {
    registerDataset("test-reader", { options: z.strictObject({ suffix: z.string().default(".x") }) })(({ suffix }) => ({
      accepts: (path) => path.endsWith(suffix),
      read: async () => [],
    }));
    expect(createComponent("dataset", "test-reader").accepts("a.x")).toBe(true);
    expect(createComponent("dataset", "test-reader", { suffix: ".y" }).accepts("a.x")).toBe(false);
  });

  test("a part without its contract's methods is refused", () => {
    registerTrainer("test-empty")((() => ({ step: () => undefined })) as never);
    expect(() => createComponent("trainer", "test-empty")).toThrow(
      /^\[algorithm test-empty\] it is not an algorithm: got something without setup\(\), state\(\), restore\(\), expected the methods of its contract\. Add them in .*registry\.test\.ts\.$/,
    );
    registerReward("test-no-score")((class {}) as never);
    expect(() => createComponent("reward", "test-no-score")).toThrow("score() or scoreBatch()");
  });
});

import { mkdtempSync, existsSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, afterEach, expect, test } from "vitest";
import { SimpleAgent } from "./simple-agent.js";
import { startStubServer, type Say, type StubServer } from "./stub-chat-server.js";

const model = fileURLToPath(new URL("../../test/fixtures/models/qwen3", import.meta.url));
const folder = mkdtempSync(join(tmpdir(), "verlet-agent-"));
const dataset = join(folder, "questions.jsonl");
writeFileSync(dataset, [1, 2].map((n) => `${JSON.stringify({ question: `What is ${n}+${n}?`, answer: `${n}+${n}=${2 * n}. #### ${2 * n}` })}\n`).join(""));
afterAll(() => rmSync(folder, { recursive: true }));

let server: StubServer;
afterEach(() => server.close());

async function ask(say: (reply: Record<string, unknown>, turn: number) => Say): Promise<string> {
  server = await startStubServer(({ messages }, turn) => say(turn === 0 ? {} : (JSON.parse(messages.at(-1)!.content!) as Record<string, unknown>), turn));
  return new SimpleAgent({ name: "TrainingAgent", llmConfig: { model: "stub", baseUrl: server.url }, maxTurns: 3 }).run("Please train the tiny model with SFT on my questions, and evaluate it.");
}

test("trains, evaluates, and tells what the replies said", async () => {
  const out = join(folder, "sft");
  const replies: Record<string, unknown>[] = [];
  const answer = await ask((reply, turn) => {
    replies.push(reply);
    if (turn === 0) return { call: { action: "train", algorithm: "sft", model_name: model, output_dir: out, dataset, num_epochs: 1, batch_size: 2, backend: "wasm" } };
    if (turn === 1) return { call: { action: "evaluate", model_path: out, dataset, max_new_tokens: 4, backend: "wasm" } };
    return { answer: `Trained ${String(replies[1]!.steps)} step; accuracy ${String(reply.accuracy)} on ${String(reply.num_samples)} questions.` };
  });
  expect(answer).toMatch(/^Trained 1 step; accuracy \d+\.\d{2}% on 2 questions\.$/);
  expect(existsSync(join(out, "model.safetensors"))).toBe(true);
  expect(replies[1]).toMatchObject({ status: "success", algorithm: "sft", num_samples: 2 });
  const [first, , last] = server.requests;
  expect(first!.tools[0]!.function).toMatchObject({ name: "rl_training", parameters: { required: ["action"] } });
  expect(last!.messages.map(({ role }) => role)).toEqual(["system", "user", "assistant", "tool", "assistant", "tool"]);
});

test("tells the model what was wrong, and gives up in the end", async () => {
  const replies: unknown[] = [];
  await expect(
    ask((reply, turn) => {
      replies.push(reply.message);
      return turn === 0 ? { call: { action: "train", algorithm: "sft" } } : { call: {}, name: "other" };
    }),
  ).rejects.toThrow("TrainingAgent called tools in more than 3 rounds without an answer");
  expect(replies).toEqual([undefined, "missing parameter: model_name", "there is no tool other", "there is no tool other"]);
});

/** A chat server in OpenAI's format on this machine, which answers from a script in place of a model. */
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";

export interface ChatRequest {
  model: string;
  messages: { role: string; content: string | null; tool_call_id?: string }[];
  tools: { function: { name: string; parameters: { required: string[] } } }[];
}

/** What the model would say: a call of the tool, or an answer. */
export type Say = { call: object; name?: string } | { answer: string };

export interface StubServer {
  readonly url: string;
  readonly requests: ChatRequest[];
  close(): Promise<void>;
}

/** @param say what is said to each request, in order; given the conversation so far */
export async function startStubServer(say: (request: ChatRequest, turn: number) => Say): Promise<StubServer> {
  const requests: ChatRequest[] = [];
  const server = createServer((request, response) => {
    let body = "";
    request.setEncoding("utf8").on("data", (text: string) => (body += text));
    request.on("end", () => {
      const asked = JSON.parse(body) as ChatRequest;
      const turn = requests.push(asked) - 1;
      const said = say(asked, turn);
      const message =
        "answer" in said
          ? { role: "assistant", content: said.answer }
          : { role: "assistant", content: null, tool_calls: [{ id: `call-${turn}`, type: "function", function: { name: said.name ?? asked.tools[0]!.function.name, arguments: JSON.stringify(said.call) } }] };
      response.setHeader("content-type", "application/json").end(JSON.stringify({ object: "chat.completion", model: asked.model, choices: [{ index: 0, message }] }));
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}/v1`,
    requests,
    close: () => new Promise((resolve) => server.close(() => resolve())),
  };
}

import type { ChatTokenizer, Message } from "@verlet/core";

/**
 * For looking at rows without a model: a token is a character (UTF-16 unit), and a chat is written as `user: …`, one turn a
 * line, the line's end standing for the stop token. Plain texts get one such end.
 */
export class PlainTokenizer implements ChatTokenizer {
  readonly eosTokenId = 10;
  readonly padTokenId = 0;
  readonly stopTokenIds = [10];
  readonly hasChatTemplate = true;

  encode(text: string): number[] {
    return Array.from({ length: text.length }, (_, i) => text.charCodeAt(i));
  }

  decode(ids: readonly number[]): string {
    return ids.map((id) => String.fromCharCode(id)).join("");
  }

  renderChat(messages: readonly Message[], { addGenerationPrompt = false }: { addGenerationPrompt?: boolean } = {}): string {
    return messages.map(({ role, content }) => `${role}: ${content}\n`).join("") + (addGenerationPrompt ? "assistant: " : "");
  }

  renderMarkedChat(messages: readonly Message[]): { text: string; spans: [number, number][] } {
    const spans: [number, number][] = [];
    let text = "";
    for (const message of messages) {
      const turn = this.renderChat([message]);
      if (message.role === "assistant") spans.push([text.length + "assistant: ".length, text.length + turn.length]);
      text += turn;
    }
    return { text, spans };
  }

  async save(): Promise<void> {}
}

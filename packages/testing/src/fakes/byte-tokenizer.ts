import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { ChatTokenizer, Message } from "@verlet/core";

const END = "<|end|>";

/** A token per byte; `<|end|>` is the one special token that text can hold. */
export class ByteTokenizer implements ChatTokenizer {
  readonly eosTokenId = 256;
  readonly padTokenId = 257;
  readonly stopTokenIds = [256];
  readonly hasChatTemplate = true;
  static readonly vocabulary = 258;

  encode(text: string): number[] {
    return text.split(END).flatMap((part, i) => [...(i > 0 ? [this.eosTokenId] : []), ...Buffer.from(part)]);
  }

  decode(ids: readonly number[], { skipSpecialTokens = false }: { skipSpecialTokens?: boolean } = {}): string {
    const kept = ids.filter((id) => id < 256 || (id === this.eosTokenId && !skipSpecialTokens));
    return Buffer.concat(kept.map((id) => (id < 256 ? Buffer.of(id) : Buffer.from(END)))).toString();
  }

  renderChat(messages: readonly Message[], { addGenerationPrompt = false }: { addGenerationPrompt?: boolean } = {}): string {
    return messages.map(({ role, content }) => `${role}:${content}${END}`).join("") + (addGenerationPrompt ? "assistant:" : "");
  }

  async save(folder: string): Promise<void> {
    await mkdir(folder, { recursive: true });
    await writeFile(join(folder, "tokenizer.json"), "{}");
  }
}

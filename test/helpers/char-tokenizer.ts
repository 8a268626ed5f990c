import type { ChatTokenizer, Message } from "@verlet/core";

/** One token per character, its char code as id; `|` ends a turn and `_` pads. */
export class CharTokenizer implements ChatTokenizer {
  readonly eosTokenId = code("|");
  readonly padTokenId = code("_");
  readonly stopTokenIds = [code("|")];
  readonly hasChatTemplate = true;
  readonly #render: (message: Message, i: number, messages: readonly Message[]) => string;

  /** @param render one message of a chat; by default `<u>Hi|` and `<a>Hello|`. */
  constructor(render?: (message: Message, i: number, messages: readonly Message[]) => string) {
    this.#render = render ?? (({ role, content }) => `<${role[0]}>${content}|`);
  }

  encode(text: string): number[] {
    return Array.from(text, code);
  }

  decode(ids: readonly number[]): string {
    return String.fromCharCode(...ids);
  }

  renderChat(messages: readonly Message[], { addGenerationPrompt = false }: { addGenerationPrompt?: boolean } = {}): string {
    return messages.map(this.#render).join("") + (addGenerationPrompt ? "<a>" : "");
  }

  save(): Promise<void> {
    return Promise.resolve();
  }
}

function code(character: string): number {
  return character.charCodeAt(0);
}

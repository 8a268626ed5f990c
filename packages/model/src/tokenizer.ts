/** Tokenizers of Hugging Face folders, read from disk alone. */
import type { ChatTokenizer, Message } from "@verlet/core";
import { DataError, ModelError } from "@verlet/core";
import type { PreTrainedTokenizer } from "@huggingface/transformers";
import { markGenerationBlocks, splitMarks } from "./generation-marks.js";
import type { TokenizerFiles } from "./tokenizer-files.js";
import { copyTokenizerFiles, readTokenizerFiles } from "./tokenizer-files.js";

/**
 * @param folder with tokenizer.json and, where there are, tokenizer_config.json, chat_template.jinja and generation_config.json.
 * @throws ModelError for missing or broken files, and where no file names an end-of-sequence token.
 */
export async function loadTokenizer(folder: string): Promise<ChatTokenizer> {
  const files = await readTokenizerFiles(folder);
  const { PreTrainedTokenizer } = await import("@huggingface/transformers"); // takes 0.15 s or more, so not at the top
  return new FolderTokenizer(folder, files, new PreTrainedTokenizer(files.tokenizer, files.config));
}

class FolderTokenizer implements ChatTokenizer {
  readonly eosTokenId: number;
  readonly padTokenId: number;
  readonly stopTokenIds: readonly number[];
  readonly #folder: string;
  readonly #inner: PreTrainedTokenizer;
  readonly #template: string | undefined;
  readonly #markedTemplate: string | undefined;
  readonly #cleanUpSpaces: boolean;

  constructor(folder: string, { config, chatTemplate, stopTokenIds }: TokenizerFiles, inner: PreTrainedTokenizer) {
    // The library gives undefined for a token that is not in the vocabulary, whatever its types say.
    const eos = config.eos_token ? (inner.eos_token_id as number | undefined) : undefined;
    const pad = config.pad_token ? (inner.pad_token_id as number | undefined) : undefined;
    const stops = [...new Set([...stopTokenIds, ...(eos === undefined ? [] : [eos])])];
    if (stops[0] === undefined) {
      throw new ModelError({
        where: folder,
        what: "no end-of-sequence token",
        got: `eos_token ${JSON.stringify(config.eos_token ?? null)} in tokenizer_config.json and no eos_token_id in generation_config.json`,
        expected: "a token of the vocabulary in one of the two",
        fix: "Set eos_token in tokenizer_config.json",
      });
    }
    this.eosTokenId = eos ?? stops[0];
    this.padTokenId = pad ?? this.eosTokenId;
    this.stopTokenIds = stops;
    this.#folder = folder;
    this.#inner = inner;
    this.#template = chatTemplate;
    this.#markedTemplate = chatTemplate && markGenerationBlocks(chatTemplate);
    this.#cleanUpSpaces = config.clean_up_tokenization_spaces === true; // off by default, as in transformers 5
  }

  get hasChatTemplate(): boolean {
    return this.#template !== undefined;
  }

  encode(text: string, { addSpecialTokens = true }: { addSpecialTokens?: boolean } = {}): number[] {
    return this.#inner.encode(text, { add_special_tokens: addSpecialTokens });
  }

  decode(ids: readonly number[], { skipSpecialTokens = false }: { skipSpecialTokens?: boolean } = {}): string {
    if (ids.length === 0) return ""; // the library refuses an empty list
    return this.#inner.decode([...ids], {
      skip_special_tokens: skipSpecialTokens,
      clean_up_tokenization_spaces: this.#cleanUpSpaces,
    });
  }

  renderChat(
    messages: readonly Message[],
    { addGenerationPrompt = false, variables = {} }: { addGenerationPrompt?: boolean; variables?: Readonly<Record<string, unknown>> } = {},
  ): string {
    if (this.#template === undefined) {
      throw new DataError({
        where: this.#folder,
        what: "this tokenizer has no chat template",
        fix: "Use plain strings with data.chatTemplate: never, or put a chat_template.jinja into the folder",
      });
    }
    return this.#render(this.#template, messages, { ...variables, add_generation_prompt: addGenerationPrompt });
  }

  renderMarkedChat(messages: readonly Message[]): { text: string; spans: [start: number, end: number][] } | undefined {
    if (this.#markedTemplate === undefined) return undefined;
    return splitMarks(this.#render(this.#markedTemplate, messages, {}));
  }

  save(folder: string): Promise<void> {
    return copyTokenizerFiles(this.#folder, folder);
  }

  #render(template: string, messages: readonly Message[], variables: Record<string, unknown>): string {
    const options = { ...variables, chat_template: template, tokenize: false as const };
    try {
      return this.#inner.apply_chat_template([...messages], options);
    } catch (error) {
      throw new DataError(
        {
          where: this.#folder,
          what: `the chat template does not take these messages (${(error as Error).message})`,
          got: JSON.stringify(messages).slice(0, 300),
        },
        { cause: error },
      );
    }
  }
}

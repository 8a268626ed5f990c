/** Rows that begin with the same tokens, as the completions of one prompt do: the beginning is computed once. */
import type { TokenBatch } from "@verlet/core";
import type { ModelConfig } from "./config.js";
import type { Layout } from "./layout.js";

/** Of a beginning that all later tokens of its row see; negative, as `attention` takes it. */
const SHARED = -1;

/** What the shared form must take at most, against the plain one. */
const WORTH = 0.9;

/** Less of what two neighbours share than this part of what either shares with its other neighbour: they are of two prompts. */
const SAME_PROMPT = 0.75;

/** A batch in which one row holds a beginning and what follows it in several rows, one after the other. */
export interface SharedPrefixes extends Layout {
  /** [B·T] of the batch as it was: where each token is now; −1 for padding. */
  places: Int32Array;
}

/** Consecutive rows [start, end) whose first `prefix` tokens are the same. */
interface Group {
  start: number;
  end: number;
  prefix: number;
}

/**
 * @param tokens right-padded, one sequence a row
 * @returns undefined where it would save too little
 */
export function sharedPrefixes(tokens: TokenBatch, config: ModelConfig): SharedPrefixes | undefined {
  if (tokens.starts || tokens.rows === 1) return undefined;
  const groups = groupsOf(tokens);
  const width = Math.max(...groups.map((group) => joinedLength(group, tokens)));
  if (cost(groups.length, width, config) > WORTH * cost(tokens.rows, tokens.width, config)) return undefined;
  const ids = new Int32Array(groups.length * width);
  const positions = new Int32Array(ids.length);
  const sequences = new Float32Array(ids.length);
  const places = new Int32Array(tokens.ids.length).fill(-1);
  groups.forEach(({ start, end, prefix }, g) => {
    let at = g * width;
    for (let row = start; row < end; row++) {
      for (let t = 0; t < tokens.lengths[row]!; t++) {
        const from = row * tokens.width + t;
        if (t < prefix && row > start) {
          places[from] = places[start * tokens.width + t]!;
          continue;
        }
        ids[at] = tokens.ids[from]!;
        positions[at] = t;
        sequences[at] = t < prefix ? SHARED : row - start;
        places[from] = at++;
      }
    }
    sequences.fill(end - start, at, (g + 1) * width); // padding sees nothing that matters, and no one sees it
  });
  return { ids, rows: groups.length, width, positions, sequences, places };
}

function groupsOf({ ids, lengths, rows, width }: TokenBatch): Group[] {
  const common = Array.from({ length: rows - 1 }, (_, row) => {
    const most = Math.min(lengths[row]!, lengths[row + 1]!);
    let t = 0;
    while (t < most && ids[row * width + t] === ids[(row + 1) * width + t]) t++;
    return t;
  });
  const groups: Group[] = [{ start: 0, end: 1, prefix: lengths[0]! }];
  common.forEach((shared, row) => {
    const group = groups.at(-1)!;
    const beside = Math.max(common[row - 1] ?? 0, common[row + 1] ?? 0);
    if (shared === 0 || shared < SAME_PROMPT * beside) groups.push({ start: row + 1, end: row + 2, prefix: lengths[row + 1]! });
    else Object.assign(group, { end: row + 2, prefix: Math.min(group.prefix, shared) });
  });
  return groups;
}

const joinedLength = ({ start, end, prefix }: Group, { lengths }: TokenBatch): number =>
  lengths.subarray(start, end).reduce((sum, length) => sum + length - prefix, prefix);

/** Multiplications of a layer, about: those of its weights, and attention's. */
function cost(rows: number, width: number, { hiddenSize, heads, kvHeads, headDim, intermediateSize }: ModelConfig): number {
  const weights = hiddenSize * (2 * (heads + kvHeads) * headDim + 3 * intermediateSize);
  return rows * width * (weights + width * heads * headDim);
}

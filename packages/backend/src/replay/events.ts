/** What a computation asks of TensorFlow, in order. Its values are numbered as they appear. */

/** Host numbers given to TensorFlow; one value. */
export interface Feed {
  kind: "feed";
  /** TensorFlow's number of the type. */
  dtype: number;
}

/** A tensor that was there before; one value. */
export interface Outside {
  kind: "outside";
  /** tfjs's name of the type. */
  dtype: string;
}

/** An op; as many values as results. */
export interface Op {
  kind: "op";
  name: string;
  attributes: OpAttribute[];
  /** Numbers of the values that go in. */
  inputs: readonly number[];
  /** TensorFlow's number of each result's type. */
  results: readonly number[];
}

export interface OpAttribute {
  name: string;
  type: number;
  value: unknown;
}

export type Event = Feed | Outside | Op;

/** True where a recorded event foretells what follows from a new one, whose results need not be known. */
export function foretells(known: Event, fresh: Event): boolean {
  if (known.kind !== "op") return known.kind === fresh.kind && known.dtype === fresh.dtype;
  return fresh.kind === "op" && known.name === fresh.name && sameList(known.inputs, fresh.inputs) && sameAttributes(known.attributes, fresh.attributes);
}

function sameList(a: ArrayLike<unknown>, b: ArrayLike<unknown>): boolean {
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i]) return false;
  return true;
}

function sameAttributes(a: readonly OpAttribute[], b: readonly OpAttribute[]): boolean {
  return a.length === b.length && a.every(({ name, value }, i) => name === b[i]!.name && (value === b[i]!.value || (Array.isArray(value) && sameList(value, b[i]!.value as unknown[]))));
}

/** Ops that change a tensor, read or change state, or draw numbers: they do not go into a graph, whose order is free. */
export const isStateful = (name: string): boolean => /Resource|Variable|VarHandle|^Assign|^Inplace|^(Random|Truncated)/.test(name);

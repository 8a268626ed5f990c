/** What a computation asks of TensorFlow, in order. Its values are numbered as they appear. */
import { sameList } from "@verlet/core";

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

/** An op whose results are not known yet. */
export type Asked = Omit<Op, "results">;

export type Event = Feed | Outside | Op;

/** True where a recorded event foretells what follows from a new one. */
export function foretells(known: Event, fresh: Feed | Outside | Asked): boolean {
  if (known.kind !== "op") return known.kind === fresh.kind && known.dtype === fresh.dtype;
  return fresh.kind === "op" && known.name === fresh.name && sameList(known.inputs, fresh.inputs) && sameAttributes(known.attributes, fresh.attributes);
}

function sameAttributes(a: readonly OpAttribute[], b: readonly OpAttribute[]): boolean {
  if (a === b) return true;
  if (a.length !== b.length) return false;
  for (let i = 0; i < a.length; i++) if (a[i] !== b[i] && !sameAttribute(a[i]!, b[i]!)) return false;
  return true;
}

const sameAttribute = (a: OpAttribute, b: OpAttribute): boolean => a.name === b.name && (a.value === b.value || (Array.isArray(a.value) && sameList(a.value, b.value as unknown[])));

const stateful = new Map<string, boolean>();

/** Ops that change a tensor, read or change state, or draw numbers: they do not go into a graph, whose order is free. */
export function isStateful(name: string): boolean {
  let known = stateful.get(name);
  if (known === undefined) stateful.set(name, (known = /Resource|Variable|VarHandle|^Assign|^Inplace|^(Random|Truncated)/.test(name)));
  return known;
}

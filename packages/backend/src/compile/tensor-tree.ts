import { tf } from "../tf.js";

/** Tensors in plain objects and lists. */
export type TensorTree = tf.Tensor | undefined | readonly TensorTree[] | { readonly [key: string]: TensorTree };

/** A tree's tensors in order, and its outline: two trees of the same outline differ only in the tensors. */
export function flatten(tree: unknown): { tensors: tf.Tensor[]; outline: string } {
  const tensors: tf.Tensor[] = [];
  const visit = (node: unknown): string => {
    if (node instanceof tf.Tensor) {
      tensors.push(node);
      return `${node.dtype}${node.rank}`;
    }
    if (Array.isArray(node)) return `[${node.map(visit).join()}]`;
    if (node === undefined) return "";
    return `{${Object.entries(node as object).map(([key, value]) => key + visit(value)).join()}}`;
  };
  return { outline: visit(tree), tensors };
}

/** The tree with other tensors in the places of its own. */
export function refill<T>(tree: T, tensors: readonly tf.Tensor[]): T {
  let next = 0;
  const visit = (node: unknown): unknown => {
    if (node instanceof tf.Tensor) return tensors[next++];
    if (Array.isArray(node)) return node.map(visit);
    if (node === undefined) return undefined;
    return Object.fromEntries(Object.entries(node as object).map(([key, value]) => [key, visit(value)]));
  };
  return visit(tree) as T;
}

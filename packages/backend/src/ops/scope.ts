import { tf } from "../tf.js";

/** `tf.tidy` for results whose type is an interface; the tensors of the result pass to the caller. */
export function scope<T>(compute: () => T): T {
  return tf.tidy(compute as () => tf.TensorContainer) as T;
}

/** `tf.dispose` for the same. */
export function release(...values: unknown[]): void {
  tf.dispose(values as tf.TensorContainer);
}

import { tf } from "../tf.js";
import { rawChain } from "./raw-chain.js";

/** Numbers rounded to bfloat16, each two along the last axis in the place of one float32; [..., 2] → [...]. On the native backend alone. */
export const bfloat16Pairs = (x: tf.Tensor): tf.Tensor => rawChain(({ of, cast, bitcast }) => bitcast(cast(of(x), "bfloat16"), "float32"));

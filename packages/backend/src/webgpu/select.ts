import { tf } from "../tf.js";
import { sizeOf, viewAs, wrapKernel } from "./wrap-kernel.js";

/** `tf.where` beyond four axes, where the kernel that ships ends: on equal shapes the axes do not matter. */
export const wrapSelect = (): void =>
  wrapKernel("Select", (plain) => (call) => {
    const condition = call.inputs["condition"]!;
    const t = call.inputs["t"]!;
    const e = call.inputs["e"]!;
    if (t.shape.length <= 4 || !tf.util.arraysEqual(condition.shape, t.shape)) return plain(call);
    const flat = [sizeOf(t)];
    const chosen = plain({ ...call, inputs: { condition: viewAs(condition, flat), t: viewAs(t, flat), e: viewAs(e, flat) } });
    return viewAs(chosen, t.shape);
  });

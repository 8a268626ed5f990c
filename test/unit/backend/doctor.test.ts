import { activeBackend, cacheFolder, doctor, memorySnapshot, tf } from "@verlet/backend";
import { expect, it } from "vitest";
import { describeOnBackends } from "../../helpers/backends.js";

describeOnBackends("doctor", (name) => {
  it("tells the backend, a measured speed and where things are", async () => {
    const before = tf.memory().numTensors;
    const report = await doctor({ backend: name });
    expect(report.backend).toEqual(activeBackend());
    expect(report.backend.name).toBe(name);
    expect(report.backend.threads).toBeGreaterThanOrEqual(1);
    expect(report.backend.tensorflowVersion === undefined).toBe(name === "wasm");
    expect(report.matmul.size).toBeGreaterThanOrEqual(64);
    // Far below what any machine does, far above what a product that is not computed would show.
    expect(report.matmul.gflops).toBeGreaterThan(0.01);
    expect(report.matmul.gflops).toBeLessThan(100_000);
    expect(report.node).toBe(process.versions.node);
    expect(report.cacheFolder).toBe(cacheFolder());
    expect(tf.memory().numTensors).toBe(before);
  });

  it("a memory snapshot counts a tensor and its bytes", () => {
    const before = memorySnapshot();
    const x = tf.ones([100]);
    tf.add(x, x).dispose(); // hands the numbers over to libtensorflow
    const after = memorySnapshot();
    x.dispose();
    expect(after.tensors - before.tensors).toBe(1);
    expect(after.tensorBytes - before.tensorBytes).toBe(400);
    if (name === "native") expect(after.nativeTensors! - before.nativeTensors!).toBe(1);
    if (name === "wasm") expect(after.wasmBytes).toBeGreaterThan(0);
    expect(after.residentBytes).toBeGreaterThan(1e7);
  });
});

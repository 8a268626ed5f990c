import { mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { hostname } from "node:os";
import { join } from "node:path";
import { TensorboardLogger } from "@verlet/plugins/logger-tensorboard";
import { createComponent } from "@verlet/core";
import { expect, test } from "vitest";
import { scalarsEvent, startEvent, textEvent, versionEvent } from "../../../plugins/dist/logger-tensorboard/event-message.js";
import { tfRecord } from "../../../plugins/dist/logger-tensorboard/tf-record.js";
import { loggerContract } from "../../contracts/logger.js";
import { tempFolder } from "../../fakes/temp-folder.js";
import { eventRecords, fields, records } from "../../helpers/event-files.js";

const hex = (bytes: Uint8Array): string => Buffer.from(bytes).toString("hex");

loggerContract("tensorboard", (outputDir) => eventRecords(join(outputDir, "runs")));

test("a record: length, its masked CRC, data, its masked CRC", () => {
  // CRC-32C of "123456789" is e3069283, its check value; turned right by 15 bits 2507c60d; plus a282ead8 it is c78ab0e5.
  const record = tfRecord(Buffer.from("123456789"));
  expect(hex(record.subarray(0, 8))).toBe("0900000000000000");
  expect(hex(record.subarray(12))).toBe(`${hex(Buffer.from("123456789"))}e5b08ac7`);
  expect(record).toHaveLength(8 + 4 + 9 + 4);
});

test("every file of TensorFlow's begins with these bytes, up to the time", () => {
  const record = tfRecord(versionEvent({ wallTime: 1.5 }));
  expect(hex(record.subarray(0, 13))).toBe("1800000000000000" + "a37f4b22" + "09");
  expect(hex(record.subarray(13, 21))).toBe("000000000000f83f"); // 1.5 as a double
  expect(record.subarray(21, 36).toString("latin1")).toBe("\x1a\x0dbrain.Event:2");
});

test("scalars, byte by byte", () => {
  const place = "09" + "000000000000f83f" + "10" + "ac02"; // wall_time 1.5, step 300
  const loss = "0a04" + hex(Buffer.from("loss")) + "15" + "0000003f"; // tag, simple_value 0.5
  const kl = "0a02" + hex(Buffer.from("kl")) + "15" + "00000000"; // a zero is written too
  expect(hex(scalarsEvent({ wallTime: 1.5, step: 300 }, { loss: 0.5, kl: 0 }))).toBe(`${place}2a18` + `0a0b${loss}` + `0a09${kl}`);
});

test("a start, byte by byte", () => {
  expect(hex(startEvent({ wallTime: 1.5, step: 3 }))).toBe("09" + "000000000000f83f" + "1003" + "3a020801"); // session_log { status: START }
});

test("a text has the fields of a string tensor, and says that it is one", () => {
  const event = new Map(fields(Buffer.from(textEvent({ wallTime: 1, step: 1 }, "config", "größe"))));
  const value = new Map(fields(fields(event.get(5) as Buffer)[0]![1] as Buffer));
  expect(String(value.get(1) as Buffer)).toBe("config");
  const tensor = fields(value.get(8) as Buffer);
  expect(tensor.map(([number]) => number)).toEqual([1, 2, 8]);
  expect([tensor[0]![1], hex(tensor[1]![1] as Buffer), String(tensor[2]![1] as Buffer)]).toEqual([7n, "12020801", "größe"]); // DT_STRING, shape [1]
  const [[, plugin]] = fields(value.get(9) as Buffer) as [[number, Buffer]];
  expect(fields(plugin).map(([number, name]) => [number, String(name as Buffer)])).toEqual([[1, "text"]]);
});

test("each step is in the file as soon as it is logged, with the time", async () => {
  const outputDir = tempFolder();
  let now = 100;
  const logger = new TensorboardLogger({}, () => now);
  await logger.start({ outputDir, startStep: 0 });
  const [name] = readdirSync(join(outputDir, "runs"));
  expect(name).toBe(`events.out.tfevents.0000000100.${hostname()}.${process.pid}.0`);
  now = 101.25;
  await logger.step(1, { loss: 2 });
  expect(eventRecords(join(outputDir, "runs"))).toEqual([{ step: 1, metrics: { loss: 2 } }]);
  const last = new Map(fields(records(join(outputDir, "runs", name!)).at(-1)!));
  expect((last.get(1) as Buffer).readDoubleLE()).toBe(101.25);
});

test("a file's name comes after those of the folder, within one second and with a clock that was set back", async () => {
  const outputDir = tempFolder();
  for (const now of [100.2, 100.9, 90]) await new TensorboardLogger({}, () => now).start({ outputDir, startStep: 0 });
  expect(readdirSync(join(outputDir, "runs")).sort().map((name) => name.split(".")[3])).toEqual(["0000000100", "0000000101", "0000000102"]);
});

test("another folder, and the configuration as an indented text", async () => {
  const outputDir = tempFolder();
  const dir = join(tempFolder(), "board", "one");
  writeFileSync(join(outputDir, "config.resolved.yaml"), "model:\n  path: m\n");
  await createComponent("logger", "tensorboard", { dir }).start!({ outputDir, totalSteps: 1, startStep: 4 });
  expect(readdirSync(outputDir)).toEqual(["config.resolved.yaml"]);
  const [name] = readdirSync(dir);
  expect(records(join(dir, name!)).map((event) => Number(new Map(fields(event)).get(2) ?? 0n))).toEqual([0, 5, 5]);
  expect(readFileSync(join(dir, name!)).toString("latin1")).toContain("    model:\n      path: m\n");
});

test("an unknown option, and a folder that cannot be one", async () => {
  expect(() => createComponent("logger", "tensorboard", { logdir: "x" })).toThrow(/\[logger tensorboard\] wrong options \(it takes: dir\)/);
  const outputDir = tempFolder();
  mkdirSync(join(outputDir, "x"));
  writeFileSync(join(outputDir, "runs"), "");
  await expect(new TensorboardLogger().start({ outputDir, startStep: 0 })).rejects.toThrow(/EEXIST|ENOTDIR/);
});

import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { writeFileAtomic } from "@verlet/checkpoint";
import { z } from "@verlet/core";
import { reportMarkdown, reportOf } from "../report-text.js";
import type { StageKind } from "../stage-kind.js";

const options = z.strictObject({
  title: z.string().min(1).default("What the pipeline measured").describe("The report's heading."),
});

/** What the stages before it measured, for people and for programs. */
export const report: StageKind<z.output<typeof options>> = {
  name: "report",
  doc: "Writes what the stages before it measured, as Markdown and as JSON.",
  options,
  outputs: "markdown, json: the report's files",
  prepare: async ({ title }, { folder, earlier }) => {
    const [markdown, json] = [join(folder, "report.md"), join(folder, "report.json")];
    return {
      settings: JSON.parse(JSON.stringify({ title, earlier })),
      files: [],
      outputs: { markdown, json },
      products: [markdown, json],
      run: async ({ earlier: records, line }) => {
        const content = reportOf(title, earlier, records);
        await mkdir(folder, { recursive: true });
        await writeFileAtomic(json, `${JSON.stringify(content, null, 2)}\n`);
        await writeFileAtomic(markdown, reportMarkdown(content));
        line(`the report is ${markdown}`);
        return { metrics: {} };
      },
    };
  },
};

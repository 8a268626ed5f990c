import { ModelError } from "@verlet/core";

/** The content of a model folder's JSON file. Throws ModelError naming the file. */
export function parseJson(text: string, path: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ModelError({ where: path, what: "not valid JSON", got: (cause as Error).message, fix: "Copy the file again" }, { cause });
  }
}

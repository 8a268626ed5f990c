/** A part's options as rows, for `verlet explain`. */
import type { RegistryEntry } from "@verlet/core";
import { toDraft7 } from "./draft7.js";
import type { JsonSchema } from "./draft7.js";

export interface OptionRow {
  /** Dotted where it lies in a group of options: `critic.learningRate`. */
  option: string;
  type: string;
  /** As JSON; "required" or "optional" where there is none. */
  default: string;
  description: string;
}

export function explainEntry(entry: Pick<RegistryEntry, "options">): OptionRow[] {
  return optionRows(toDraft7(entry.options));
}

function optionRows(json: JsonSchema, prefix = ""): OptionRow[] {
  const required = new Set(json.required ?? []);
  return Object.entries(json.properties ?? {}).flatMap(([option, schema]) => {
    const property = schema as JsonSchema;
    if (property.properties) return optionRows(property, `${prefix}${option}.`);
    const missing = required.has(option) ? "required" : "optional";
    return {
      option: prefix + option,
      type: typeText(property),
      default: property.default === undefined ? missing : JSON.stringify(property.default),
      description: property.description ?? "",
    };
  });
}

function typeText(schema: JsonSchema): string {
  if (schema.enum) return schema.enum.map((value) => JSON.stringify(value)).join(" | ");
  if (schema.const !== undefined) return JSON.stringify(schema.const);
  const members = schema.anyOf ?? schema.oneOf;
  if (members) return members.map((member) => typeText(member as JsonSchema)).join(" | ");
  if (schema.type === "array") {
    const element = schema.items && !Array.isArray(schema.items) ? typeText(schema.items as JsonSchema) : "any";
    return element.includes(" ") ? `(${element})[]` : `${element}[]`;
  }
  const bounds = boundsText(schema);
  return `${schema.type ?? "any"}${bounds && ` ${bounds}`}`;
}

function boundsText({ minimum, maximum, exclusiveMinimum, exclusiveMaximum, pattern }: JsonSchema): string {
  return [
    minimum !== undefined && `≥ ${minimum}`,
    exclusiveMinimum !== undefined && `> ${exclusiveMinimum}`,
    maximum !== undefined && `≤ ${maximum}`,
    exclusiveMaximum !== undefined && `< ${exclusiveMaximum}`,
    pattern !== undefined && `/${pattern}/`,
  ]
    .filter(Boolean)
    .join(", ");
}

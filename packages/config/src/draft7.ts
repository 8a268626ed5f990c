/** zod → JSON Schema as editors read it. */
import { z } from "zod";

export type JsonSchema = z.core.JSONSchema.JSONSchema;

export function toDraft7(schema: z.ZodType): JsonSchema {
  return z.toJSONSchema(schema, {
    target: "draft-7",
    io: "input",
    unrepresentable: "any",
    override: ({ jsonSchema }) => {
      // zod writes the safe-integer range into every whole number; that is no bound anyone chose.
      if (jsonSchema.maximum === Number.MAX_SAFE_INTEGER) delete jsonSchema.maximum;
      if (jsonSchema.minimum === Number.MIN_SAFE_INTEGER) delete jsonSchema.minimum;
      if (jsonSchema.description === "") delete jsonSchema.description;
    },
  });
}

/** The schema as it is published: as text, and which types stand behind interfaces and unions. */
import { isAbstractType, lexicographicSortSchema, printSchema } from 'graphql';
import { schema } from './schema.ts';

/** schema/schema.graphql. */
export function printedSchema(): string {
  return `${printSchema(lexicographicSortSchema(schema))}\n`;
}

/** Interface or union -> its types: what normalising caches ask for. */
export function possibleTypes(): Record<string, string[]> {
  const abstract = Object.values(schema.getTypeMap()).filter(isAbstractType);
  const entries = abstract.map(
    (type) =>
      [
        type.name,
        schema
          .getPossibleTypes(type)
          .map((t) => t.name)
          .sort(),
      ] as const,
  );
  return Object.fromEntries(entries.sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** The parts that all schemas of /v2 are made of: draft 4 with links, as Glance has them. */

export type JsonSchema = Record<string, unknown>;

export const uuidPattern =
  '^([0-9a-fA-F]){8}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){4}-([0-9a-fA-F]){12}$';

/** Set by the service alone. */
export const readOnly = (schema: JsonSchema): JsonSchema => ({ ...schema, readOnly: true });

export const text = (description: string, rest: JsonSchema = {}): JsonSchema => ({
  type: 'string',
  description,
  ...rest,
});

export const textOrNull = (description: string, rest: JsonSchema = {}): JsonSchema => ({
  type: ['null', 'string'],
  description,
  ...rest,
});

/** A page of things, with links to the next one. */
export function pageSchema(name: string, items: JsonSchema): JsonSchema {
  return {
    name,
    properties: {
      [name]: { type: 'array', items },
      first: { type: 'string' },
      next: { type: 'string' },
      schema: { type: 'string' },
    },
    links: [
      { rel: 'first', href: '{first}' },
      { rel: 'next', href: '{next}' },
      { rel: 'describedby', href: '{schema}' },
    ],
  };
}

/** All of a few things at once. */
export function listSchema(name: string, items: JsonSchema): JsonSchema {
  return {
    name,
    properties: { [name]: { type: 'array', items }, schema: { type: 'string' } },
    links: [{ rel: 'describedby', href: '{schema}' }],
  };
}

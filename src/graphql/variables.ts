/**
 * Bounds on the variables of a request, kept before they are coerced: coercion is recursive, knows no end of a
 * list, and says what is wrong by quoting all of it, up to fifty times.
 */
import { GraphQLError, type GraphQLSchema, getVariableValues, type OperationDefinitionNode } from 'graphql';
import { limits, overLimit } from './limits.ts';

/** Deeper than any filter may be. */
const depthMax = 64;
/** With more characters and values than this, variables are looked at for one mistake only. */
const largeFrom = 10_000;

/** What keeps variables from being coerced; null when nothing does. They may be wrong all the same. */
export function variablesErrors(
  schema: GraphQLSchema,
  operation: OperationDefinitionNode,
  variables: Record<string, unknown> | null | undefined,
): GraphQLError[] | null {
  if (!variables) return null;
  const size = sizeOf(variables);
  if (size instanceof GraphQLError) return [size];
  if (size < largeFrom) return null;
  const { errors } = getVariableValues(schema, operation.variableDefinitions ?? [], variables, {
    maxErrors: 1,
  });
  return errors ? errors.slice(0, 1) : null;
}

/** How many values and characters of text there are; an error when they are too many or nest too deep. */
function sizeOf(variables: unknown): number | GraphQLError {
  let values = 0;
  let characters = 0;
  const stack: [value: unknown, depth: number][] = [[variables, 0]];
  for (let item = stack.pop(); item; item = stack.pop()) {
    const [value, depth] = item;
    if (typeof value === 'string') characters += value.length;
    if (!isPlain(value)) continue;
    if (depth > depthMax) return badInput(`Variables nest at most ${depthMax} levels.`);
    const children = Object.values(value);
    values += children.length;
    if (values > limits.values) return overLimit('values in its variables', values, limits.values);
    for (const child of children) stack.push([child, depth + 1]);
  }
  return values + characters;
}

/** Lists and objects of JSON; the files of a multipart request are neither. */
function isPlain(value: unknown): value is object {
  if (typeof value !== 'object' || value === null) return false;
  const prototype: unknown = Object.getPrototypeOf(value);
  return prototype === Object.prototype || prototype === Array.prototype || prototype === null;
}

const badInput = (message: string) => new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT' } });

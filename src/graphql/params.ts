/** What a request asks to run, as JSON has it. */

export interface Params {
  query: string;
  variables?: Record<string, unknown> | null;
  operationName?: string | null;
}

const names = new Set(['query', 'variables', 'operationName', 'extensions']);

/** The parameters when the value has nothing but them, each of its type; null otherwise. `extensions` says nothing to us. */
export function readParams(value: unknown): Params | null {
  if (!isObject(value) || !Object.keys(value).every((name) => names.has(name))) return null;
  const { query, variables, operationName, extensions } = value;
  if (typeof query !== 'string') return null;
  if (![variables, extensions].every((part) => part == null || isObject(part))) return null;
  if (operationName != null && typeof operationName !== 'string') return null;
  return { query, variables: variables as Params['variables'], operationName };
}

/** The parameters in a body; null when it is not JSON, or says something else. */
export function parseParams(body: Buffer): Params | null {
  try {
    return readParams(JSON.parse(body.toString()));
  } catch {
    return null;
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

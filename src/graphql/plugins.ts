/** What happens around every operation, whichever way it came in: limits, compilation, errors. */
import {
  type DocumentNode,
  GraphQLError,
  Kind,
  NoSchemaIntrospectionCustomRule,
  type ParseOptions,
  parse,
  type Source,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { useCompilation } from './compilation.ts';
import type { GraphContext } from './context.ts';
import { topLevelError } from './errors.ts';
import { costOf, hasFixedCost, limits, overLimit, structureError } from './limits.ts';
import { schema } from './schema.ts';

export interface OperationOptions {
  introspection: boolean;
}

export function operationPlugins({ introspection }: OperationOptions): Plugin[] {
  return [
    useLimits(),
    ...(introspection ? [] : [useSecrecy()]),
    useCostLimit(),
    useCompilation(schema),
    useTypedErrors(),
  ];
}

/** Characters and tokens while parsing, structure before validation. */
function useLimits(): Plugin {
  const checked = new WeakMap<DocumentNode, GraphQLError | null>();
  return {
    onParse({ params, setParseFn }) {
      const text = sourceText(params.source);
      if (text.length > limits.characters) throw overLimit('characters', text.length, limits.characters);
      setParseFn((source: string | Source, options?: ParseOptions) => parseBounded(source, options));
      return ({ result }) => {
        if (!result || result instanceof Error) return;
        let error = checked.get(result as DocumentNode);
        if (error === undefined) {
          error = structureError(result as DocumentNode);
          checked.set(result as DocumentNode, error);
        }
        if (error) throw error;
      };
    },
  };
}

const sourceText = (source: string | Source) => (typeof source === 'string' ? source : source.body);

function parseBounded(source: string | Source, options?: ParseOptions): DocumentNode {
  try {
    return parse(source, { ...options, maxTokens: limits.tokens });
  } catch (error) {
    const isTooLong =
      error instanceof GraphQLError && error.message.includes(`more than ${limits.tokens} tokens`);
    throw isTooLong ? overLimit('tokens', limits.tokens + 1, limits.tokens) : error;
  }
}

/** Nothing about the schema is told: no introspection, no "Did you mean". */
function useSecrecy(): Plugin {
  return {
    onValidate({ addValidationRule }) {
      addValidationRule(NoSchemaIntrospectionCustomRule);
      return ({ result, setResult }) => {
        const errors = result as readonly GraphQLError[];
        if (errors.length > 0) setResult(errors.map(withoutSuggestion));
      };
    },
  };
}

function withoutSuggestion(error: GraphQLError): GraphQLError {
  const message = error.message.replace(/ ?Did you mean .*$/s, '');
  return new GraphQLError(message, { nodes: error.nodes, extensions: error.extensions });
}

/** Before anything runs, and with the request's own page sizes. */
function useCostLimit(): Plugin {
  const fixed = new WeakMap<DocumentNode, number | null>();
  return {
    onExecute({ args, setResultAndStopExecution }) {
      const { document, operationName, variableValues } = args;
      let cost = fixed.get(document);
      if (cost === undefined) {
        const isFixed = hasFixedCost(document) && isSingle(document);
        fixed.set(document, isFixed ? costOf(schema, document, operationName, variableValues) : null);
        cost = fixed.get(document);
      }
      cost ??= costOf(schema, document, operationName, variableValues);
      const error =
        cost > limits.cost
          ? overLimit('cost', cost, limits.cost)
          : variablesTooDeep(variableValues)
            ? new GraphQLError(`Variables nest at most ${variableDepth} levels.`, {
                extensions: { code: 'BAD_USER_INPUT' },
              })
            : null;
      if (error) setResultAndStopExecution({ errors: [error] });
    },
  };
}

const isSingle = (document: DocumentNode) =>
  document.definitions.filter((d) => d.kind === Kind.OPERATION_DEFINITION).length === 1;

const variableDepth = 64;

/** Coercion of inputs is recursive: what nests deeper than any filter may is not let near it. */
function variablesTooDeep(value: unknown): boolean {
  const stack: [unknown, number][] = [[value, 0]];
  for (let item = stack.pop(); item; item = stack.pop()) {
    const [node, depth] = item;
    if (typeof node !== 'object' || node === null) continue;
    const prototype: unknown = Object.getPrototypeOf(node);
    if (prototype !== Object.prototype && prototype !== Array.prototype && prototype !== null) continue;
    if (depth > variableDepth) return true;
    for (const child of Object.values(node)) stack.push([child, depth + 1]);
  }
  return false;
}

/** Every error a client sees has a code; what is a bug is logged with the request and shown as one sentence. */
function useTypedErrors(): Plugin {
  return {
    onExecute({ args }) {
      const context = args.contextValue as unknown as GraphContext;
      return {
        onExecuteDone({ result, setResult }) {
          if (!('errors' in result) || !result.errors?.length) return;
          setResult({ ...result, errors: result.errors.map((error) => shownError(error, context)) });
        },
      };
    },
  };
}

/** The error as a client sees it. */
export function shownError(
  error: unknown,
  { app, requestId }: Pick<GraphContext, 'app' | 'requestId'>,
): GraphQLError {
  const expected = topLevelError(error);
  if (expected) return expected;
  app.log.error({ err: error, reqId: requestId }, 'a resolver failed');
  const place = error instanceof GraphQLError ? { nodes: error.nodes, path: error.path } : {};
  return new GraphQLError(`Something went wrong here; the log has it under ${requestId}.`, {
    ...place,
    extensions: { code: 'INTERNAL_SERVER_ERROR' },
  });
}

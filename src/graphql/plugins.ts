/** What happens around every operation, whichever way it came in: limits, compilation, errors. */
import {
  type DocumentNode,
  type ExecutionResult,
  GraphQLError,
  getOperationAST,
  Kind,
  NoSchemaIntrospectionCustomRule,
  type ParseOptions,
  parse,
  type Source,
} from 'graphql';
import type { Plugin } from 'graphql-yoga';
import { RateLimitedError } from '../domain/errors.ts';
import { useCompilation } from './compilation.ts';
import type { GraphContext } from './context.ts';
import { rebuilt, shortened, topLevelError } from './errors.ts';
import { costOf, hasFixedCost, limits, overLimit, structureError } from './limits.ts';
import { pay } from './purse.ts';
import { schema } from './schema.ts';
import { variablesErrors } from './variables.ts';

export interface OperationOptions {
  introspection: boolean;
  /** What an operation may cost, and how deep it may be. */
  bounds: { graphqlCost: number; graphqlDepth: number };
}

export function operationPlugins(options: OperationOptions): Plugin[] {
  return [
    useReadableRequests(),
    useLimits(options),
    useShownValidation(options),
    useCostLimit(options),
    useCompilation(schema),
    useTypedErrors(options),
    useRefusalStatus(),
  ];
}

/** What yoga cannot read is the client's mistake, and is told without quoting it. */
function useReadableRequests(): Plugin {
  return {
    onRequestParse({ requestParser, setRequestParser }) {
      if (!requestParser) return;
      setRequestParser(async (request) => {
        try {
          return await requestParser(request);
        } catch {
          throw unreadable('The request cannot be read: it is not JSON, or not an object.');
        }
      });
    },
    onParams({ params }) {
      const { operationName } = params as { operationName?: unknown };
      if (operationName == null || typeof operationName === 'string') return;
      throw unreadable('operationName is a string, or left out.');
    },
  };
}

const unreadable = (message: string) =>
  new GraphQLError(message, { extensions: { code: 'BAD_USER_INPUT', http: { status: 400 } } });

/** For yoga, which chooses the status by the errors: without data nothing has run (GraphQL over HTTP 6.4). */
function useRefusalStatus(): Plugin {
  return {
    onExecutionResult({ result, setResult }) {
      if (!result || !('errors' in result) || result.data !== undefined || !result.errors) return;
      const http = { status: 400, spec: true };
      setResult({ errors: result.errors.map((e) => rebuilt(e, e.message, { http, ...e.extensions })) });
    },
  };
}

/** Characters and tokens while parsing, structure before validation. */
function useLimits({ bounds }: OperationOptions): Plugin {
  const checked = new WeakMap<DocumentNode, GraphQLError | null>();
  return {
    onParse({ params, setParseFn }) {
      const text = sourceText(params.source);
      if (text.length > limits.characters) throw overLimit('characters', text.length, limits.characters);
      setParseFn((source: string | Source, options?: ParseOptions) =>
        parseBounded(source, bounds.graphqlDepth, options),
      );
      return ({ result }) => {
        if (!result || result instanceof Error) return;
        let error = checked.get(result as DocumentNode);
        if (error === undefined) {
          error = structureError(result as DocumentNode, bounds.graphqlDepth);
          checked.set(result as DocumentNode, error);
        }
        if (error) throw error;
      };
    },
  };
}

const sourceText = (source: string | Source) => (typeof source === 'string' ? source : source.body);

function parseBounded(source: string | Source, depthMax: number, options?: ParseOptions): DocumentNode {
  try {
    return parse(source, { ...options, maxTokens: limits.tokens });
  } catch (error) {
    // The parser is recursive: what nests so deep that it runs out of stack has no smaller measure.
    if (error instanceof RangeError) throw overLimit('nesting beyond', limits.tokens, depthMax);
    if (!(error instanceof GraphQLError)) throw error;
    if (/tokens\. Parsing aborted/.test(error.message))
      throw overLimit('tokens', limits.tokens + 1, limits.tokens);
    throw rebuilt(error, error.message, { code: 'GRAPHQL_PARSE_FAILED' });
  }
}

/** What validation says is cut where it only quotes. Without introspection nothing about the schema is told. */
function useShownValidation({ introspection }: OperationOptions): Plugin {
  return {
    onValidate({ addValidationRule }) {
      if (!introspection) addValidationRule(NoSchemaIntrospectionCustomRule);
      return ({ result, setResult }) => {
        const errors = result as readonly GraphQLError[];
        if (errors.length > 0) setResult(errors.map((error) => told(error, introspection)));
      };
    },
  };
}

/** An error of graphql-js: as it is, but for quotes without end and for hints at what the schema has. */
function told(error: GraphQLError, withHints: boolean): GraphQLError {
  const message = withHints ? error.message : error.message.replace(/ ?Did you mean .*$/s, '');
  return rebuilt(error, shortened(message), error.extensions);
}

/** Before anything runs, and with the request's own variables and page sizes. */
function useCostLimit({ introspection, bounds }: OperationOptions): Plugin {
  const fixed = new WeakMap<DocumentNode, number | null>();
  return {
    onExecute({ args, setResultAndStopExecution }) {
      const { document, operationName, variableValues } = args;
      const operation = getOperationAST(document, operationName);
      const errors = operation && variablesErrors(schema, operation, variableValues);
      if (errors) {
        const shown = errors.map((error) => told(topLevelError(error) ?? error, introspection));
        return setResultAndStopExecution({ errors: shown });
      }
      let cost = fixed.get(document);
      if (cost === undefined) {
        const isFixed = hasFixedCost(document) && isSingle(document);
        fixed.set(document, isFixed ? costOf(schema, document, operationName, variableValues) : null);
        cost = fixed.get(document);
      }
      cost ??= costOf(schema, document, operationName, variableValues);
      if (cost > bounds.graphqlCost)
        return setResultAndStopExecution({ errors: [overLimit('cost', cost, bounds.graphqlCost)] });
      const refusal = pay((args.contextValue as unknown as GraphContext).purse, cost, args);
      if (refusal) setResultAndStopExecution({ errors: [rateLimited(refusal)] });
    },
  };
}

const isSingle = (document: DocumentNode) =>
  document.definitions.filter((d) => d.kind === Kind.OPERATION_DEFINITION).length === 1;

/** Every error a client sees has a code; what is a bug is logged with the request and shown as one sentence. */
function useTypedErrors({ introspection }: OperationOptions): Plugin {
  return {
    onExecute({ args }) {
      const context = args.contextValue as unknown as GraphContext;
      return {
        onExecuteDone({ result, setResult }) {
          if (!('errors' in result) || !result.errors?.length) return;
          const errors = result.errors.map((error) => shownError(located(error, args.document), context));
          const limited = onlyRateLimited(result);
          if (limited) return setResult({ errors: [rateLimited(limited)] });
          // Without data nothing has run: graphql-js speaks of the variables.
          if (result.data === undefined) setResult({ errors: errors.map((e) => told(e, introspection)) });
          else setResult({ errors, data: result.data });
        },
      };
    },
  };
}

/** For the door: another status than that of what has run, or is no GraphQL. */
function rateLimited(error: RateLimitedError): GraphQLError {
  const headers = { 'retry-after': String(error.retryAfterSeconds) };
  return new GraphQLError(error.message, {
    extensions: { code: error.code, http: { status: 429, headers } },
  });
}

/** Why nothing at all has become of an operation, when it is this. */
function onlyRateLimited({ data, errors = [] }: ExecutionResult): RateLimitedError | null {
  if (data && Object.values(data).some((value) => value !== null)) return null;
  const causes = errors.map(({ originalError }) => originalError);
  const [first] = causes;
  const isOnly = causes.every((cause) => cause instanceof RateLimitedError);
  return isOnly && first instanceof RateLimitedError ? first : null;
}

/** The compiler's errors know lines and columns only: the same error as graphql-js makes it. */
function located(error: GraphQLError, { loc }: DocumentNode): GraphQLError {
  if (error.nodes || error.positions || !error.locations || !loc) return error;
  const starts = [0, ...Array.from(loc.source.body.matchAll(/\r\n|[\n\r]/g), (m) => m.index + m[0].length)];
  const positions = error.locations.map(({ line, column }) => (starts[line - 1] ?? 0) + column - 1);
  const { message, path, originalError, extensions } = error;
  return new GraphQLError(message, { source: loc.source, positions, path, originalError, extensions });
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

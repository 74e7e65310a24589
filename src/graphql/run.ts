/** Runs an operation in yoga's pipeline, without what yoga makes of HTTP. */
import { type DocumentNode, type ExecutionResult, GraphQLError, getOperationAST } from 'graphql';
import type { YogaServerInstance } from 'graphql-yoga';
import type { App } from '../actions/app.ts';
import type { RequestFacts } from './context.ts';
import type { DocumentCache } from './documents.ts';
import type { Params } from './params.ts';
import { shownError } from './plugins.ts';

export interface ServerContext {
  facts: RequestFacts;
}
export type Yoga = YogaServerInstance<ServerContext, object>;

/** Without data in the result nothing of the operation has run. */
export type Run = (facts: RequestFacts, params: Params) => Promise<ExecutionResult>;

/** `documents` are those of `yoga`. */
export function runIn(yoga: Yoga, { app, documents }: { app: App; documents: DocumentCache }): Run {
  /** What came before and passed every check that does not depend on the request. */
  const sound = new WeakSet<DocumentNode>();

  return async (facts, { query, variables, operationName }) => {
    const enveloped = yoga.getEnveloped({ facts } as never);
    let document = documents.get(query);
    if (!document || !sound.has(document)) {
      try {
        document = enveloped.parse(query) as DocumentNode;
      } catch (error) {
        return { errors: [shownError(error, { app, requestId: facts.requestId })] };
      }
      const mistakes = enveloped.validate(enveloped.schema, document) as GraphQLError[];
      if (mistakes.length > 0) return { errors: mistakes };
      sound.add(document);
    }
    if (!getOperationAST(document, operationName)) return { errors: [noOperation] };
    return enveloped.execute({
      schema: enveloped.schema,
      document,
      contextValue: await enveloped.contextFactory(),
      variableValues: variables ?? undefined,
      operationName,
    }) as Promise<ExecutionResult>;
  };
}

/** In yoga's words. */
const noOperation = new GraphQLError('Could not determine what operation to execute.', {
  extensions: { code: 'BAD_USER_INPUT' },
});

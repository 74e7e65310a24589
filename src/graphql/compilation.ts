/**
 * Queries that come again are compiled to JavaScript by graphql-jit. Variables are coerced by graphql-js, as for
 * every other request: the compiler's own coercion knows no recursive inputs, and would be a second set of rules.
 */
import {
  BREAK,
  type DocumentNode,
  type ExecutionArgs,
  GraphQLScalarType,
  type GraphQLSchema,
  getVariableValues,
  Kind,
  type OperationDefinitionNode,
  visit,
} from 'graphql';
import { type CompiledQuery, compileQuery, isCompiledQuery } from 'graphql-jit';
import type { Plugin } from 'graphql-yoga';
import { compilerSchema } from './compiler-schema.ts';

/** The type that the compiler takes all variables for: whatever comes has been coerced. */
const coerced = new GraphQLScalarType({ name: 'Coerced' });

interface Compiled {
  operation: OperationDefinitionNode;
  query: CompiledQuery['query'];
}

/**
 * Not compiled are documents with several operations, mutations, which gain nothing, introspection, and what is
 * seen for the first time: compiling costs more than one execution.
 */
export function useCompilation(schema: GraphQLSchema): Plugin {
  const shown = compilerSchema(schema, [coerced]);
  const seen = new WeakSet<DocumentNode>();
  const known = new WeakMap<DocumentNode, Compiled | null>();

  function compiledOf(document: DocumentNode): Compiled | null {
    let found = known.get(document);
    if (found !== undefined) return found;
    const operation = plainQuery(document);
    if (operation && !seen.has(document)) {
      seen.add(document);
      return null;
    }
    found = operation ? compile(shown, document, operation) : null;
    known.set(document, found);
    return found;
  }

  return {
    onExecute({ args, setExecuteFn }) {
      const compiled = compiledOf(args.document);
      // Another name than the one operation has is an error, which is graphql-js's to tell.
      const isNamed = !args.operationName || args.operationName === compiled?.operation.name?.value;
      if (compiled && isNamed) setExecuteFn((given: ExecutionArgs) => execute(schema, compiled, given));
    },
  };
}

function execute(schema: GraphQLSchema, { operation, query }: Compiled, args: ExecutionArgs) {
  const { variableValues, rootValue, contextValue } = args;
  const variables = getVariableValues(schema, operation.variableDefinitions ?? [], variableValues ?? {}, {
    maxErrors: 50,
  });
  return variables.errors ? { errors: variables.errors } : query(rootValue, contextValue, variables.coerced);
}

function compile(
  schema: GraphQLSchema,
  document: DocumentNode,
  operation: OperationDefinitionNode,
): Compiled | null {
  const untyped = { ...operation, variableDefinitions: operation.variableDefinitions?.map(takenAsCoerced) };
  const definitions = document.definitions.map((d) => (d === operation ? untyped : d));
  const result = compileQuery(schema, { ...document, definitions }, operation.name?.value ?? '', {
    disableLeafSerialization: true, // of what has a type that GraphQL brings along: as it is, and no choices
  });
  return isCompiledQuery(result) ? { operation, query: result.query } : null;
}

type Variable = NonNullable<OperationDefinitionNode['variableDefinitions']>[number];

const takenAsCoerced = ({ kind, variable }: Variable): Variable => ({
  kind,
  variable,
  type: { kind: Kind.NAMED_TYPE, name: { kind: Kind.NAME, value: coerced.name } },
});

/** The one operation of a document that can be compiled; null when there is none. */
function plainQuery(document: DocumentNode): OperationDefinitionNode | null {
  const [operation, ...others] = document.definitions.filter((d) => d.kind === Kind.OPERATION_DEFINITION);
  if (!operation || others.length > 0 || operation.operation !== 'query') return null;
  return asksForSchema(document) ? null : operation;
}

/** Wherever it stands: the compiler's schema is not ours to the letter. */
function asksForSchema(document: DocumentNode): boolean {
  let found = false;
  visit(document, {
    Field({ name }) {
      found ||= name.value === '__schema' || name.value === '__type';
      return found ? BREAK : undefined;
    },
  });
  return found;
}

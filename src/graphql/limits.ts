/**
 * What a GraphQL document may cost, measured before it is validated or run: bounded work for any text. A request
 * over a limit is refused with what it has and the limit.
 */
import {
  type DocumentNode,
  type FieldNode,
  type FragmentDefinitionNode,
  GraphQLError,
  type GraphQLField,
  type GraphQLSchema,
  getNamedType,
  getNullableType,
  isCompositeType,
  isInterfaceType,
  isListType,
  isObjectType,
  Kind,
  SchemaMetaFieldDef,
  type SelectionNode,
  type SelectionSetNode,
  TypeMetaFieldDef,
} from 'graphql';

export const limits = {
  characters: 20_000,
  tokens: 2_000,
  introspectionDepth: 20,
  aliases: 15,
  directives: 20,
  /** Fields as written, those in fragments once for each time they are spread. */
  fields: 400,
  /** Values in the variables, lists and objects among them. */
  values: 20_000,
} as const;

/** The values of all matches are counted for a facet. */
const facetCost = 1_000;
/** Those of a defined property are counted as images are written. */
const usageCost = 100;
/** How many items an unpaged list counts as, and a page without first or last. */
const listFactor = 10;
const pageFactor = 25;
const objectCost = 2;
const scalarCost = 1;

/** A limit on a document was passed. */
export function overLimit(what: string, measured: number, limit: number): GraphQLError {
  const cost = Math.min(measured, Number.MAX_SAFE_INTEGER);
  return new GraphQLError(`The request has ${what} ${cost}; the limit is ${limit}. Ask for less at once.`, {
    extensions: { code: 'TOO_COSTLY', cost, limit },
  });
}

interface Shape {
  depth: number;
  aliases: number;
  directives: number;
  fields: number;
}

/** The first structural limit that a document passes; null when it keeps all. */
export function structureError(document: DocumentNode, depth: number): GraphQLError | null {
  const fragments = fragmentsOf(document);
  const known = new Map<string, Shape>();
  let directives = 0;
  for (const definition of document.definitions) {
    if (definition.kind === Kind.FRAGMENT_DEFINITION) {
      directives += definition.directives?.length ?? 0;
      shapeOfFragment(definition.name.value, fragments, known); // unused ones count too
      continue;
    }
    if (definition.kind !== Kind.OPERATION_DEFINITION) continue;
    directives += definition.directives?.length ?? 0;
    const shape = shapeOf(definition.selectionSet, fragments, known);
    const depthLimit = isIntrospection(definition.selectionSet)
      ? Math.max(depth, limits.introspectionDepth)
      : depth;
    if (shape.depth > depthLimit) return overLimit('depth', shape.depth, depthLimit);
    if (shape.aliases > limits.aliases) return overLimit('aliases', shape.aliases, limits.aliases);
    if (shape.fields > limits.fields) return overLimit('fields', shape.fields, limits.fields);
    directives += shape.directives;
  }
  return directives > limits.directives ? overLimit('directives', directives, limits.directives) : null;
}

function fragmentsOf(document: DocumentNode): Map<string, FragmentDefinitionNode> {
  const fragments = document.definitions.filter((d) => d.kind === Kind.FRAGMENT_DEFINITION);
  return new Map(fragments.map((f) => [f.name.value, f]));
}

/** Only fields at the root count, whatever fragments are called. */
function isIntrospection({ selections }: SelectionSetNode): boolean {
  return selections.every((s) => s.kind === Kind.FIELD && /^__(schema|type|typename)$/.test(s.name.value));
}

function shapeOf(
  { selections }: SelectionSetNode,
  fragments: Map<string, FragmentDefinitionNode>,
  known: Map<string, Shape>,
): Shape {
  const sum: Shape = { depth: 0, aliases: 0, directives: 0, fields: 0 };
  for (const selection of selections) {
    sum.directives += selection.directives?.length ?? 0;
    let inner: Shape | null = null;
    let deeper = 0;
    if (selection.kind === Kind.FIELD) {
      deeper = 1;
      sum.fields++;
      if (selection.alias) sum.aliases++;
      inner = selection.selectionSet ? shapeOf(selection.selectionSet, fragments, known) : null;
    } else if (selection.kind === Kind.INLINE_FRAGMENT) {
      inner = shapeOf(selection.selectionSet, fragments, known);
    } else {
      inner = shapeOfFragment(selection.name.value, fragments, known);
    }
    sum.depth = Math.max(sum.depth, deeper + (inner?.depth ?? 0));
    sum.aliases += inner?.aliases ?? 0;
    sum.directives += inner?.directives ?? 0;
    sum.fields += inner?.fields ?? 0;
  }
  return sum;
}

/** A fragment that spreads itself counts as endless; one that is missing as nothing: validation says so. */
function shapeOfFragment(
  name: string,
  fragments: Map<string, FragmentDefinitionNode>,
  known: Map<string, Shape>,
): Shape {
  const done = known.get(name);
  if (done) return done;
  known.set(name, { depth: 0, aliases: 0, directives: 0, fields: 0 });
  const fragment = fragments.get(name);
  const shape = fragment
    ? shapeOf(fragment.selectionSet, fragments, known)
    : { depth: 0, aliases: 0, directives: 0, fields: 0 };
  known.set(name, shape);
  return shape;
}

/**
 * What running an operation may cost: a scalar 1, an object 2, a facet 1,000, a usage 100; a connection and all below
 * it times its page, an unpaged list times 10. `variables` are the request's own, not coerced.
 */
export function costOf(
  schema: GraphQLSchema,
  document: DocumentNode,
  operationName: string | null | undefined,
  variables: Record<string, unknown> | null | undefined,
): number {
  const operations = document.definitions.filter((d) => d.kind === Kind.OPERATION_DEFINITION);
  const operation = operationName ? operations.find((o) => o.name?.value === operationName) : operations[0];
  const root = operation && schema.getRootType(operation.operation);
  if (!operation || !root) return 0;
  const defaults = Object.fromEntries(
    (operation.variableDefinitions ?? []).map((v) => [
      v.variable.name.value,
      v.defaultValue?.kind === Kind.INT ? Number(v.defaultValue.value) : undefined,
    ]),
  );
  const walk: Walk = {
    schema,
    fragments: fragmentsOf(document),
    known: new Map(),
    variable: (name) => variables?.[name] ?? defaults[name],
  };
  const { paged, apart } = costOfSelections(walk, operation.selectionSet, root.name);
  return paged + apart;
}

interface Walk {
  schema: GraphQLSchema;
  fragments: Map<string, FragmentDefinitionNode>;
  known: Map<string, Cost>;
  variable(name: string): unknown;
}

interface Cost {
  /** What a page or a list around it multiplies. */
  paged: number;
  /** What is done once, whatever the page: facets. */
  apart: number;
}

function costOfSelections(walk: Walk, { selections }: SelectionSetNode, parent: string): Cost {
  const sum: Cost = { paged: 0, apart: 0 };
  for (const selection of selections) {
    const { paged, apart } = costOfSelection(walk, selection, parent);
    sum.paged += paged;
    sum.apart += apart;
  }
  return sum;
}

function costOfSelection(walk: Walk, selection: SelectionNode, parent: string): Cost {
  if (selection.kind === Kind.FIELD) return costOfField(walk, selection, parent);
  if (selection.kind === Kind.FRAGMENT_SPREAD) return costOfFragment(walk, selection.name.value);
  return costOfSelections(walk, selection.selectionSet, selection.typeCondition?.name.value ?? parent);
}

function costOfFragment(walk: Walk, name: string): Cost {
  const done = walk.known.get(name);
  if (done !== undefined) return done;
  const nothing: Cost = { paged: 0, apart: 0 };
  walk.known.set(name, nothing);
  const fragment = walk.fragments.get(name);
  const cost = fragment
    ? costOfSelections(walk, fragment.selectionSet, fragment.typeCondition.name.value)
    : nothing;
  walk.known.set(name, cost);
  return cost;
}

function costOfField(walk: Walk, node: FieldNode, parent: string): Cost {
  const field = fieldOf(walk.schema, parent, node.name.value);
  if (!field) return { paged: scalarCost, apart: 0 };
  const named = getNamedType(field.type);
  const own = isCompositeType(named) ? objectCost : scalarCost;
  const inner = node.selectionSet
    ? costOfSelections(walk, node.selectionSet, named.name)
    : { paged: 0, apart: 0 };
  const times = (factor: number): Cost => ({ paged: factor * (own + inner.paged), apart: inner.apart });
  const type = getNullableType(field.type);
  if (named.name === 'Facet') {
    if (!isListType(type)) return { paged: usageCost + inner.paged, apart: inner.apart };
    return { paged: 0, apart: givenLength(walk, node, 'of') * (facetCost + inner.paged) };
  }
  if (field.args.some((arg) => arg.name === 'first')) return times(pageOf(walk, node));
  // The nodes and edges of a connection are what its page has multiplied already.
  const isPaged = parent.endsWith('Connection');
  return times(isListType(type) && !isPaged ? listLength(walk, node) : 1);
}

/** Introspection is a list of lists like any other. */
const metaFields: Record<string, GraphQLField<unknown, unknown>> = {
  __schema: SchemaMetaFieldDef,
  __type: TypeMetaFieldDef,
};

function fieldOf(
  schema: GraphQLSchema,
  type: string,
  name: string,
): GraphQLField<unknown, unknown> | undefined {
  const found = schema.getType(type);
  const fields = isObjectType(found) || isInterfaceType(found) ? found.getFields() : {};
  return fields[name] ?? metaFields[name];
}

/** A page of none still has its totals. */
function pageOf(walk: Walk, node: FieldNode): number {
  return Math.max(1, numberOf(walk, node, 'first') ?? numberOf(walk, node, 'last') ?? pageFactor);
}

/** A list given by ids is as long as they are; any other counts as ten. */
function listLength(walk: Walk, node: FieldNode): number {
  const isGiven = node.arguments?.some((arg) => arg.name.value === 'ids');
  return isGiven ? givenLength(walk, node, 'ids') : listFactor;
}

function givenLength(walk: Walk, node: FieldNode, name: string): number {
  const value = node.arguments?.find((arg) => arg.name.value === name)?.value;
  if (value?.kind === Kind.LIST) return value.values.length;
  const given = value?.kind === Kind.VARIABLE ? walk.variable(value.name.value) : null;
  return Array.isArray(given) ? given.length : 1;
}

function numberOf(walk: Walk, node: FieldNode, name: string): number | null {
  const value = node.arguments?.find((arg) => arg.name.value === name)?.value;
  if (value?.kind === Kind.INT) return Math.max(0, Number(value.value));
  if (value?.kind !== Kind.VARIABLE) return null;
  const given = walk.variable(value.name.value);
  return typeof given === 'number' && given >= 0 ? given : null;
}

const pagingArguments = new Set(['first', 'last', 'ids', 'of']);

/** Whether the cost of a document is the same whatever its variables are. */
export function hasFixedCost(document: DocumentNode): boolean {
  return document.definitions.every(
    (d) => !('selectionSet' in d && d.selectionSet) || isFixed(d.selectionSet),
  );
}

function isFixed({ selections }: SelectionSetNode): boolean {
  return selections.every((selection) => {
    if (selection.kind === Kind.FRAGMENT_SPREAD) return true; // its definition is looked at by itself
    const varies =
      selection.kind === Kind.FIELD &&
      selection.arguments?.some((a) => pagingArguments.has(a.name.value) && a.value.kind === Kind.VARIABLE);
    return !varies && (!selection.selectionSet || isFixed(selection.selectionSet));
  });
}

/** Random catalogs, and random questions about them, for fast-check. */
import fc from 'fast-check';
import { type ModelImage, signatureProperty } from './catalog.ts';
import type { FacetAsked } from './facets.ts';
import type {
  Conditions,
  ElementOperators,
  Filter,
  Operators,
  PropertyCondition,
  TextOperators,
} from './filter.ts';
import type { Order } from './order.ts';
import type { Include } from './visible.ts';
import * as words from './vocabulary.ts';

const of = <T>(from: readonly T[]) => fc.constantFrom(...from);
const maybe = <T>(from: readonly T[]) => fc.option(of(from), { freq: 4 });

const digest = (length: number) =>
  fc.tuple(of(words.digestHeads), of(['0', '1', 'a'])).map(([head, rest]) => head.padEnd(length, rest));

const digests = fc.option(
  fc.record({ sha512: digest(128), sha256: digest(64) }, { requiredKeys: ['sha512'], noNullPrototype: true }),
  { nil: {} },
);

/** A store has one active copy of an image, beside any number that failed. */
const withOneActiveEach = (copies: ModelImage['copies']) =>
  copies.filter(
    ({ store, isActive }, n) =>
      !isActive || copies.findIndex((copy) => copy.isActive && copy.store === store) === n,
  );

/** A signature is properties as well. */
const withSignature = (image: ModelImage): ModelImage =>
  image.signature === null
    ? image
    : { ...image, properties: { ...image.properties, [signatureProperty]: 'c2lnbmVk' } };

const image: fc.Arbitrary<ModelImage> = fc
  .record({
    id: fc.uuid(),
    name: maybe(words.names),
    kind: of(words.kinds),
    status: of(words.statuses),
    visibility: of(words.visibilities),
    owner: fc.option(of(words.owners), { freq: 9 }),
    diskFormat: maybe(words.diskFormats),
    containerFormat: maybe(words.containerFormats),
    size: maybe(words.sizes.slice(0, -1)),
    virtualSize: maybe(words.sizes),
    minDisk: of(words.smallNumbers),
    minRam: of(words.smallNumbers),
    checksum: fc.option(digest(32)),
    digests: digests as fc.Arbitrary<Record<string, string>>,
    protected: fc.boolean(),
    hidden: fc.oneof(
      { weight: 4, arbitrary: fc.constant(false) },
      { weight: 1, arbitrary: fc.constant(true) },
    ),
    failed: fc.boolean(),
    signature: fc.option(of(words.signatureStates), { freq: 2 }),
    tags: fc.uniqueArray(of(words.tags), { maxLength: 4 }),
    properties: fc.dictionary(of(words.propertyNames), of(words.values), {
      maxKeys: 7,
      noNullPrototype: true,
    }),
    members: fc.dictionary(of(words.projects), of(words.memberStatuses), { noNullPrototype: true }),
    copies: fc
      .array(fc.record({ store: of(words.stores), isActive: fc.boolean() }), { maxLength: 3 })
      .map(withOneActiveEach),
    createdAt: of(words.moments),
    updatedAt: of(words.moments),
  })
  .map(withSignature);

export const catalog = fc.uniqueArray(image, {
  minLength: 40,
  maxLength: 60,
  size: 'max',
  selector: ({ id }) => id,
});

/** Some operators, seldom none and seldom many. */
function some<T extends object>(model: { [K in keyof T]-?: fc.Arbitrary<Exclude<T[K], undefined>> }) {
  const keys = Object.keys(model) as (keyof T & string)[];
  const chosen = fc.oneof(
    { weight: 7, arbitrary: fc.subarray(keys, { minLength: 1, maxLength: 1 }) },
    { weight: 3, arbitrary: fc.subarray(keys, { minLength: 2, maxLength: 2 }) },
    { weight: 1, arbitrary: fc.subarray(keys, { maxLength: 3 }) },
  );
  return chosen.chain((picked) =>
    fc.record(Object.fromEntries(picked.map((key) => [key, model[key]]))),
  ) as unknown as fc.Arbitrary<T>;
}

const list = <T>(one: fc.Arbitrary<T>) => fc.array(one, { maxLength: 4 });

type SetOperators<T> = Pick<Operators<T>, 'eq' | 'ne' | 'in' | 'notIn'>;
type RangeOperators<T> = Omit<Operators<T>, 'isNull'>;

const setModel = <T>(one: fc.Arbitrary<T>) => ({ eq: one, ne: one, in: list(one), notIn: list(one) });
const rangeModel = <T>(one: fc.Arbitrary<T>) => ({ ...setModel(one), lt: one, lte: one, gt: one, gte: one });

const setOf = (from: readonly string[]) => some<SetOperators<string>>(setModel(of(from)) as never);
const nullableSetOf = (from: readonly string[]) =>
  some<SetOperators<string> & { isNull?: boolean }>({ ...setModel(of(from)), isNull: fc.boolean() } as never);
const range = <T>(one: fc.Arbitrary<T>) => some<RangeOperators<T>>(rangeModel(one) as never);
const nullableRange = <T>(one: fc.Arbitrary<T>) =>
  some<Operators<T>>({ ...rangeModel(one), isNull: fc.boolean() } as never);

/** Times have no lists. */
const instantRange = (() => {
  const { in: _in, notIn: _notIn, ...model } = rangeModel(of(words.instants));
  return some<RangeOperators<string>>(model as never);
})();

/**
 * Regular expressions that JavaScript and PostgreSQL read alike: no backslashes, no look-around, anchors only at
 * the ends of a branch, nothing empty, one quantifier at a time.
 */
const pattern = fc.letrec<{ atom: string; piece: string; branch: string; alternatives: string }>((tie) => ({
  atom: fc.oneof(
    { maxDepth: 2, withCrossShrink: true },
    {
      weight: 6,
      arbitrary: of([...'abBnu012', '.', '[a-c0-9]', '[^a-c]', 'ab', 'ubu', 'É', '_', '%']),
    },
    { weight: 1, arbitrary: tie('alternatives').map((inner) => `(${inner})`) },
  ),
  piece: fc
    .tuple(tie('atom'), of(['', '', '', '', '*', '+', '?', '{2}', '{1,2}', '{0,1}']))
    .map(([atom, times]) => {
      return times !== '' && /^..+$/u.test(atom) && !/^[([]/.test(atom) ? `(${atom})${times}` : atom + times;
    }),
  branch: fc
    .tuple(
      of(['', '', '', '^']),
      fc.array(tie('piece'), { minLength: 1, maxLength: 2 }),
      of(['', '', '', '$']),
    )
    .map(([from, pieces, to]) => from + pieces.join('') + to),
  alternatives: fc.array(tie('branch'), { minLength: 1, maxLength: 2 }).map((branches) => branches.join('|')),
})).alternatives;

/** Text conditions: whole texts of the vocabulary, and parts of them. */
function text(from: readonly string[], { nullable }: { nullable: boolean }): fc.Arbitrary<TextOperators> {
  const part = fc.tuple(of(from), fc.nat(6), fc.nat(6)).map(([whole, start, length]) => {
    return [...whole].slice(start, start + length).join('');
  });
  const operand = fc.oneof(of(from), of(from.map((word) => word.toLowerCase())));
  const model = {
    ...setModel(operand),
    contains: part,
    startsWith: of(from).map((whole) => [...whole].slice(0, 3).join('')),
    endsWith: of(from).map((whole) => [...whole].slice(-3).join('')),
    matches: pattern,
    ...(nullable && { isNull: fc.boolean() }),
  };
  return fc
    .tuple(some<TextOperators>(model as never), of([undefined, undefined, false, true]))
    .map(([operators, ignoreCase]) => (ignoreCase === undefined ? operators : { ...operators, ignoreCase }))
    .filter((operators) => nullable || Object.keys(operators).some((key) => key !== 'ignoreCase'));
}

const propertyCondition: fc.Arbitrary<PropertyCondition> = of(words.propertyNames).chain((name) => {
  const view = {
    text: fc.option(text(words.values, { nullable: true }), { freq: 20 }),
    number: range(of(words.numbers)),
    version: range(of(words.versions)),
    boolean: fc.boolean(),
    elements: some<ElementOperators>({
      has: of(words.elements),
      hasAll: list(of(words.elements)),
      hasAny: list(of(words.elements)),
      hasNone: list(of(words.elements)),
    } as never),
  };
  return fc.oneof(
    { weight: 1, arbitrary: fc.record({ name: fc.constant(name), exists: fc.boolean() }) },
    {
      weight: 7,
      arbitrary: some<Omit<PropertyCondition, 'name'>>({ ...view, exists: fc.constant(true) } as never).map(
        (views) => ({ name, ...views }),
      ),
    },
  );
});

const digestPrefix = fc
  .tuple(of(words.digestHeads), of(['0', '1', 'a']), of([8, 9, 20, 32, 64, 128, 40]), fc.boolean())
  .map(([head, rest, length, upper]) => {
    const hex = head.padEnd(length, rest);
    return upper ? hex.toUpperCase() : hex;
  });

type ConditionArbitraries = { [K in keyof Conditions]: fc.Arbitrary<Conditions[K]> };

const conditionsOn = (ids: readonly string[]): ConditionArbitraries => {
  const id = of([...ids.slice(0, 6), ...ids.slice(0, 2).map((one) => one.toUpperCase()), 'nonsense', '']);
  return {
    id: some<SetOperators<string>>(setModel(id) as never),
    name: text(words.names, { nullable: true }),
    kind: setOf(words.kinds),
    status: setOf(words.statuses),
    visibility: setOf(words.visibilities),
    owner: text(words.owners, { nullable: true }),
    diskFormat: nullableSetOf(words.diskFormats),
    containerFormat: nullableSetOf(words.containerFormats),
    size: nullableRange(of(words.sizes)),
    virtualSize: nullableRange(of(words.sizes)),
    minDisk: range(of(words.smallNumbers)),
    minRam: range(of(words.smallNumbers)),
    digest: digestPrefix,
    protected: fc.boolean(),
    hidden: fc.boolean(),
    failed: fc.boolean(),
    signature: nullableSetOf(words.signatureStates),
    tags: some<Conditions['tags']>({
      has: of(words.tags),
      hasAll: list(of(words.tags)),
      hasAny: list(of(words.tags)),
      hasNone: list(of(words.tags)),
      isEmpty: fc.boolean(),
    } as never),
    properties: fc.array(propertyCondition, { maxLength: 3 }),
    store: text(words.stores, { nullable: false }),
    sharedWith: fc.record(
      { project: of(words.projects), status: of(words.memberStatuses) },
      { requiredKeys: [] },
    ),
    freeText: of(words.freeTexts),
    createdAt: instantRange,
    updatedAt: instantRange,
  };
};

/** Filters about a catalog with these ids, a few levels deep. */
export function filtersOn(ids: readonly string[]): fc.Arbitrary<Filter> {
  const conditions = conditionsOn(ids);
  // Properties are what is asked for most, and have the most to say.
  const keys = [...Object.keys(conditions), 'properties', 'properties', 'properties'] as (keyof Conditions)[];
  const single = of(keys).chain((key): fc.Arbitrary<Filter> => {
    const condition = conditions[key] as fc.Arbitrary<unknown>;
    return fc.option(condition, { freq: 30 }).map((asked) => ({ [key]: asked }));
  });
  const flat = fc.oneof(
    { weight: 6, arbitrary: single },
    { weight: 2, arbitrary: fc.tuple(single, single).map(([a, b]) => ({ ...a, ...b })) },
  );
  return fc.letrec<{ filter: Filter; branch: Filter }>((tie) => ({
    branch: fc
      .tuple(
        fc.option(flat, { nil: {} }),
        some<Filter>({
          and: fc.option(fc.array(tie('filter'), { maxLength: 3 }), { freq: 20 }),
          or: fc.option(fc.array(tie('filter'), { maxLength: 3 }), { freq: 20 }),
          not: fc.option(tie('filter'), { freq: 20 }),
        } as never),
      )
      .map(([top, below]) => ({ ...top, ...below })),
    filter: fc.oneof({ maxDepth: 2, withCrossShrink: true }, flat, tie('branch')),
  })).filter;
}

export const includes: fc.Arbitrary<readonly Include[]> = fc.oneof(
  fc.constant([]),
  fc.subarray<Include>(['COMMUNITY', 'PENDING_SHARES', 'REJECTED_SHARES', 'HIDDEN']),
);

const direction = of(['ASC', 'DESC'] as const);
const fieldOrder = fc.record(
  {
    field: of([
      ...['CREATED_AT', 'UPDATED_AT', 'NAME', 'SIZE', 'VIRTUAL_SIZE', 'STATUS', 'VISIBILITY'],
      ...['OWNER', 'DISK_FORMAT', 'CONTAINER_FORMAT', 'ID'],
    ]),
    direction,
  },
  { requiredKeys: ['field'] },
);
const propertyOrder = fc.record(
  {
    field: fc.constant('PROPERTY'),
    property: of(words.propertyNames),
    as: of(['TEXT', 'NUMBER', 'VERSION'] as const),
    direction,
  },
  { requiredKeys: ['field', 'property'] },
);

const orderKey: fc.Arbitrary<Order> = fc.oneof(fieldOrder, propertyOrder);

export const orders: fc.Arbitrary<Order[]> = fc.uniqueArray(orderKey, {
  maxLength: 3,
  selector: ({ field, property = '', as = 'TEXT' }) => `${field} ${property} ${as}`,
});

export const facets: fc.Arbitrary<FacetAsked> = fc.oneof(
  of([
    'KIND',
    'STATUS',
    'VISIBILITY',
    'OWNER',
    'DISK_FORMAT',
    'CONTAINER_FORMAT',
    'TAG',
    'STORE',
    'PROPERTY_NAME',
  ]).map((attribute) => ({ attribute })),
  of(words.propertyNames).map((property) => ({ property })),
);

export const namePrefixes = of(['', 'os_', 'hw', 'hw:', 'W', 'x', '%']);

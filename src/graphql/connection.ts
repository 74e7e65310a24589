/** What all Relay connections here share: the page arguments, PageInfo, and pages of short lists. */
import { type PageInput, pageSize, readPage } from '../actions/list-images.ts';
import type { FoundPage } from '../db/found-page.ts';
import { type KeyType, type KeyValue, makeCursor, readCursor } from '../search/cursor.ts';
import { builder } from './builder.ts';

/** Where a page stands; what costs a statement is asked only when the field is. */
export interface PageInfo {
  hasNextPage(): boolean | Promise<boolean>;
  hasPreviousPage(): boolean | Promise<boolean>;
  startCursor: string | null;
  endCursor: string | null;
}

export const PageInfoType = builder.objectRef<PageInfo>('PageInfo').implement({
  description: 'Where a page stands in its list. Both flags are exact, in both directions.',
  fields: (t) => ({
    hasNextPage: t.boolean({
      description: 'Whether anything follows the page.',
      resolve: (page) => page.hasNextPage(),
    }),
    hasPreviousPage: t.boolean({
      description: 'Whether anything stands before the page.',
      resolve: (page) => page.hasPreviousPage(),
    }),
    startCursor: t.exposeString('startCursor', {
      nullable: true,
      description: 'Cursor of the first item; null on an empty page.',
    }),
    endCursor: t.exposeString('endCursor', {
      nullable: true,
      description: 'Cursor of the last item; null on an empty page.',
    }),
  }),
});

/** first, after, last and before, for a field that gives a connection. */
export const pageArgs = builder.args((t) => ({
  first: t.int({
    description: `How many from the start, or after the cursor: 0 to ${pageSize.max}, ${pageSize.default} when nothing is said.`,
  }),
  after: t.string({ description: 'Only what follows this cursor.' }),
  last: t.int({
    description: `How many from the end, or before the cursor: 0 to ${pageSize.max}. Not together with first or after.`,
  }),
  before: t.string({ description: 'Only what stands before this cursor.' }),
}));

/** A page of a list. */
export interface Page<T> {
  nodes: T[];
  cursorOf(node: T): string;
  pageInfo: PageInfo;
  totalCount(): number | Promise<number>;
}

/** What a connection and its edges are called, and say of themselves. */
export interface ConnectionNames {
  /** Of its nodes: the edge is `<name>Edge`, the connection `<name>Connection`. */
  name: string;
  description: string;
  /** One of the nodes, with its article. */
  node: string;
  totalCount: string;
}

/** The connection of a type, with its edge: how all of them look. */
export function connectionType<T>(
  type: ReturnType<ReturnType<typeof builder.objectRef<T>>['implement']>,
  { name, description, node, totalCount }: ConnectionNames,
) {
  const edge = builder.objectRef<{ cursor: string; node: T }>(`${name}Edge`).implement({
    description: `${node} at its place in the list.`,
    fields: (t) => ({
      cursor: t.exposeString('cursor', { description: 'Its place: opaque, and bound to this list.' }),
      node: t.field({ type, description: `${node}.`, resolve: (e) => e.node as never }),
    }),
  });
  return builder.objectRef<Page<T>>(`${name}Connection`).implement({
    description,
    fields: (t) => ({
      edges: t.field({
        type: [edge],
        description: 'The page, each with its cursor.',
        resolve: (page) => page.nodes.map((one) => ({ cursor: page.cursorOf(one), node: one })),
      }),
      nodes: t.field({ type: [type], description: 'The page.', resolve: (page) => page.nodes as never }),
      pageInfo: t.field({
        type: PageInfoType,
        description: 'Where the page stands.',
        resolve: (page) => page.pageInfo,
      }),
      totalCount: t.int({ description: totalCount, resolve: (page) => page.totalCount() }),
    }),
  });
}

/**
 * A page of a whole, bounded list that is sorted by `keysOf` already.
 * @throws ValidationError, BadCursorError as listImages
 */
export function pageOf<T>(
  all: readonly T[],
  input: PageInput,
  list: { scope: string; types: readonly KeyType[]; keysOf(item: T): KeyValue[] },
): Page<T> {
  const { limit, cursor, backward } = readPage(input);
  const at = cursor === null ? null : readCursor(cursor, list.scope, list.types);
  const order = (item: T) => compareKeys(list.keysOf(item), at ?? []);
  let [start, end] = [0, all.length];
  if (at && !backward) start = countWhile(all, (item) => order(item) <= 0);
  if (at && backward) end = countWhile(all, (item) => order(item) < 0);
  if (backward) start = Math.max(start, end - limit);
  else end = Math.min(end, start + limit);
  const nodes = all.slice(start, end);
  const cursorOf = (item: T) => makeCursor(list.scope, list.keysOf(item));
  return {
    nodes,
    cursorOf,
    pageInfo: {
      hasNextPage: () => end < all.length,
      hasPreviousPage: () => start > 0,
      ...edgeCursors(nodes, cursorOf),
    },
    totalCount: () => all.length,
  };
}

/** A page that a batched look-up has found. */
export function pageOfFound<T>(
  { items, hasNext, hasPrevious }: FoundPage<T>,
  { cursorOf, totalCount }: Pick<Page<T>, 'cursorOf' | 'totalCount'>,
): Page<T> {
  return {
    nodes: items,
    cursorOf,
    pageInfo: {
      hasNextPage: () => hasNext,
      hasPreviousPage: () => hasPrevious,
      ...edgeCursors(items, cursorOf),
    },
    totalCount,
  };
}

/** Cursors of the first and last item; null on an empty page. */
export function edgeCursors<T>(nodes: readonly T[], cursorOf: (node: T) => string) {
  const [first] = nodes;
  const last = nodes.at(-1);
  return {
    startCursor: first === undefined ? null : cursorOf(first),
    endCursor: last === undefined ? null : cursorOf(last),
  };
}

function countWhile<T>(items: readonly T[], holds: (item: T) => boolean): number {
  const end = items.findIndex((item) => !holds(item));
  return end === -1 ? items.length : end;
}

function compareKeys(a: readonly KeyValue[], b: readonly KeyValue[]): number {
  for (const [i, x] of a.entries()) {
    const y = b[i] ?? '';
    if (x !== null && x !== y) return x < y ? -1 : 1;
  }
  return 0;
}

/** The one-line search language: text into the filter and the order it stands for. docs/search.md describes it. */
import { ValidationError } from '../../domain/errors.ts';
import { checkedFilter } from '../filter-check.ts';
import type { ImageFilter } from '../image-filter.ts';
import type { ImageOrder } from '../image-order.ts';
import { fieldNamed } from './fields.ts';
import { filterOf } from './filter-tree.ts';
import { type Node, treeOf } from './grammar.ts';
import { type Issues, issueList, type SearchIssue, type Span } from './issues.ts';
import type { TypeOf } from './reading.ts';
import { orderOf } from './sort-terms.ts';
import { tokensOf } from './tokens.ts';

export type SearchParse =
  | { ok: true; where: ImageFilter; orderBy: ImageOrder[] }
  | { ok: false; errors: SearchIssue[] };

/** UTF-16 code units. */
export const searchMax = 4000;

/** Where in the text the parts of a filter came from, for what is found wrong with them later. */
const spans = new WeakMap<ImageFilter, Span>();

/**
 * What a search stands for; `orderBy` is empty when it says nothing about order. Never throws.
 * `now` is what ages (`created:<7d`) are counted back from; properties with a definition compare as it says.
 */
export function parseSearch(text: string, now: Date, typeOf: TypeOf = () => null): SearchParse {
  const issues = issueList();
  if (text.length > searchMax) {
    const message = `A search has at most ${searchMax} characters.`;
    return { ok: false, errors: [{ message, offset: searchMax, length: text.length - searchMax }] };
  }
  noteBadCharacters(text, issues);
  const tokens = tokensOf(text, issues);
  if (!tokens) return { ok: false, errors: issues.list() };
  const tree = treeOf(tokens, issues);
  const { sorts, rest } = withoutSorts(tree);
  const mark = (filter: ImageFilter, { start, end }: Span) => {
    spans.set(filter, end > start ? { start, end } : { start: 0, end: text.length });
  };
  const where = filterOf(rest, { now, typeOf, issues, mark });
  const orderBy = orderOf(sorts, { now, typeOf, issues });
  if (issues.list().length > 0) return { ok: false, errors: issues.list() };
  try {
    checkedFilter(where);
    return { ok: true, where, orderBy };
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    return { ok: false, errors: [searchIssueOf(error, where)] };
  }
}

/** What is wrong with the `where` of a search, in its text. `error` has a path in it, from `where` down. */
export function searchIssueOf(error: ValidationError, where: ImageFilter): SearchIssue {
  let found = spans.get(where) ?? { start: 0, end: 0 };
  let part: unknown = where;
  for (const step of error.issues[0]?.path.slice(1) ?? []) {
    part = (part as Record<string, unknown> | undefined)?.[step];
    const span = typeof part === 'object' && part !== null && spans.get(part as ImageFilter);
    if (span) found = span;
  }
  return { message: error.message, offset: found.start, length: found.end - found.start };
}

function noteBadCharacters(text: string, issues: Issues): void {
  if (text.isWellFormed() && !text.includes('\0')) return;
  for (const found of text.matchAll(/[\0\p{Surrogate}]+/gu)) {
    const span = { start: found.index, end: found.index + found[0].length };
    issues.add(span, 'This is a NUL or half a surrogate pair; no image has that.');
  }
}

/** The sort terms at the very top, and what is searched for. */
function withoutSorts(tree: Node) {
  const isSort = (node: Node) =>
    node.type === 'term' &&
    node.isOuter &&
    !node.term.key.isProperty &&
    fieldNamed(node.term.key.name)?.type === 'sort';
  const top = tree.type === 'and' ? tree.nodes : [tree];
  const sorts = top.flatMap((node) => (node.type === 'term' && isSort(node) ? [node.term] : []));
  const rest: Node = { ...tree, type: 'and', nodes: top.filter((node) => !isSort(node)) };
  return { sorts, rest };
}

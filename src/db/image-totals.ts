/** Questions about all images of a scope: how many, how large, which values they have. Exact, or refused. */

import { TooCostlyError } from '../domain/errors.ts';
import { askedValues, withoutIndexes } from './asked-values.ts';
import { withValues } from './hot-ranges.ts';
import { runPriced } from './image-pages.ts';
import {
  type Catalog,
  type Draft,
  filterSql,
  hasConditions,
  type ImageScope,
  newDraft,
  sizesOf,
} from './image-scope.ts';
import { sharedWith, visibleSql } from './image-visible.ts';
import { shareOfNames } from './image-walks.ts';
import { imageCost } from './image-way.ts';
import { gramsOf, markedSql, meetingOf } from './marks.ts';
import { hasPatterns } from './patterns.ts';
import { counted, findTerms } from './term-groups.ts';
import { countListed, countWithValues } from './value-counts.ts';

/** Exact number of images in the scope. @throws TooCostlyError, TimeoutError */
export async function countImages(catalog: Catalog, asked: ImageScope): Promise<number> {
  if (!hasConditions(asked)) return countListed(catalog, asked);
  const scope = await withValues(catalog, asked);
  return (await countByValues(catalog, scope)) ?? total(catalog, scope, 'count(*)');
}

/** Null: that is not what is asked, or the images themselves are looked at sooner than what is shared with the caller. */
async function countByValues(catalog: Catalog, scope: ImageScope): Promise<number | null> {
  const values = askedValues(scope.filters);
  if (values === null || (sharedWith(scope) !== null && (await matchesFew(catalog, scope)))) return null;
  try {
    return await countWithValues(catalog, scope, values);
  } catch (error) {
    if (error instanceof TooCostlyError) return null;
    throw error;
  }
}

/** So many images that an index finds are as quick as what is shared with a project, and the statement's price. */
const matchesPerFew = 3;

async function matchesFew(catalog: Catalog, scope: ImageScope): Promise<boolean> {
  const found = await counted(catalog.db, await findTerms(catalog.db, scope.filters));
  const meeting = meetingOf(scope, found);
  return meeting !== null && meeting.matches < sizesOf(catalog).fewRows * matchesPerFew;
}

/** Sum of size over the scope, bytes. @throws TooCostlyError, TimeoutError */
export function sumImageSizes(catalog: Catalog, scope: ImageScope): Promise<number> {
  return total(catalog, scope, 'coalesce(sum(i.size), 0)');
}

async function total(catalog: Catalog, asked: ImageScope, sql: string): Promise<number> {
  const { scope, draft, from, cost } = await matchesOf(catalog, asked);
  const statement = { text: `select ${sql}::float8 as n from ${from}`, values: draft.params.values, cost };
  const [row] = await runPriced<{ n: number }>(catalog, scope, statement);
  return row?.n ?? 0;
}

/** All images that match, as the beginning of a statement. */
export interface Matches {
  scope: ImageScope;
  draft: Draft;
  /** images i, and which of them. */
  from: string;
  /** What it costs to look at them, in units of PostgreSQL's planner; null: the planner is to say it. */
  cost: number | null;
}

/** By their marks where they are few, otherwise as the planner likes. */
export async function matchesOf(catalog: Catalog, asked: ImageScope): Promise<Matches> {
  const scope = await withValues(catalog, asked);
  const found = await counted(catalog.db, await findTerms(catalog.db, scope.filters));
  const isNamed = gramsOf(scope.filters).length > 0 && !hasPatterns(scope.filters);
  const ofNames = isNamed ? await shareOfNames(catalog, scope) : 1;
  const meeting = meetingOf(scope, found, { ofNames });
  const cost = meeting ? meeting.matches * imageCost : Number.POSITIVE_INFINITY;
  const draft = newDraft(catalog, scope);
  const whereSql = (which: ImageScope) =>
    `(${visibleSql(scope, draft.params)}) and (${filterSql(which, draft)})`;
  if (!meeting || cost > catalog.search.costMax)
    return { scope, draft, from: `images i where ${whereSql(scope)}`, cost: null };
  const where = whereSql({ ...scope, filters: scope.filters.map(withoutIndexes) });
  return { scope, draft, from: `${markedSql(meeting.groups, scope, draft.params)} where ${where}`, cost };
}

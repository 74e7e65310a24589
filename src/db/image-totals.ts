/** Questions about all images of a scope: how many, how large, which values they have. Exact, or refused. */

import { runPriced } from './image-pages.ts';
import {
  type Catalog,
  type Draft,
  filterSql,
  hasConditions,
  type ImageScope,
  newDraft,
} from './image-scope.ts';
import { visiblePieces, visibleSql } from './image-visible.ts';
import { findTermGroups } from './term-groups.ts';
import { candidatesSql } from './term-walks.ts';

/** Exact number of images in the scope. @throws TooCostlyError, TimeoutError */
export async function countImages(catalog: Catalog, scope: ImageScope): Promise<number> {
  const draft = newDraft(catalog, scope);
  // Each piece is counted by an index of its own.
  const text = hasConditions(scope)
    ? `select count(*)::float8 as n from ${await matchesSql(catalog, scope, draft)}`
    : `select ${
        visiblePieces(scope, draft.params)
          .map((piece) => `(select count(*) from images i where ${piece})`)
          .join(' + ') || '0'
      }::float8 as n`;
  const [row] = await runPriced<{ n: number }>(catalog, scope, { text, values: draft.params.values });
  return row?.n ?? 0;
}

/** Sum of size over the scope, bytes. @throws TooCostlyError, TimeoutError */
export async function sumImageSizes(catalog: Catalog, scope: ImageScope): Promise<number> {
  const draft = newDraft(catalog, scope);
  const text = `select coalesce(sum(i.size), 0)::float8 as n from ${await matchesSql(catalog, scope, draft)}`;
  const [row] = await runPriced<{ n: number }>(catalog, scope, { text, values: draft.params.values });
  return row?.n ?? 0;
}

/** More candidates of a term are better found by the other indexes. */
const candidatesMax = 5_000;

/** From and where of all that match: by the candidates of a term where they are few, otherwise as the planner likes. */
export async function matchesSql(catalog: Catalog, scope: ImageScope, draft: Draft): Promise<string> {
  const where = `(${visibleSql(scope, draft.params)}) and (${filterSql(scope, draft)})`;
  const isHot = (name: string) => catalog.search.hot.has(name);
  const [shortest] = await findTermGroups(catalog.db, scope.filters, { isHot, max: candidatesMax });
  if (!shortest || shortest.count >= candidatesMax) return `images i where ${where}`;
  return `${candidatesSql(shortest.terms, scope, draft)} where ${where}`;
}

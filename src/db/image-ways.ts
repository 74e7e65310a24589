/**
 * The ways to a page of images. Which is the quickest hangs on how many images match and where they stand in the
 * list, and no estimate of that is good for values that go together. So a search begins with a short walk where a
 * page may be found at once, and only then takes the way that is sure to end:
 *
 *   few       a term of the filter has few rows: look at them all
 *   newest    follow the rows of the shortest term in the order of time, for a while
 *   walk      follow the index that has the list's order, for a while; to the end where nothing is asked
 *   estimated the planner knows how common the values are, and chooses
 *   all       find all that match by whatever index there is, and sort them
 */
import { isEstimable, noProperties } from './estimable.ts';
import { type Catalog, hasConditions, type ImageScope, newDraft } from './image-scope.ts';
import { hasPieces, isByTime, isIndexed, walkForAWhile, walkToTheEnd } from './image-walks.ts';
import { noWay, type PageWanted, sorted, type Way, type WayMaker } from './image-way.ts';
import { findTermGroups } from './term-groups.ts';
import { few, isMergeable, newest } from './term-walks.ts';

/** All rows of a term with fewer of them are looked at. */
const fewRows = 1_000;
/** And of one with fewer of these, where another term can be asked for. */
const probedRows = 5_000;
/** And where most are passed because the caller does not see them. */
const passedRows = 20_000;

/** In the order in which they are to be tried; the last is final. */
export async function* waysTo(catalog: Catalog, scope: ImageScope, page: PageWanted): AsyncGenerator<Way> {
  const way = (make: WayMaker) => make(catalog, scope, page);
  const isWalkable = isIndexed(catalog, page.order);
  if (!hasConditions(scope)) {
    if (isWalkable && !scope.caller.isAdmin) yield way(walkForAWhile);
    yield way(isWalkable && hasPieces(scope, page.order) ? walkToTheEnd : all);
    return;
  }
  if (isWalkable && isEstimable(scope.filters, scope.caller.isAdmin ? catalog.search.hot : noProperties)) {
    yield way(estimated);
    return;
  }
  const isHot = (name: string) => catalog.search.hot.has(name);
  const max = scope.caller.isAdmin ? probedRows : passedRows;
  const [shortest, ...others] = await findTermGroups(catalog.db, scope.filters, { isHot, max });
  if (shortest?.terms.length === 0) {
    yield noWay;
    return;
  }
  if (shortest && isMergeable(shortest, scope) && isByTime(page.order)) {
    // Rows without the other terms are passed in the index, and those of images that the caller does not see.
    const isNarrowed = others.length > 0 || !scope.caller.isAdmin;
    const toTheEnd = shortest.count <= fewRows || (isNarrowed && shortest.count < max);
    yield way(newest(shortest, others, { toTheEnd }));
    if (toTheEnd) return;
  } else if (shortest && shortest.count <= fewRows) {
    yield way(few(shortest));
    return;
  } else if (isWalkable) {
    yield way(walkForAWhile);
  }
  yield way(all);
}

const estimated: WayMaker = (catalog, scope, page) => {
  const draft = newDraft(catalog, scope);
  const { columns, where, tail } = sorted(scope, page, draft);
  const text = `select ${columns} from images i where ${where} ${tail}`;
  return { text, values: draft.params.values, isFinal: true, isPriced: false, isPrepared: false };
};

/** Its fence keeps the planner from hoping to find a page early along the order. */
const all: WayMaker = (catalog, scope, page) => {
  const draft = newDraft(catalog, scope);
  const { columns, where, tail } = sorted(scope, page, draft);
  const text = `select ${columns} from (select i.* from images i where ${where} offset 0) i ${tail}`;
  return { text, values: draft.params.values, isFinal: true, isPriced: true, isPrepared: false };
};

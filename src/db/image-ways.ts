/**
 * The ways to a page of images. Which is the quickest hangs on how many images match and where they stand in the
 * list, and no estimate of that is good for values that go together. So a search begins with a short walk where a
 * page may be found at once, and only then takes the way that is sure to end:
 *
 *   newest    follow the rows of a rare term in the order of time: for a while, or all when they are few
 *   values    follow the values of a hot property in their order, where the caller does not see all
 *   walk      follow the index that has the list's order, for a while; to the end where nothing is asked
 *   estimated the planner knows how common the values are, and chooses
 *   begun     the index of names knows which begin so, and who sees them: look at them all
 *   marked    the index of marks knows which images may match: sort them
 *   all       find all that match by whatever index there is, and sort them
 */
import { isEstimable, noProperties } from './estimable.ts';
import { withValues } from './hot-ranges.ts';
import { type Catalog, hasConditions, type ImageScope, newDraft, sizesOf } from './image-scope.ts';
import { hasPieces, isByTime, isIndexed, walkForAWhile, walkToTheEnd } from './image-walks.ts';
import { noWay, type PageWanted, sorted, type Way, type WayMaker } from './image-way.ts';
import { gramsOf, marked, meetingOf } from './marks.ts';
import { begun, hasBeginning } from './name-range.ts';
import type { Term } from './term-counts.ts';
import { counted, findTerms, isOneTerm, type TermGroup } from './term-groups.ts';
import { isMergeable } from './term-lists.ts';
import { newest } from './term-walks.ts';
import { isAlongValues, walkValues } from './value-walks.ts';
import { isFoundAlong, isNarrow, isNear, isSooner, rowsToFill } from './way-odds.ts';

/** So many times as many rows are few, where most are of images that the caller does not see. */
const unseenPerFew = 10;
/** Where a page is expected among so small a part of many rows, not all are read for it. */
const smallPart = 1 / 4;
/** More matches than this are better left to the planner. */
const markedMax = 20_000;

type Ways = AsyncGenerator<Way, void, undefined>;

/** In the order in which they are to be tried; the last is final. */
export async function* waysTo(catalog: Catalog, asked: ImageScope, page: PageWanted): Ways {
  const isWalkable = isIndexed(catalog, page.order);
  if (!hasConditions(asked)) {
    if (isAlongValues(catalog, asked, page)) yield walkValues(catalog, asked, page);
    if (isWalkable && asked.sight !== 'all') yield walkForAWhile(catalog, asked, page);
    const hasWalk = isWalkable && hasPieces(asked, page.order);
    yield hasWalk ? walkToTheEnd(catalog, asked, page) : all(catalog, asked, page);
    return;
  }
  const isNamed = gramsOf(asked.filters).length > 0;
  if (isWalkable && isEstimable(asked.filters, noProperties) && (asked.sight === 'all' || !isNamed)) {
    yield estimated(catalog, asked, page);
    return;
  }
  const scope = await withValues(catalog, asked);
  const terms = await findTerms(catalog.db, scope.filters);
  if (terms.some((group) => group.length === 0)) {
    yield noWay;
  } else if (isWalkable && scope.sight === 'all' && isEstimable(scope.filters, catalog.search.hot)) {
    yield estimated(catalog, scope, page);
  } else {
    yield* waysByTerms(catalog, { scope, page, terms });
  }
}

/** Nothing is asked besides a group. */
const onlyGroup = { groups: [], images: 0, seeks: false };

interface Asked {
  scope: ImageScope;
  page: PageWanted;
  terms: readonly Term[][];
}

async function* waysByTerms(catalog: Catalog, { scope, page, terms }: Asked): Ways {
  const way = (make: WayMaker) => make(catalog, scope, page);
  const seesAll = scope.sight === 'all';
  const [only] = terms;
  if (only && seesAll && isByTime(page.order) && isMergeable(only) && isOneTerm(scope.filters)) {
    // How many there are makes no difference: nearly every row is one of the page.
    yield way(newest({ terms: only, count: 0 }, onlyGroup, { expected: 0, isWhole: true }));
    return;
  }
  const found = await counted(catalog.db, terms);
  const odds = { scope, page, found };
  const meeting = meetingOf(scope, found);
  const [shortest] = found.groups;
  const leader = shortest && isByTime(page.order) ? leaderOf(shortest, found.groups) : null;
  const expected = leader ? rowsToFill(leader, odds) : 0;
  const isWalkSooner = leader !== null && isSooner(expected, leader, odds);
  if (meeting && isNarrow(meeting, odds) && !isWalkSooner) {
    yield way(marked(meeting));
    return;
  }
  let hasWalked = false;
  if (leader) {
    const { fewRows, fewExpected } = sizesOf(catalog);
    const few = fewRows * (seesAll ? 1 : unseenPerFew);
    if (leader === shortest && shortest.count < few && isMergeable(shortest.terms)) {
      if (isWalkSooner && expected > fewExpected && expected < shortest.count * smallPart)
        yield way(newest(shortest, found, { expected, isWhole: false }));
      yield way(newest(shortest, found, { expected, isWhole: true }));
      return;
    }
    hasWalked = isNear(expected, leader, odds);
    if (hasWalked) yield way(newest(leader, found, { expected, isWhole: false }));
  }
  if (!hasWalked && isIndexed(catalog, page.order) && (await isFoundAlong(catalog, odds))) {
    yield way(walkForAWhile);
    hasWalked = true;
  }
  if (!shortest && !hasWalked && !seesAll && hasBeginning(scope.filters)) {
    yield way(begun);
    return;
  }
  const last = hasWalked ? meetingOf(scope, found, { hasWalked }) : meeting;
  yield way(last && last.matches <= markedMax ? marked(last) : all);
}

/** The shortest group whose lists can be merged as they are read, or else the shortest. */
const leaderOf = (shortest: TermGroup, groups: readonly TermGroup[]) =>
  groups.find(({ terms }) => isMergeable(terms)) ?? shortest;

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

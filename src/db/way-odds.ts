/** What is to be expected of a way before it is taken, if values were independent of each other. */
import type { Catalog, ImageScope } from './image-scope.ts';
import { isByTime, readRows, seenRows, shareOfNames, walkEntries } from './image-walks.ts';
import type { PageWanted } from './image-way.ts';
import { gramsOf, imagesPerVisible, type Meeting } from './marks.ts';
import { hasPatterns } from './patterns.ts';
import { hasPhrases, type TermGroup, type TermGroups } from './term-groups.ts';
import { isMergeable } from './term-lists.ts';
import { expectedMax, soughtWith } from './term-walks.ts';

/** Who does not see all is thought to see one image in so many. */
const imagesPerSeen = 40;
/** So few are sorted at once. */
const narrowMax = 500;
/** When they are few among the rows of the shortest term. */
const narrowing = 8;
/** Words of a phrase are on so many images for one that has the phrase. */
const phraseShare = 1 / 3;
/** To look through a row of a walk takes as long as to pass so many entries of a mark; and an image so many rows. */
const entriesPerRow = 40;
const rowsPerMatch = 5;
/** As many rows takes one that is asked by itself for another term. */
const rowsPerAsked = 4;
/** To read the beginnings of a term's lists for who does not see all takes as long as to look at so many images. */
const imagesPerList = 20;

/** What is asked, and the terms in it. */
export interface Odds {
  scope: ImageScope;
  page: PageWanted;
  found: TermGroups;
}

/** Whether so few are left where the marks meet that nothing else need be tried. */
export function isNarrow({ groups, matches }: Meeting, { scope, found }: Odds): boolean {
  const rows = found.groups[0]?.count ?? 0;
  const seen = scope.sight === 'all' ? rows : rows / imagesPerVisible;
  return groups.length > 1 && matches <= narrowMax && matches < seen / narrowing;
}

const shareOf = (groups: readonly TermGroup[], images: number) =>
  groups.reduce((product, { count }) => product * Math.min(1, count / images), 1);

/** Rows along a group until a page is full, about. */
export function rowsToFill(leader: TermGroup, { scope, page, found }: Odds): number {
  const others = found.groups.filter((group) => group !== leader);
  const share = shareOf(others, found.images) * (hasPhrases(scope.filters) ? phraseShare : 1);
  return page.limit / share;
}

/** Whether so many rows are few enough for a walk that may be in vain. */
export function isNear(rows: number, leader: TermGroup, odds: Odds): boolean {
  if (isMergeable(leader.terms)) return isSooner(rows, leader, odds);
  return rows < 2 * odds.page.limit && isShort(leader, odds);
}

/** Whether so many rows are sooner looked through than all terms meet in the index of marks, and the images after it. */
export function isSooner(rows: number, leader: TermGroup, { found }: Odds): boolean {
  const { groups, images } = found;
  const walked = soughtWith(leader, found) ? rows : rows * rowsPerAsked;
  const entries = groups.reduce((sum, { count }) => sum + (count < images / 2 ? count : 0), 0);
  const matches = images * shareOf(groups, images);
  const sooner = entries / entriesPerRow + matches * rowsPerMatch;
  return isMergeable(leader.terms) && walked <= Math.min(expectedMax, sooner);
}

/** Whether the beginnings of many lists are sooner read than the images that stand in the order of the list. */
function isShort({ terms, count }: TermGroup, { scope, page, found }: Odds): boolean {
  if (scope.sight === 'all') return count <= found.images / imagesPerSeen;
  return terms.length * imagesPerList <= (page.limit * found.images) / count;
}

/** Whether a page may be found along the order. What part of the names fits is seen on the newest ones. */
export async function isFoundAlong(catalog: Catalog, { scope, page, found }: Odds): Promise<boolean> {
  // To compare with a regular expression may take any time, and has its turn with the walk.
  if (hasPatterns(scope.filters)) return true;
  const ofTerms = shareOf(found.groups, found.images);
  const ofNames = gramsOf(scope.filters).length > 0 ? await shareOfNames(catalog, scope) : 1;
  const rows = page.limit / ofTerms / ofNames;
  if (scope.sight === 'all') return rows <= (ofNames < 1 ? walkEntries : readRows) / 2;
  if (isByTime(page.order)) return rows <= seenRows(scope) / 2;
  return rows * imagesPerSeen <= walkEntries;
}

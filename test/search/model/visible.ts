/** Which images a list shows to whom, as the description of `images` in the contract says. */
import { type ModelCaller, type ModelImage, membershipOf } from './catalog.ts';
import { type Filter, matches } from './filter.ts';

export type Include = 'COMMUNITY' | 'PENDING_SHARES' | 'REJECTED_SHARES' | 'HIDDEN';

export function visible(image: ModelImage, caller: ModelCaller, includes: ReadonlySet<Include>): boolean {
  if (caller.isAnonymous) return false;
  if (image.hidden && !includes.has('HIDDEN')) return false;
  if (caller.isAdmin) return true;
  if (caller.project !== null && image.owner === caller.project) return true;
  if (image.visibility === 'PUBLIC') return true;
  if (image.visibility === 'COMMUNITY') return includes.has('COMMUNITY');
  switch (membershipOf(image, caller.project)) {
    case 'ACCEPTED':
      return true;
    case 'PENDING':
      return includes.has('PENDING_SHARES');
    case 'REJECTED':
      return includes.has('REJECTED_SHARES');
    default:
      return false;
  }
}

/** What a filter asks to see: a condition at its top, or in its `and`, that names it. */
export function impliedBy(where: Filter, caller: ModelCaller): Set<Include> {
  const found = new Set<Include>();
  for (const { visibility, hidden, sharedWith } of [where, ...(where.and ?? [])]) {
    if (visibility?.eq === 'COMMUNITY' || visibility?.in?.includes('COMMUNITY')) found.add('COMMUNITY');
    if (hidden === true) found.add('HIDDEN');
    const isOwn = sharedWith && (sharedWith.project ?? caller.project) === caller.project;
    if (isOwn && sharedWith.status === 'PENDING') found.add('PENDING_SHARES');
    if (isOwn && sharedWith.status === 'REJECTED') found.add('REJECTED_SHARES');
  }
  return found;
}

/** What images() is asked, and by whom. */
export interface Asked {
  caller: ModelCaller;
  where: Filter;
  include: readonly Include[];
}

/** The images of the catalog that can be in the list at all. */
export function shownTo(catalog: readonly ModelImage[], { caller, where, include }: Asked): ModelImage[] {
  const includes = new Set([...impliedBy(where, caller), ...include]);
  return catalog.filter((image) => visible(image, caller, includes));
}

/** The images of the catalog that the list has, in no order. */
export function found(catalog: readonly ModelImage[], asked: Asked): ModelImage[] {
  return shownTo(catalog, asked).filter((image) => matches(image, asked.where, asked.caller));
}

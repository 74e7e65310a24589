/** What is asked of the catalog, as every question about lists of images has it: the caller, filters, a search. */
import type { ImageScope } from '../db/image-scope.ts';
import { whoWaits } from '../db/image-visible.ts';
import { checkPatterns } from '../db/patterns.ts';
import type { Caller, RobotView } from '../domain/caller.ts';
import { TimeoutError, UnavailableError, ValidationError } from '../domain/errors.ts';
import { membersKnownTo, sightOf } from '../domain/policy.ts';
import { type HiddenProperties, seenFilter } from '../search/hidden-properties.ts';
import { type ImageFilter, type ImageInclude, impliedIncludes } from '../search/image-filter.ts';
import type { ImageOrder } from '../search/image-order.ts';
import { BadSearchError, requireSearch } from '../search/language/bad-search.ts';
import { parseSearch, type SearchParse, searchIssueOf } from '../search/language/parse.ts';
import type { TypeOf } from '../search/language/reading.ts';
import { tokenFilter } from '../search/token-filter.ts';
import type { App } from './app.ts';
import { requireToken } from './require-image.ts';

export interface AskedImages {
  where: ImageFilter;
  /** In the search language; what it says must hold too. */
  search?: string | null;
  include: readonly ImageInclude[];
}

/**
 * Which images that is, and the order that the search asks for: empty when it does not.
 *
 * @throws BadSearchError   the search does not say anything, and where
 * @throws ValidationError  a regular expression is none
 */
export async function askedScope(
  app: App,
  caller: Caller,
  asked: AskedImages,
): Promise<{ scope: ImageScope; orderBy: readonly ImageOrder[] }> {
  requireToken(caller);
  const search = asked.search == null ? null : await readSearch(app, caller, asked.search);
  await checkPatterns(app.db, whoWaits(caller), asked.where);
  if (search) await checkSearchPatterns(app, caller, search.where);
  const filters = search ? [asked.where, search.where] : [asked.where];
  const includes = new Set([
    ...asked.include,
    ...filters.flatMap((filter) => [...impliedIncludes(filter, caller.project)]),
  ]);
  return { scope: imageScope(app, caller, { filters, includes }), orderBy: search?.orderBy ?? [] };
}

/**
 * What the caller may list, narrowed by what their token is for and by filters of their words: as every question about
 * lists begins.
 */
export function imageScope(
  app: App,
  caller: Caller,
  { filters, includes }: Pick<ImageScope, 'filters' | 'includes'>,
): ImageScope {
  const hidden = hiddenFrom(app, caller);
  const narrowed = tokenFilter(caller);
  const seen = filters.map((filter) => seenFilter(filter, hidden));
  return {
    caller,
    sight: sightOf(app.policy, caller),
    membersKnown: membersKnownTo(app.policy, caller),
    includes,
    // What a token is for was seen by who made it, and is not asked by who holds it.
    filters: narrowed ? [narrowed, ...seen] : seen,
    hidden,
  };
}

/** The same for single images, as far as it hangs on the roles (`db/token-filter`). */
export function robotView(app: App, caller: Caller): RobotView {
  const { hidden, membersKnown } = imageScope(app, caller, { filters: [], includes: new Set() });
  return { describing: hidden?.describing ?? null, membersKnown };
}

/** Null: nothing is hidden from anybody. */
export function hiddenFrom({ protection, search }: App, caller: Caller): HiddenProperties | null {
  if (protection === null) return null;
  const has = (name: string) => !protection.may(caller, 'read', name);
  return { has, describing: search.describing.filter((name) => !has(name)) };
}

async function readSearch(app: App, caller: Caller, search: string) {
  return requireSearch(search, app.now(), await typesOf(app, caller, search));
}

/** What the properties that a search names are, by their definitions. */
async function typesOf(app: App, caller: Caller, search: string): Promise<TypeOf | undefined> {
  if (!search.includes(':')) return undefined;
  const vocabulary = await app.metadefs.vocabulary.read();
  return (name) => vocabulary.find(caller, name)?.property.type ?? null;
}

async function checkSearchPatterns(app: App, caller: Caller, where: ImageFilter): Promise<void> {
  try {
    await checkPatterns(app.db, whoWaits(caller), where);
  } catch (error) {
    throw error instanceof ValidationError ? new BadSearchError([searchIssueOf(error, where)]) : error;
  }
}

/**
 * What a search stands for, or what is wrong with it. Who has no token is not told what PostgreSQL thinks of the
 * regular expressions: asking it costs.
 */
export async function explainSearch(app: App, caller: Caller, search: string): Promise<SearchParse> {
  const parse = parseSearch(search, app.now(), await typesOf(app, caller, search));
  if (!parse.ok || caller.isAnonymous) return parse;
  try {
    await checkSearchPatterns(app, caller, parse.where);
    return parse;
  } catch (error) {
    if (error instanceof BadSearchError) return { ok: false, errors: [...error.errors] };
    if (!(error instanceof TimeoutError || error instanceof UnavailableError)) throw error;
    const message =
      'Its regular expressions could not be read in the time there is; simplify them, or try again.';
    return { ok: false, errors: [{ message, offset: 0, length: search.length }] };
  }
}

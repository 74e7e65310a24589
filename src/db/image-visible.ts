/**
 * Which images a list may hold for a caller, as SQL. What one image by id may be seen by is `domain/policy.ts`:
 * the two are the same rule but for what a list leaves out, and a test holds them against each other.
 */
import type { Caller } from '../domain/caller.ts';
import type { MemberStatus } from '../domain/image.ts';
import type { Sight } from '../domain/policy.ts';
import type { ImageInclude } from '../search/image-filter.ts';
import type { Params } from './params.ts';

/** Who asks, and for what besides the normal list. */
export interface Viewpoint {
  caller: Caller;
  /** Which images the policy shows them. */
  sight: Sight;
  includes: ReadonlySet<ImageInclude>;
}

/** Who costly statements are done for, one or two at a time: a project waits for itself. */
export const whoWaits = ({ project, user }: Caller) => project ?? user ?? '';

/**
 * The condition on `images i`: who sees all everything; others their project's images, public ones, those shared
 * with their project and accepted, and what `includes` adds. Hidden ones only when included.
 */
export const visibleSql = (viewpoint: Viewpoint, params: Params) => anyWaySql(viewpoint, params, sharedSql);

/** The same where few images are looked at: each membership is looked up by itself, not all of them before. */
export const visibleOneSql = (viewpoint: Viewpoint, params: Params) =>
  anyWaySql(viewpoint, params, sharedOneSql);

function anyWaySql(viewpoint: Viewpoint, params: Params, shared: SharedSql): string {
  const shown = shownSql(viewpoint);
  if (viewpoint.sight === 'all') return shown;
  const ways = waysToSee(viewpoint, params, shared).map((way) => `(${way})`);
  return `${shown} and (${ways.join(' or ') || 'false'})`;
}

/** Which shared images the project, as SQL, may see. */
type SharedSql = (viewpoint: Viewpoint, project: string, params: Params) => string;

const sharedSql: SharedSql = (...of) => `i.id in (${sharedIdsSql(...of)})`;

const sharedOneSql: SharedSql = (viewpoint, project, params) =>
  `(select m.status from image_members m where m.image_id = i.id and m.project = ${project})
    = any(${statusesSql(viewpoint, params)})`;

/**
 * The same in pieces, no image in two of them: each is a run of an index that begins with owner or visibility,
 * where the whole is none. Who sees all has one piece.
 */
export function visiblePieces(viewpoint: Viewpoint, params: Params): string[] {
  const { caller, includes } = viewpoint;
  const shown = shownSql(viewpoint);
  if (viewpoint.sight === 'all') return [shown];
  const ways = waysToSee(viewpoint, params);
  if (caller.project === null) return ways.map((way) => `${shown} and ${way}`);
  // The last two are the project's own images, without those of the pieces before, and those of others.
  const shared = ways.pop();
  const own = ways.pop();
  if (own === undefined || shared === undefined) return [];
  const rest = includes.has('COMMUNITY') ? `in ('shared', 'private')` : `<> 'public'`;
  return [
    ...ways.map((way) => `${shown} and ${way}`),
    `${shown} and ${own} and i.visibility ${rest}`,
    `${shown} and ${shared} and i.owner is distinct from ${params.add(caller.project, 'text')}`,
  ];
}

const shownSql = ({ includes }: Viewpoint) => (includes.has('HIDDEN') ? 'true' : 'not i.hidden');

function waysToSee(viewpoint: Viewpoint, params: Params, shared = sharedSql): string[] {
  const { caller, sight, includes } = viewpoint;
  if (sight === 'none') return [];
  const ways = [`i.visibility = 'public'`];
  if (includes.has('COMMUNITY')) ways.push(`i.visibility = 'community'`);
  if (caller.project === null) return ways;
  const project = params.add(caller.project, 'text');
  return [
    ...ways,
    `i.owner = ${project}`,
    `i.visibility = 'shared' and ${shared(viewpoint, project, params)}`,
  ];
}

function sharedIdsSql(viewpoint: Viewpoint, project: string, params: Params): string {
  return `select m.image_id from image_members m
    where m.project = ${project} and m.status = any(${statusesSql(viewpoint, params)})`;
}

function statusesSql({ includes }: Viewpoint, params: Params): string {
  const statuses: MemberStatus[] = ['accepted'];
  if (includes.has('PENDING_SHARES')) statuses.push('pending');
  if (includes.has('REJECTED_SHARES')) statuses.push('rejected');
  return params.add(statuses, 'text[]');
}

/**
 * Which rows of `image_terms t` may be of images that are visible, some that are not among them: it saves looking
 * at most of those. Null for who sees all.
 */
export function audienceSql(viewpoint: Viewpoint, params: Params): string | null {
  const { caller, sight, includes } = viewpoint;
  if (sight === 'all') return null;
  // Public ones and, when included, community ones; then what is the project's own, and what is shared with it.
  const others = `t.audience ${includes.has('COMMUNITY') ? 'between 0 and 65536' : '= 0'}`;
  if (caller.project === null) return others;
  const project = params.add(caller.project, 'text');
  const own = ['private', 'community'].map((visibility) => `vitrine_audience('${visibility}', ${project})`);
  return `(${others} or t.audience in (${own.join(', ')})
    or t.image_id in (${sharedIdsSql(viewpoint, project, params)}))`;
}

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

const sharedOneSql: SharedSql = (viewpoint, project) => isSharedSql('i.id', viewpoint, project);

/** Whether one image is shared, by itself. */
const isSharedSql = (id: string, viewpoint: Viewpoint, project: string) =>
  `(select m.status from image_members m where m.image_id = ${id} and m.project = ${project})
    in (${statusesOf(viewpoint)
      .map((status) => `'${status}'`)
      .join(', ')})`;

/**
 * The same in pieces, no image in two of them: each is a run of an index that begins with owner or visibility,
 * where the whole is none. Who sees all has one piece.
 */
export function visiblePieces(viewpoint: Viewpoint, params: Params): string[] {
  const shared = sharedPiece(viewpoint, params);
  return [...piecesNotShared(viewpoint, params), ...(shared === null ? [] : [shared])];
}

/** What others share with the caller's project; null: there is no such piece. */
export function sharedPiece(viewpoint: Viewpoint, params: Params): string | null {
  const project = sharedWith(viewpoint);
  if (project === null) return null;
  const shared = sharedSql(viewpoint, params.add(project, 'text'), params);
  return `${sharedByOthersSql(viewpoint, project, params)} and ${shared}`;
}

/** A piece that an index has in the order of time: `from` has images i, and time and id are SQL. */
export interface PieceInTime {
  from: string;
  where: string;
  time: string;
  id: string;
}

/** The same pieces, where what is shared comes in the order of time too: along the memberships. */
export function piecesInTime(viewpoint: Viewpoint, params: Params): PieceInTime[] {
  const pieces: PieceInTime[] = piecesNotShared(viewpoint, params).map((where) => ({
    from: 'images i',
    where,
    time: 'i.created_at',
    id: 'i.id',
  }));
  const project = sharedWith(viewpoint);
  if (project === null) return pieces;
  const where = sharedByOthersSql(viewpoint, project, params);
  for (const shares of sharesOf(viewpoint, params.add(project, 'text'))) {
    const from = `${shares} t cross join lateral (select * from images i where i.id = t.image_id offset 0) i`;
    pieces.push({ from, where, time: 't.created_at', id: 't.image_id' });
  }
  return pieces;
}

/** The project whose shares are seen. */
export const sharedWith = ({ caller, sight }: Viewpoint) =>
  sight === 'all' || sight === 'none' ? null : caller.project;

/** The pieces that hang on owner and visibility alone. */
export function piecesNotShared(viewpoint: Viewpoint, params: Params): string[] {
  const { caller, sight, includes } = viewpoint;
  const shown = shownSql(viewpoint);
  if (sight === 'all') return [shown];
  if (sight === 'none') return [];
  const hasCommunity = includes.has('COMMUNITY');
  const pieces = [`i.visibility = 'public'`, ...(hasCommunity ? [`i.visibility = 'community'`] : [])];
  if (caller.project !== null) {
    const rest = hasCommunity ? `in ('shared', 'private')` : `<> 'public'`;
    pieces.push(`i.owner = ${params.add(caller.project, 'text')} and i.visibility ${rest}`);
  }
  return pieces.map((piece) => `${shown} and ${piece}`);
}

const sharedByOthersSql = (viewpoint: Viewpoint, project: string, params: Params) =>
  `${shownSql(viewpoint)} and i.visibility = 'shared' and i.owner is distinct from ${params.add(project, 'text')}`;

const shownSql = ({ includes }: Viewpoint) => (includes.has('HIDDEN') ? 'true' : 'not i.hidden');

function waysToSee(viewpoint: Viewpoint, params: Params, shared: SharedSql): string[] {
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

const statusesSql = (viewpoint: Viewpoint, params: Params) => params.add(statusesOf(viewpoint), 'text[]');

/** Of the memberships that count. */
function statusesOf({ includes }: Viewpoint): MemberStatus[] {
  return [
    'accepted',
    ...(includes.has('PENDING_SHARES') ? (['pending'] as const) : []),
    ...(includes.has('REJECTED_SHARES') ? (['rejected'] as const) : []),
  ];
}

/**
 * Which rows of `image_terms t` may be of images that are visible, some that are not among them: it saves looking
 * at most of those. Null for who sees all.
 */
export function audienceSql(viewpoint: Viewpoint, params: Params): string | null {
  const { caller, sight, includes } = viewpoint;
  if (sight === 'all') return null;
  // Public ones and, when included, community ones; then what is the project's own, and what is shared with it.
  const others = `t.audience ${includes.has('COMMUNITY') ? `between 0 and ${communityMax}` : '= 0'}`;
  if (caller.project === null) return others;
  const project = params.add(caller.project, 'text');
  return `(${others} or t.audience in (${ownAudiences(project).join(', ')})
    or t.image_id in (${sharedIdsSql(viewpoint, project, params)}))`;
}

/** The last of the audiences of community images. */
const communityMax = 65_536;

/** Of images that are not public, and of a project's own: as SQL. */
const ownAudiences = (project: string) =>
  ['private', 'community'].map((visibility) => `vitrine_audience('${visibility}', ${project})`);

/** What a caller lists, in pieces that have the order of time each, and whose images may be visible. */
export interface Audiences {
  /** As SQL: the rows of a term with one of them are a run of image_terms_audience. */
  single: string[];
  /** Conditions on image_terms t that many audiences fulfil: passed on the way along image_terms_newest. */
  passing: string[];
  /** What is shared with the project. */
  shares: {
    /** (created_at, image_id), each a run of image_members_who. */
    rows: string[];
    /** Whether the image of a row t of image_terms is. */
    isShared: string;
  };
}

/** Null: who sees all. */
export function audiencesOf(viewpoint: Viewpoint, params: Params): Audiences | null {
  const { caller, sight, includes } = viewpoint;
  if (sight === 'all') return null;
  const passing = includes.has('COMMUNITY') ? [`t.audience between 1 and ${communityMax}`] : [];
  const ofNobody = { rows: [], isShared: 'false' };
  if (caller.project === null) return { single: ['0'], passing, shares: ofNobody };
  const project = params.add(caller.project, 'text');
  const shares = {
    rows: sharesOf(viewpoint, project),
    isShared: isSharedSql('t.image_id', viewpoint, project),
  };
  return { single: ['0', ...ownAudiences(project)], passing, shares };
}

/** Rows (created_at, image_id) of what is shared with the project, as SQL: each a run of image_members_who. */
const sharesOf = (viewpoint: Viewpoint, project: string) =>
  statusesOf(viewpoint).map(
    (status) => `(select m.image_created_at as created_at, m.image_id from image_members m
      where m.project = ${project} and m.status = '${status}')`,
  );

/** The query of a list of images: into the filter, the order and the place that all doors ask with. */
import type { AskedImages } from '../../actions/asked-images.ts';
import { pageSize } from '../../actions/list-images.ts';
import { imageVisibilities, memberStatuses } from '../../domain/image.ts';
import { sightOf } from '../../domain/policy.ts';
import { checkedFilter } from '../../search/filter-check.ts';
import type { ImageFilter, ImageInclude } from '../../search/image-filter.ts';
import type { ImageOrder } from '../../search/image-order.ts';
import type { Ask } from '../operation.ts';
import { badRequest } from '../problem.ts';
import { lastOf, limitIn } from '../query.ts';
import { fieldFilter } from './list-filters.ts';
import { readOrder } from './list-order.ts';
import { readBoolean } from './list-words.ts';

export interface ListQuery {
  where: AskedImages['where'];
  include: readonly ImageInclude[];
  orderBy: readonly ImageOrder[];
  limit: number;
  /** The id to go on after; null: from the start. */
  marker: string | null;
}

/** Names that are no filters. */
const others = new Set([
  ...['limit', 'marker', 'sort', 'sort_key', 'sort_dir'],
  ...['visibility', 'member_status', 'os_hidden'],
]);

/**
 * Names that are neither these nor fields are custom properties: so is what somebody mistypes, which finds nothing.
 * @throws HttpError 400 a value that is none for its name
 */
export function readListQuery({ app, caller, query }: Pick<Ask, 'app' | 'caller' | 'query'>): ListQuery {
  const { marker, visibility, member_status: memberStatus, os_hidden: hidden } = query;
  if (query['changes-since'] !== undefined) {
    throw badRequest(
      'changes-since is not in this version; filter by updated_at, as in updated_at=gte:2026-01-31.',
    );
  }
  const seen = viewOf(lastOf(visibility), lastOf(memberStatus) ?? 'accepted', {
    project: caller.project,
    seesAll: sightOf(app.policy, caller) === 'all',
  });
  const fields = Object.entries(query)
    .filter(([name]) => !others.has(name))
    .flatMap(([name, value]) => fieldFilter(name, [value].flat()));
  const isHidden = readBoolean('os_hidden', lastOf(hidden) ?? 'false');
  const filters = [...seen.filters, ...fields, ...(isHidden ? [{ hidden: true }] : [])];
  const [only = {}] = filters;
  return {
    where: checkedFilter(filters.length > 1 ? { and: filters } : only, ['query']),
    include: [...seen.include, ...(isHidden ? (['HIDDEN'] as const) : [])],
    orderBy: readOrder(query),
    limit: limitIn(query, pageSize),
    marker: lastOf(marker) ?? null,
  };
}

const visibilities: readonly string[] = [...imageVisibilities, 'all'];
const answers: readonly string[] = [...memberStatuses, 'all'];

/**
 * What is to be seen besides and instead of the normal list. Who sees all, such as an admin, gets all but the community images of others,
 * unless asked for; of what is shared with the caller's project, only what it gave that answer to.
 */
function viewOf(
  visibility: string | undefined,
  memberStatus: string,
  { project, seesAll }: { project: string | null; seesAll: boolean },
): { filters: ImageFilter[]; include: ImageInclude[] } {
  if (visibility !== undefined && !visibilities.includes(visibility)) {
    throw badRequest(`visibility is one of ${visibilities.join(', ')}.`);
  }
  if (!answers.includes(memberStatus)) throw badRequest(`member_status is one of ${answers.join(', ')}.`);
  const own: ImageFilter[] = project === null ? [] : [{ owner: { eq: project } }];
  const filters: ImageFilter[] = [];
  const include: ImageInclude[] = visibility === 'all' ? ['COMMUNITY'] : [];
  if (visibility === undefined) {
    if (seesAll) filters.push({ or: [{ visibility: { ne: 'community' } }, ...own] });
  } else if (visibility !== 'all') filters.push({ visibility: { eq: visibility as 'public' } });
  if (memberStatus === 'accepted' || seesAll) return { filters, include };
  include.push('PENDING_SHARES', 'REJECTED_SHARES');
  if (memberStatus !== 'all') {
    const status = memberStatus as 'pending';
    filters.push({ or: [{ visibility: { ne: 'shared' } }, ...own, { sharedWith: { status } }] });
  }
  return { filters, include };
}

/**
 * Which images a list may hold for a caller, as SQL. What one image by id may be seen by is `domain/policy.ts`:
 * the two are the same rule but for what a list leaves out, and a test holds them against each other.
 */
import { type Caller, hasRole } from '../domain/caller.ts';
import type { MemberStatus } from '../domain/image.ts';
import type { ImageInclude } from '../search/image-filter.ts';
import type { Params } from './params.ts';

/**
 * The condition on `images i`: an admin everything; others their project's images, public ones, those shared
 * with their project and accepted, and what `includes` adds. Hidden ones only when included.
 */
export function visibleSql(caller: Caller, includes: ReadonlySet<ImageInclude>, params: Params): string {
  const shown = includes.has('HIDDEN') ? 'true' : 'not i.hidden';
  if (caller.isAdmin) return shown;
  if (caller.isAnonymous || !hasRole(caller, 'reader')) return 'false';
  const ways = [`i.visibility = 'public'`];
  if (includes.has('COMMUNITY')) ways.push(`i.visibility = 'community'`);
  if (caller.project !== null) {
    const project = params.add(caller.project, 'text');
    const statuses: MemberStatus[] = ['accepted'];
    if (includes.has('PENDING_SHARES')) statuses.push('pending');
    if (includes.has('REJECTED_SHARES')) statuses.push('rejected');
    ways.push(
      `i.owner = ${project}`,
      `i.visibility = 'shared' and i.id in (select m.image_id from image_members m
        where m.project = ${project} and m.status = any(${params.add(statuses, 'text[]')}))`,
    );
  }
  return `${shown} and (${ways.map((way) => `(${way})`).join(' or ')})`;
}

import fc from 'fast-check';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import type { App } from '../../src/actions/app.ts';
import { type Database, openDatabase } from '../../src/db/client.ts';
import { findImagePage } from '../../src/db/image-pages.ts';
import { findImagesById } from '../../src/db/images.ts';
import { anonymous, type Caller, callerWith } from '../../src/domain/caller.ts';
import { canSee, policyWith, sightOf } from '../../src/domain/policy.ts';
import { objects } from '../../src/domain/policy-rules.ts';
import type { ImageInclude } from '../../src/search/image-filter.ts';
import { totalOrder } from '../../src/search/image-order.ts';
import { anImage } from '../support/an-image.ts';
import { aDatabase } from '../support/database.ts';
import { sized } from '../support/size.ts';
import { project, whoseImage } from '../support/whose-images.ts';

let db: Database;
let drop: () => Promise<void>;
beforeAll(async () => {
  const database = await aDatabase(inject('database'));
  drop = database.drop;
  db = openDatabase(database.address);
});
afterAll(async () => {
  await db.close();
  await drop();
});

const image = fc.record(whoseImage);
const caller = fc.oneof(
  {
    weight: 6,
    arbitrary: fc
      .record({
        user: fc.constant('u'),
        project: fc.option(project),
        roles: fc.subarray(['admin', 'member', 'reader', 'auditor', 'guest', 'other']),
      })
      .map(callerWith),
  },
  { weight: 1, arbitrary: fc.constant(anonymous) },
);
/** Auditors see all, guests what readers see; and the rule as it is built in. */
const policies = [
  policyWith({ roles: [], rules: {} }),
  policyWith({
    roles: ['auditor', 'guest'],
    rules: { get_image: { auditor: 'any', guest: objects.image, member: objects.image } },
  }),
];
const seesAll = (who: Caller, n: number) => who.roles.includes(n === 0 ? 'admin' : 'auditor');
const reads = (who: Caller, n: number) =>
  who.roles.some((role) =>
    (n === 0 ? ['admin', 'member', 'reader'] : ['auditor', 'guest', 'admin', 'member']).includes(role),
  );

const includes = fc.subarray<ImageInclude>(['COMMUNITY', 'PENDING_SHARES', 'REJECTED_SHARES', 'HIDDEN']);

/** What a list leaves out of what can be seen by id: written anew, from the contract's words. */
function isListed(
  who: Caller,
  one: { owner: string | null; visibility: string; hidden: boolean; members: Record<string, string> },
  { include, n }: { include: ImageInclude[]; n: number },
): boolean {
  if (!reads(who, n)) return false;
  if (one.hidden && !include.includes('HIDDEN')) return false;
  if (seesAll(who, n)) return true;
  if (who.project !== null && one.owner === who.project) return true;
  if (one.visibility === 'public') return true;
  if (one.visibility === 'community') return include.includes('COMMUNITY');
  const membership =
    one.visibility === 'shared' && who.project !== null ? one.members[who.project] : undefined;
  if (membership === 'pending') return include.includes('PENDING_SHARES');
  if (membership === 'rejected') return include.includes('REJECTED_SHARES');
  return membership === 'accepted';
}

test('who sees an image is the same in SQL, in the policy, overridden or not, and in the words of the contract', async () => {
  const made = fc.sample(image, { numRuns: 80, seed: 7 });
  const ids: string[] = [];
  for (const one of made) ids.push(await anImage({ db } as App, one));
  await fc.assert(
    fc.asyncProperty(caller, includes, fc.nat(1), async (who, include, n) => {
      const policy = policies[n] as (typeof policies)[number];
      const seen = await findImagesById(db, who, ids);
      const visible = new Set(seen.filter((i) => canSee(policy, who, i)).map((i) => i.id));
      const catalog = { db, search: { hot: new Set<string>(), costMax: 1e6 } };
      const scope = {
        caller: who,
        sight: sightOf(policy, who),
        membersKnown: 'none' as const,
        includes: new Set(include),
        filters: [],
        hidden: null,
      };
      const page = {
        fields: ['id' as const],
        order: totalOrder([], { hasWords: false }),
        limit: 1000,
        from: null,
        backward: false,
      };
      const listed = new Set((await findImagePage(catalog, scope, page)).images.map((i) => i.id));
      for (const [i, one] of made.entries()) {
        const id = ids[i] ?? '';
        const expected = visible.has(id) && isListed(who, one, { include, n });
        expect(listed.has(id), JSON.stringify({ who, one, include, n })).toBe(expected);
      }
      if (include.length === 4 && !who.isAnonymous) {
        // By id nothing more is seen than a list can be made to show, but for old images without an owner.
        const byIdOnly = made.filter(
          (one, i) => visible.has(ids[i] ?? '') && !listed.has(ids[i] ?? '') && one.owner !== null,
        );
        expect(byIdOnly).toEqual([]);
      }
    }),
    { numRuns: sized({ quick: 60, ci: 200, full: 1_000 }) },
  );
});

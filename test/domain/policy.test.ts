import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { anonymous, type Caller, callerWith, callerWithGrant } from '../../src/domain/caller.ts';
import { imageStatuses, imageVisibilities, memberStatuses } from '../../src/domain/image.ts';
import {
  builtInPolicy,
  canSee,
  canSeeTask,
  capabilities,
  type ImageOperation,
  mayAnswerFor,
  mayCreate,
  mayDo,
  mayManageMetadefs,
  membersKnownTo,
  type PolicyTarget,
  policyWith,
  ruleOfOperation,
  sightOf,
} from '../../src/domain/policy.ts';
import { objects } from '../../src/domain/policy-rules.ts';
import { byHand, sees } from '../support/isolation/oracle.ts';
import { everybody, type Thing, type Who } from '../support/isolation/world.ts';

const operations = Object.keys(ruleOfOperation) as ImageOperation[];

const callerOf = ({ project, role }: Who): Caller =>
  role === null ? anonymous : callerWith({ user: 'u', project, roles: [role] });

const id = '0f6e2a0e-3c1f-4f0e-9d55-2f5b2c1f8a11';

/** Every image there can be to a caller, as the oracle and as the policy look at it. */
function* images(who: Who): Generator<{ thing: Thing; target: PolicyTarget }> {
  for (const owner of ['blue', null]) {
    for (const visibility of imageVisibilities) {
      for (const status of imageStatuses) {
        for (const membership of [null, ...memberStatuses]) {
          const members = membership !== null && who.project !== null ? { [who.project]: membership } : {};
          const facts = { owner, visibility, members, deactivated: status === 'deactivated', hidden: false };
          yield {
            thing: { ...facts, is: 'image', name: '', id, task: '', token: '', namespace: '' },
            target: {
              id,
              owner,
              visibility,
              status,
              protected: false,
              membership: members[who.project ?? ''] ?? null,
            },
          };
        }
      }
    }
  }
}

test('the table says what was written down by hand, for everybody, every image and every operation', () => {
  let cells = 0;
  const wrong: string[] = [];
  for (const who of everybody) {
    const caller = callerOf(who);
    for (const { thing, target } of images(who)) {
      const cell = (operation: string) => `${who.name} ${operation} ${JSON.stringify(thing)}`;
      if (canSee(builtInPolicy, caller, target) !== sees(who, thing)) wrong.push(cell('get'));
      if (!sees(who, thing)) continue;
      for (const operation of operations) {
        // The oracle's is of a change, and what is public already is none.
        if (operation === 'publish' && thing.visibility === 'public') continue;
        const may = byHand(who, ruleOfOperation[operation], thing) === 'through';
        if (mayDo(builtInPolicy, caller, operation, target) !== may) wrong.push(cell(operation));
        cells++;
      }
    }
  }
  expect(wrong).toEqual([]);
  expect(cells).toBeGreaterThan(5_000);
});

const image = (facts: Partial<PolicyTarget> = {}): PolicyTarget => ({
  id,
  owner: 'blue',
  visibility: 'private',
  status: 'active',
  protected: false,
  membership: null,
  ...facts,
});
const red = (...roles: string[]) => callerWith({ user: 'u', project: 'red', roles });
const blue = (...roles: string[]) => callerWith({ user: 'u', project: 'blue', roles });

test('a rule that is overridden counts as a whole, and all others stay', () => {
  const policy = policyWith({
    roles: ['auditor', 'publisher'],
    rules: {
      get_image: { admin: 'any', auditor: 'any', reader: objects.image },
      publicize_image: { publisher: ['owner'] },
      download_image: { member: ['owner', 'public'] },
      deactivate: {},
    },
  });
  expect(sightOf(policy, red('auditor'))).toBe('all');
  expect(canSee(policy, red('auditor'), image())).toBe(true);
  expect(canSee(builtInPolicy, red('auditor'), image())).toBe(false);
  expect(mayDo(policy, red('auditor'), 'download', image())).toBe(false);
  expect(mayDo(policy, blue('publisher', 'member'), 'publish', image())).toBe(true);
  expect(mayDo(policy, red('publisher', 'member'), 'publish', image({ visibility: 'community' }))).toBe(
    false,
  );
  expect(mayDo(policy, red('admin'), 'publish', image())).toBe(false);
  // An admin has what a member has.
  expect(mayDo(policy, blue('admin'), 'download', image())).toBe(true);
  expect(mayDo(policy, red('admin'), 'download', image())).toBe(false);
  expect(mayDo(policy, red('member'), 'download', image({ visibility: 'public' }))).toBe(true);
  for (const roles of [['admin'], ['member'], ['publisher']])
    expect(mayDo(policy, blue(...roles), 'deactivate', image())).toBe(false);
  expect(mayDo(policy, blue('member'), 'reactivate', image())).toBe(true);
  expect(capabilities(policy, blue('member', 'publisher'), image())).toMatchObject({
    publish: true,
    deactivate: false,
  });
});

test('roles that nobody declared count for nothing, whatever they are called', () => {
  for (const role of ['auditor', '__proto__', 'constructor', 'toString', 'any', '']) {
    expect(sightOf(builtInPolicy, blue(role)), role).toBe('none');
    expect(mayCreate(builtInPolicy, blue(role), 'blue')).toBe(false);
    expect(mayManageMetadefs(builtInPolicy, blue(role))).toBe(false);
  }
});

test('a signed link is good for one image and one thing, and its bearer has no role', () => {
  const bearer = callerWithGrant(id, 'download');
  expect(operations.filter((one) => mayDo(builtInPolicy, bearer, one, image()))).toEqual(['get', 'download']);
  expect(mayDo(builtInPolicy, bearer, 'download', image({ status: 'deactivated' }))).toBe(false);
  expect(mayDo(builtInPolicy, bearer, 'download', image({ id: id.replace('0', '1') }))).toBe(false);
  expect(sightOf(builtInPolicy, bearer)).toBe('none');
  expect(canSeeTask(builtInPolicy, bearer, { owner: null })).toBe(false);
});

test('who has no project owns nothing, not even what nobody owns', () => {
  const nowhere = callerWith({ user: 'u', project: null, roles: ['member'] });
  expect(mayDo(builtInPolicy, nowhere, 'update', image({ owner: null }))).toBe(false);
  expect(mayCreate(builtInPolicy, nowhere, null)).toBe(false);
  expect(canSeeTask(builtInPolicy, nowhere, { owner: null })).toBe(false);
});

test('shares are answered for oneself, and known to their owner', () => {
  expect(mayAnswerFor(builtInPolicy, red('member'), 'red')).toBe(true);
  expect(mayAnswerFor(builtInPolicy, red('member'), 'green')).toBe(false);
  expect(mayAnswerFor(builtInPolicy, red('admin'), 'green')).toBe(true);
  expect(membersKnownTo(builtInPolicy, red('admin'))).toBe('all');
  expect(membersKnownTo(builtInPolicy, red('reader'))).toBe('own');
  expect(membersKnownTo(builtInPolicy, red('service'))).toBe('none');
});

test('docs/policy.md is printed from the table', () => {
  execFileSync(process.execPath, [join(import.meta.dirname, '../../docs/print.ts')]);
});

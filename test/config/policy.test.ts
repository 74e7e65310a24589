/** The sections `policy` and `propertyProtection`: what they may say, and what keeps the service from starting. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { objects } from '../../src/domain/policy-rules.ts';
import { problemsOf, settingsOf } from '../support/settings-of.ts';

test('nothing is overridden or protected unless it is said', () => {
  for (const yaml of ['', 'policy:\n', 'policy: {}', 'policy: { rules: {} }']) {
    const { policy, propertyProtection } = settingsOf(yaml);
    expect(policy).toEqual({ roles: [], rules: {} });
    expect(propertyProtection).toBeNull();
  }
});

test('the examples of docs/policy.md are read', () => {
  const page = readFileSync(join(import.meta.dirname, '../../docs/policy.md'), 'utf8');
  const [policy, protection] = [...page.matchAll(/```yaml\n([\s\S]*?)```/g)].map((match) => match[1]);
  const config = settingsOf(`${policy}\n${protection}`);
  expect(config.policy.roles).toEqual(['auditor', 'publisher']);
  expect(config.policy.rules.get_image).toEqual({ admin: 'any', auditor: 'any', reader: objects.image });
  expect(config.policy.rules.copy_image).toEqual({ admin: 'any', member: ['owner'] });
  expect(config.policy.rules.deactivate).toEqual({});
  expect(config.propertyProtection?.map(({ name }) => name)).toEqual(['^billing_', '^internal_', '.*']);
  expect(config.propertyProtection?.[0]).toEqual({
    name: '^billing_',
    create: ['admin'],
    read: ['admin', 'auditor'],
    update: ['admin'],
    delete: '!',
  });
});

const rule = (rest: string) =>
  `propertyProtection: [{ name: a, create: '@', read: '@', update: '@', ${rest} }]`;

test.each([
  [
    'policy: { rules: { publicise_image: {} } }',
    /publicise_image is no rule; did you mean publicize_image\?/,
  ],
  ['policy: { rules: { frobnicate: {} } }', /frobnicate is no rule; there is get_image, download_image/],
  ['policy: { rules: { __proto__: {} } }', /__proto__ is no rule/],
  ['policy: { rules: { copy_image: { memebr: any } } }', /memebr is no role; did you mean member\?/],
  [
    'policy: { rules: { copy_image: { auditor: any } } }',
    /auditor is no role; .*policy\.roles declares more/,
  ],
  ['policy: { rules: { copy_image: { toString: any } } }', /toString is no role/],
  ['policy: { rules: { copy_image: { member: onwer } } }', /names "onwer", .*did you mean owner\?/],
  ['policy: { rules: { copy_image: { member: [owner, any] } } }', /names "any", which is no relation here/],
  ['policy: { rules: { copy_image: { member: [] } } }', /names nothing; leave the role out/],
  ['policy: { rules: { copy_image: { member: } } }', /is any, or some of/],
  ['policy: { rules: { copy_image: { member: { owner: yes } } } }', /is any, or some of/],
  ['policy: { rules: { copy_image: [member] } }', /is a map of roles to what/],
  ['policy: { rules: { copy_image: } }', /is a map of roles to what/],
  ['policy: { rules: [copy_image] }', /is a map of rules to who may/],
  ['policy: { rules: { add_image: { member: public } } }', /names "public", which is no relation here/],
  ['policy: { rules: { metadef_admin: { member: owner } } }', /names "owner"/],
  [
    'policy: { rules: { get_image: { reader: [owner, public] } } }',
    /is any, or all of .*lists, totals and facets/,
  ],
  ['policy: { rules: { get_metadef_namespace: { reader: any } } }', /cannot be overridden: definitions/],
  ['policy: { roles: ["two words"] }', /is the name of a role/],
  ['policy: { roles: [any] }', /is the name of a role/],
  ['policy: { role: [x] }', /role is not a setting; did you mean roles\?/],
  ['propertyProtection: []', /has at least one rule; leave it out/],
  ['propertyProtection: { name: x }', /is a list of rules/],
  [rule(''), /delete is missing/],
  [rule(`delete: '?'`), /is '@' for all, '!' for nobody/],
  [rule('delete: member'), /is a role: write it as a list, \[member\]/],
  [rule('delete: modify_imag'), /did you mean modify_image\?/],
  [rule('delete: [membr]'), /names "membr", which is no role; did you mean member\?/],
  [rule('delete: []'), /names no role; for nobody it is '!'/],
  [rule(`delete: [member, '@']`), /has '@' among roles/],
  [rule(`delete: [[member]]`), /is '@' for all/],
  [rule(`delete: '@', name2: x`), /name2 is not a setting/],
  [
    `propertyProtection: [{ name: '(', create: '@', read: '@', update: '@', delete: '@' }]`,
    /is no regular expression/,
  ],
  [
    `propertyProtection: [{ name: '(?=a)', create: '@', read: '@', update: '@', delete: '@' }]`,
    /is no regular expression/,
  ],
])('%s keeps the service from starting', (yaml, message) => {
  const found = problemsOf(yaml);
  expect(found).toHaveLength(1);
  expect(found[0]).toMatch(message);
  expect(found[0]).toMatch(/vitrine\.yaml/);
});

test('every mistake is told at once', () => {
  expect(
    problemsOf(`
policy:
  roles: [auditor]
  rules:
    nothing: {}
    copy_image: { auditor: owner, nobody: any }
propertyProtection:
  - { name: ., create: [audito], read: '@', update: '@', delete: '@' }
`),
  ).toHaveLength(2);
});

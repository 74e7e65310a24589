import { describe, expect, test } from 'vitest';
import type { ModelCaller, ModelImage } from './model/catalog.ts';
import { microsOf } from './model/catalog.ts';
import { facetOf, propertyNames } from './model/facets.ts';
import { type Filter, matches, wordsOf } from './model/filter.ts';
import { compare } from './model/order.ts';
import { booleanIn, compareText, numberIn } from './model/values.ts';
import { compareVersions, isVersion } from './model/version.ts';
import { found, type Include } from './model/visible.ts';

const plain: ModelImage = {
  id: '00000000-0000-4000-8000-000000000001',
  name: 'Ubuntu 24.04',
  kind: 'IMAGE',
  status: 'ACTIVE',
  visibility: 'SHARED',
  owner: 'blue',
  diskFormat: 'RAW',
  containerFormat: 'BARE',
  size: 100,
  virtualSize: null,
  minDisk: 5,
  minRam: 0,
  checksum: 'deadbeef000000000000000000000000',
  digests: { sha256: `0123456789${'a'.repeat(54)}` },
  protected: false,
  hidden: false,
  failed: false,
  signature: 'VALID',
  tags: ['lts', 'server'],
  properties: { os_distro: 'ubuntu', os_version: '24.04', hw_disk_bus: '' },
  members: { red: 'ACCEPTED', green: 'PENDING' },
  copies: [
    { store: 'fast', isActive: true },
    { store: 'slow', isActive: false },
  ],
  createdAt: '2026-01-01T00:00:00.000001Z',
  updatedAt: '2026-01-02T00:00:00.000000Z',
};
const bare: ModelImage = {
  ...plain,
  id: '00000000-0000-4000-8000-000000000002',
  name: null,
  size: null,
  diskFormat: null,
  checksum: null,
  digests: {},
  signature: null,
  tags: [],
  properties: {},
  members: {},
  copies: [],
};

const member = (project: string | null): ModelCaller => ({ project, isAdmin: false, isAnonymous: false });
const blue = member('blue');
const admin: ModelCaller = { project: 'admin', isAdmin: true, isAnonymous: false };

describe('versions', () => {
  const chain = [
    ...['1.0~rc1', '1.0-alpha', '1.0-alpha.1', '1.0-alpha.beta', '1.0-beta', '1.0-beta.2', '1.0-beta.11'],
    ...['1.0-rc.1', '1.0rc2', '1.0', '1.0-1', '1.0-1ubuntu1', '1.0+dfsg-1', '1.0a', '1.0.0', '1.0.1', '1.9'],
    ...['1.10', '9.9-rc1', '9.9', '9.10', '1:0.1', '2:0.1'],
  ];

  test('come in the order of the rules, each pair of the chain', () => {
    for (const [i, a] of chain.entries()) {
      for (const [j, b] of chain.entries()) {
        expect(Math.sign(compareVersions(a, b) ?? Number.NaN), `${a} and ${b}`).toBe(Math.sign(i - j));
      }
    }
  });

  test.each([
    ['22.04', '22.4'],
    ['v1.0', '1.0'],
    ['V1.0', 'v1.0'],
    ['1.0-1', '1.0_1'],
    ['1.0-1', '1.0 1'],
    ['1.0', '0:1.0'],
    ['1.0RC1', '1.0rc1'],
    ['1.0.', '1.0'],
    ['1.0-', '1.0'],
    ['1..0', '1.0'],
    ['1.-~0', '1~0'],
  ])('%s equals %s', (a, b) => {
    expect(compareVersions(a, b)).toBe(0);
    expect(compareVersions(b, a)).toBe(0);
  });

  test.each([
    ['1.0~', '1.0~rc1', 'nothing is a prefix of a word'],
    ['1.0~1', '1.0~', 'a number is before a word'],
    ['1.0~', '1.0', 'a ~ at the end is before the end'],
    ['1.0a1', '1.0', 'a single a before digits is an alpha'],
    ['1.0', '1.0a', 'and without them is a word'],
    ['1.0', '1.0.a1', 'and behind a dot too'],
    ['1.0', '1.0+rc1', 'a word behind + is no pre-release'],
    ['1.0-rc1', '1.0-rc1-rc', 'only the first pre-release is one'],
    ['1.0', '1.0d1', 'any other letter is a word'],
    ['1.0-2', '1.0-x', 'numbers before words'],
    ['1.0-x', '1.0-xa', 'a prefix first'],
    ['99999999999999999999', '100000000000000000000', 'numbers have no end'],
  ])('%s is before %s: %s', (a, b) => {
    expect(compareVersions(a, b)).toBeLessThan(0);
    expect(compareVersions(b, a)).toBeGreaterThan(0);
  });

  test.each([
    '',
    'v',
    'x1',
    '~1',
    '.1',
    '1:',
    ':1',
    '1:v',
    '1/2',
    '1\n',
    '1é',
    '٣',
    '9'.repeat(91),
    '1'.padEnd(256, '.0'),
  ])('%j is none', (text) => {
    expect(isVersion(text)).toBe(false);
  });

  test.each(['1', 'v1', '1:v2', '24.04 LTS', '1~', '9'.repeat(90), '1'.padEnd(255, '.0')])(
    '%j is one',
    (text) => {
      expect(isVersion(text)).toBe(true);
    },
  );
});

test.each<[string, number | null]>([
  ['1', 1],
  ['+01.50', 1.5],
  ['-3', -3],
  ['5.', 5],
  ['.5', 0.5],
  ['1e3', 1000],
  ['1E+3', 1000],
  ['1e-999', 0],
  ['1e999', null],
  ['', null],
  [' 1', null],
  ['1\n', null],
  ['.', null],
  ['0x10', null],
  ['1_000', null],
  ['NaN', null],
  ['Infinity', null],
  ['٣', null],
  ['1'.padStart(100, '0'), 1],
  ['1'.padStart(101, '0'), null],
])('%j as a number is %j', (text, number) => {
  expect(numberIn(text)).toBe(number);
});

test.each<[string, boolean | null]>([
  ['true', true],
  ['YES', true],
  ['on', true],
  ['1', true],
  ['False', false],
  ['no', false],
  ['OFF', false],
  ['0', false],
  [' true', null],
  ['t', null],
  ['ye\u017F', null],
  ['', null],
])('%j as a boolean is %j', (text, boolean) => {
  expect(booleanIn(text)).toBe(boolean);
});

test('text sorts by code point, not by UTF-16 unit', () => {
  const sorted = ['', 'A', 'a', 'aa', 'b', 'é', '\uFF41', '\u{1F600}'];
  expect(sorted.toReversed().sort(compareText)).toEqual(sorted);
});

test('times are the same in any offset and precision', () => {
  const micros = Date.UTC(2026, 0, 1) * 1000;
  expect(microsOf('2026-01-01T02:00:00+02:00')).toBe(micros);
  expect(microsOf('2026-01-01T00:00:00.5z')).toBe(micros + 500_000);
  expect(microsOf('2025-12-31T19:00:00.000001-05:00')).toBe(micros + 1);
});

describe('a filter', () => {
  test.each<[string, Filter, matchesPlain: boolean, matchesBare: boolean]>([
    ['that says nothing', {}, true, true],
    ['and of nothing', { and: [] }, true, true],
    ['or of nothing', { or: [] }, false, false],
    ['null in place of conditions', { and: null, or: null, not: null, name: null }, true, true],
    ['eq', { name: { eq: 'Ubuntu 24.04' } }, true, false],
    ['ne leaves missing values out', { name: { ne: 'x' } }, true, false],
    ['not eq does not', { not: { name: { eq: 'x' } } }, true, true],
    ['in of nothing', { name: { in: [] } }, false, false],
    ['notIn of nothing is true on a value', { name: { notIn: [] } }, true, false],
    ['isNull', { name: { isNull: true } }, false, true],
    ['isNull: false', { name: { isNull: false } }, true, false],
    ['isNull beside another operator', { name: { isNull: true, ne: 'x' } }, false, false],
    ['no operators', { name: {}, size: {} }, true, true],
    ['all operators hold', { name: { startsWith: 'Ubuntu', endsWith: '10' } }, false, false],
    ['case counts', { name: { contains: 'UBUNTU' } }, false, false],
    ['or not', { name: { contains: 'UBUNTU', ignoreCase: true } }, true, false],
    ['matches anywhere', { name: { matches: 'u+n' } }, true, false],
    ['matches ignoring case', { name: { matches: '^UB.*4$', ignoreCase: true } }, true, false],
    ['ignoreCase alone', { name: { isNull: true, ignoreCase: true } }, false, true],
    ['id in any case', { id: { eq: plain.id.toUpperCase() } }, true, false],
    ['id malformed', { id: { in: ['x'] } }, false, false],
    ['id not malformed', { id: { ne: 'x' } }, true, true],
    ['ranges', { size: { gt: 99, lte: 100 } }, true, false],
    ['a range on a missing value', { size: { lt: 1 } }, false, false],
    ['times', { createdAt: { gt: '2026-01-01T01:00:00+01:00' } }, true, true],
    ['tags', { tags: { hasAll: ['lts', 'server'], hasNone: ['eol'] } }, true, false],
    ['tags hasAll of nothing', { tags: { hasAll: [] } }, true, true],
    ['tags hasAny of nothing', { tags: { hasAny: [] } }, false, false],
    ['tags hasNone of nothing', { tags: { hasNone: [] } }, true, true],
    ['tags isEmpty', { tags: { isEmpty: true } }, false, true],
    ['digest by prefix', { digest: '01234567' }, true, false],
    ['digest in any case, MD5 too', { digest: 'DEADBEEF' }, true, false],
    ['digest whole', { digest: plain.checksum }, true, false],
    ['digest longer than it is', { digest: `${plain.checksum}0` }, false, false],
    ['store', { store: { eq: 'fast' } }, true, false],
    ['store of a copy that is not active', { store: { eq: 'slow' } }, false, false],
    ['store ne: some copy is elsewhere', { store: { ne: 'slow' } }, true, false],
    ['not store', { not: { store: { startsWith: 'f' } } }, false, true],
    ['free text', { freeText: ' UBUNTU\u3000"erv" 24.04' }, true, false],
    ['free text of blanks', { freeText: ' \u00A0\t' }, true, true],
    ['free text in different places', { freeText: 'lts nowhere' }, false, false],
    [
      'free text not in any property',
      { properties: [{ name: 'hw_disk_bus' }], freeText: 'virtio' },
      false,
      false,
    ],
    ['failed', { failed: false }, true, true],
    ['signature', { signature: { in: ['VALID'] } }, true, false],
    ['signature ne', { signature: { ne: 'UNCHECKED' } }, true, false],
    ['no signature', { signature: { isNull: true } }, false, true],
  ])('%s', (_what, where, onPlain, onBare) => {
    expect([matches(plain, where, blue), matches(bare, where, blue)]).toEqual([onPlain, onBare]);
  });

  test.each<[string, object, expected: boolean]>([
    ['name alone', { name: 'os_version' }, true],
    ['name alone, missing', { name: 'x' }, false],
    ['an empty value exists', { name: 'hw_disk_bus' }, true],
    ['what every object has is missing', { name: 'constructor', exists: false }, true],
    ['exists: false', { name: 'os_version', exists: false }, false],
    ['text isNull', { name: 'x', text: { isNull: true } }, true],
    ['text isNull, there', { name: 'os_version', text: { isNull: true } }, false],
    ['text isNull: false, missing', { name: 'x', text: { isNull: false } }, false],
    ['text ne, missing', { name: 'x', text: { ne: 'y' } }, false],
    ['text that says nothing, missing', { name: 'x', text: {} }, false],
    ['null in place of views', { name: 'os_version', text: null, number: null, boolean: null }, true],
    ['null in place of views, missing', { name: 'x', text: null, version: null }, false],
    ['number', { name: 'os_version', number: { gte: 24.04, lt: 24.1 } }, true],
    ['number ne on no number', { name: 'os_distro', number: { ne: 1 } }, false],
    ['number that says nothing on no number', { name: 'os_distro', number: {} }, false],
    ['number notIn of nothing', { name: 'os_version', number: { notIn: [] } }, true],
    ['version', { name: 'os_version', version: { eq: '24.4', gt: '9.10' } }, true],
    ['version ne on no version', { name: 'os_distro', version: { ne: '1' } }, false],
    ['boolean on no boolean', { name: 'os_distro', boolean: false }, false],
    ['several views', { name: 'os_version', text: { endsWith: '04' }, number: { lt: 24 } }, false],
  ])('on a property: %s', (_what, condition, expected) => {
    expect(matches(plain, { properties: [condition as { name: string }] }, blue)).toBe(expected);
  });

  test.each<[string, ModelCaller, { project?: string; status?: string }, expected: boolean]>([
    ['the owner, about another project', blue, { project: 'red', status: 'ACCEPTED' }, true],
    ['the owner, about a project it is not shared with', blue, { project: 'black' }, false],
    ['the owner, about itself', blue, {}, false],
    ['a member, about itself', member('red'), {}, true],
    ['a member, in another state', member('red'), { status: 'PENDING' }, false],
    ['a member, about another', member('red'), { project: 'green' }, false],
    ['an admin, about anybody', admin, { project: 'green', status: 'PENDING' }, true],
    ['nobody, about itself', member(null), {}, false],
  ])('shared with: %s', (_what, caller, sharedWith, expected) => {
    expect(matches(plain, { sharedWith }, caller)).toBe(expected);
    expect(matches({ ...plain, visibility: 'PRIVATE' }, { sharedWith }, caller)).toBe(false);
  });
});

test.each([
  ['a  b', ['a', 'b']],
  ['"a b" c', ['a b', 'c']],
  ['a "b', ['a', '"b']],
  ['\u3000\u0085', []],
])('%j are the words of free text', (text, words) => {
  expect(wordsOf(text)).toEqual(words);
});

describe('a list shows', () => {
  const names = (
    caller: ModelCaller,
    catalog: Partial<ModelImage>[],
    where: Filter = {},
    include: Include[] = [],
  ) => {
    const images = catalog.map((image) => ({ ...plain, ...image }));
    return found(images, { caller, where, include }).map(({ name }) => name);
  };
  const catalog: Partial<ModelImage>[] = [
    { name: 'own', owner: 'red', visibility: 'PRIVATE', members: {} },
    { name: 'public', visibility: 'PUBLIC' },
    { name: 'private', visibility: 'PRIVATE' },
    { name: 'community', visibility: 'COMMUNITY' },
    { name: 'accepted' },
    { name: 'pending', members: { red: 'PENDING' } },
    { name: 'rejected', members: { red: 'REJECTED' } },
    { name: 'hidden', hidden: true },
  ];
  const usual = ['own', 'public', 'accepted'];

  test.each<[string, Filter, Include[], string[]]>([
    ['own, public and accepted ones', {}, [], usual],
    ['community ones when included', {}, ['COMMUNITY'], ['own', 'public', 'community', 'accepted']],
    ['shares when included', {}, ['PENDING_SHARES', 'REJECTED_SHARES'], [...usual, 'pending', 'rejected']],
    ['hidden ones when included', {}, ['HIDDEN'], [...usual, 'hidden']],
    [
      'community ones when named',
      { visibility: { in: ['PUBLIC', 'COMMUNITY'] } },
      [],
      ['public', 'community'],
    ],
    ['what is named in and', { and: [{ visibility: { eq: 'COMMUNITY' } }] }, [], ['community']],
    ['not what is named in or', { or: [{ visibility: { eq: 'COMMUNITY' } }] }, [], []],
    ['not what is named deeper', { and: [{ and: [{ hidden: true }] }] }, [], []],
    ['hidden ones when asked', { hidden: true }, [], ['hidden']],
    ['pending shares when asked', { sharedWith: { status: 'PENDING' } }, [], ['pending']],
    ['rejected shares when asked', { sharedWith: { status: 'REJECTED', project: 'red' } }, [], ['rejected']],
    ['no shares more for any state', { sharedWith: {} }, [], ['accepted']],
  ])('%s', (_what, where, include, expected) => {
    expect(names(member('red'), catalog, where, include)).toEqual(expected);
  });

  test('an admin everything that is not hidden, and nobody nothing', () => {
    expect(names(admin, catalog)).toEqual(catalog.map(({ name }) => name).slice(0, -1));
    expect(names({ project: null, isAdmin: false, isAnonymous: true }, catalog)).toEqual([]);
  });
});

describe('an order', () => {
  const sizes = [2, null, 1].map((size, i) => ({ ...plain, id: `${i}`, size, properties: { v: `${size}` } }));
  const ids = (orderBy: Parameters<typeof compare>[2]) =>
    sizes
      .toSorted((a, b) => compare(a, b, orderBy))
      .map(({ id }) => id)
      .join('');

  test('puts what has no value last in both directions', () => {
    expect(ids([{ field: 'SIZE', direction: 'ASC' }])).toBe('201');
    expect(ids([{ field: 'SIZE' }])).toBe('021');
  });

  test('puts what cannot be read last, and reads as it is told', () => {
    expect(ids([{ field: 'PROPERTY', property: 'v', as: 'NUMBER', direction: 'DESC' }])).toBe('021');
    expect(ids([{ field: 'PROPERTY', property: 'v', as: 'VERSION', direction: 'ASC' }])).toBe('201');
    expect(ids([{ field: 'PROPERTY', property: 'v', direction: 'DESC' }])).toBe('102');
  });

  test('ends with the id, in the direction of the key before it', () => {
    expect(ids([{ field: 'STATUS', direction: 'ASC' }])).toBe('012');
    expect(ids([{ field: 'STATUS', direction: 'DESC' }])).toBe('210');
    expect(ids([])).toBe('210');
  });
});

describe('a facet', () => {
  const catalog = [
    plain,
    { ...bare, status: 'QUEUED' },
    { ...plain, id: '3', tags: ['lts', 'eol'], properties: { os_distro: 'debian', a: '' } },
  ];
  const asked = (where: Filter) => ({ caller: blue, where, include: [] });

  test('counts values by falling count, and says what is beyond the limit or missing', () => {
    expect(facetOf(catalog, asked({}), { attribute: 'TAG' }, 2)).toEqual({
      attribute: 'TAG',
      property: null,
      buckets: [
        { value: 'lts', count: 2 },
        { value: 'eol', count: 1 },
      ],
      otherCount: 1,
      missingCount: 1,
    });
    expect(facetOf(catalog, asked({}), { attribute: 'STORE' }, 5).buckets).toEqual([
      { value: 'fast', count: 2 },
    ]);
    expect(facetOf(catalog, asked({}), { attribute: 'PROPERTY_NAME' }, 1).missingCount).toBe(1);
  });

  test('leaves its own condition out at the top and in its and, not deeper', () => {
    const count = (where: Filter) =>
      facetOf(catalog, asked(where), { attribute: 'STATUS' }, 5).buckets.length;
    const status = { eq: 'ACTIVE' };
    expect(count({ status })).toBe(2);
    expect(count({ and: [{ status }, { size: { isNull: false } }] })).toBe(1);
    expect(count({ and: [{ status }] })).toBe(2);
    expect(count({ or: [{ status }] })).toBe(1);
    expect(count({ and: [{ and: [{ status }] }] })).toBe(1);
  });

  test('of a property leaves the conditions on that property out, and no other', () => {
    const isUbuntu = { name: 'os_distro', text: { eq: 'ubuntu' } };
    const values = (where: Filter) =>
      facetOf(catalog, asked(where), { property: 'os_distro' }, 5).buckets.map(({ value }) => value);
    expect(values({ properties: [isUbuntu] })).toEqual(['debian', 'ubuntu']);
    expect(values({ properties: [isUbuntu, { name: 'a' }] })).toEqual(['debian']);
  });

  test('sees what its own condition included', () => {
    const theirs = { ...plain, owner: 'red', visibility: 'COMMUNITY' };
    const where = { visibility: { eq: 'COMMUNITY' } };
    const { buckets } = facetOf([plain, theirs], asked(where), { attribute: 'VISIBILITY' }, 5);
    expect(buckets.map(({ value }) => value)).toEqual(['COMMUNITY', 'SHARED']);
  });

  test('and names in use come most frequent first', () => {
    const names = propertyNames(catalog, asked({}), { prefix: '', limit: 3 });
    expect(names.map(({ name }) => name)).toEqual(['os_distro', 'a', 'hw_disk_bus']);
    expect(propertyNames(catalog, asked({}), { prefix: 'os_', limit: 9 })).toEqual([
      { name: 'os_distro', count: 2 },
      { name: 'os_version', count: 1 },
    ]);
  });
});

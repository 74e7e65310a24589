/** The search language: what every form of it stands for, and what is said about mistakes. */
import { expect, test } from 'vitest';
import { ValidationError } from '../../src/domain/errors.ts';
import { checkedFilter } from '../../src/search/filter-check.ts';
import type { ImageFilter } from '../../src/search/image-filter.ts';
import type { ImageOrder } from '../../src/search/image-order.ts';
import { BadSearchError, requireSearch } from '../../src/search/language/bad-search.ts';
import { parseSearch, searchIssueOf } from '../../src/search/language/parse.ts';

const now = new Date('2026-06-15T12:00:00Z');
const property = (name: string, condition: object): ImageFilter => ({ properties: [{ name, ...condition }] });
const text = (name: string, operators: object) => property(name, { text: operators });
const word = (freeText: string): ImageFilter => ({ freeText });
const GiB = 2 ** 30;

const searches: Record<string, [search: string, where: ImageFilter][]> = {
  'words and phrases': [
    ['', {}],
    [' \t\n ', {}],
    ['ubuntu', word('ubuntu')],
    ['ubuntu lts', word('ubuntu lts')],
    ['ubuntu "daily build" lts', word('ubuntu "daily build" lts')],
    ['"lts"', word('lts')],
    ['" lts"', word('" lts"')],
    ['"a\\\\b c"', word('"a\\b c"')],
    ['"a\\b c"', word('"a\\b c"')],
    ['ubuntu* *lts* a*b', word('ubuntu lts a*b')],
    ['*', {}],
    ['""', {}],
    ['or and not', word('or and not')],
    ['"OR"', word('OR')],
    ['a - b', word('a - b')],
    ['24.04-lts :x size>2', word('24.04-lts :x size>2')],
    ['tv 5" wide', { and: [word('tv wide'), word('5"')] }],
    ['"5\\""', word('5"')],
    ['text:a,"b c"', { or: [word('a'), word('"b c"')] }],
    ['Größe 🦊', word('Größe 🦊')],
  ],
  'and, or, not, parentheses': [
    ['a AND b', word('a b')],
    ['a is:public b', { and: [word('a b'), { visibility: { eq: 'public' } }] }],
    ['a OR b', { or: [word('a'), word('b')] }],
    ['a b OR c d', { or: [word('a b'), word('c d')] }],
    ['(a OR b) OR c', { or: [word('a'), word('b'), word('c')] }],
    ['(a OR b) c', { and: [{ or: [word('a'), word('b')] }, word('c')] }],
    ['c(a OR b)', { and: [word('c'), { or: [word('a'), word('b')] }] }],
    ['((a)) (b (c))', word('a b c')],
    ['-a', { not: word('a') }],
    ['NOT a b', { and: [{ not: word('a') }, word('b')] }],
    ['--a', word('a')],
    ['NOT -a', word('a')],
    ['-(a OR b)', { not: { or: [word('a'), word('b')] } }],
    ['-"a b"', { not: word('"a b"') }],
    ['a OR NOT b', { or: [word('a'), { not: word('b') }] }],
    ['-tag:eol', { not: { tags: { has: 'eol' } } }],
  ],
  'text fields': [
    ['name:ubuntu', { name: { eq: 'ubuntu' } }],
    ['NAME:=ubuntu', { name: { eq: 'ubuntu' } }],
    ['name:!=ubuntu', { name: { ne: 'ubuntu' } }],
    ['name:a,b', { name: { in: ['a', 'b'] } }],
    ['name:!=a,b', { name: { notIn: ['a', 'b'] } }],
    ['name:"a b","c,d"', { name: { in: ['a b', 'c,d'] } }],
    ['name:""', { name: { eq: '' } }],
    ['name:ubuntu*', { name: { startsWith: 'ubuntu' } }],
    ['name:*ubuntu', { name: { endsWith: 'ubuntu' } }],
    ['name:*ubu*', { name: { contains: 'ubu' } }],
    ['name:**', { name: { isNull: false } }],
    ['name:ub*24', { name: { startsWith: 'ub', matches: '^ub.*24$' } }],
    ['name:*a.b*c', { name: { matches: 'a\\.b.*c$' } }],
    ['name:a*b*', { name: { startsWith: 'a', matches: '^a.*b' } }],
    ['name:"a b"*', { name: { startsWith: 'a b' } }],
    ['name:*"5\\" x"*', { name: { contains: '5" x' } }],
    ['name:"a*b"', { name: { eq: 'a*b' } }],
    ['name:15"', { name: { eq: '15"' } }],
    ['name:a*,b,c', { or: [{ name: { in: ['b', 'c'] } }, { name: { startsWith: 'a' } }] }],
    ['name:/^a b[(]/', { name: { matches: '^a b[(]' } }],
    ['name:/a\\/b\\d/i', { name: { matches: 'a/b\\d', ignoreCase: true } }],
    ['(name:/a/)', { name: { matches: 'a' } }],
    ['name:a:b', { name: { eq: 'a:b' } }],
    ['project:p1', { owner: { eq: 'p1' } }],
    ['owner:p1,p2', { owner: { in: ['p1', 'p2'] } }],
    ['store:ceph*', { store: { startsWith: 'ceph' } }],
    ['id:x,y', { id: { in: ['x', 'y'] } }],
    ['tag:lts', { tags: { has: 'lts' } }],
    ['tags:a,b', { tags: { hasAny: ['a', 'b'] } }],
    ['tag:!=a', { tags: { hasNone: ['a'] } }],
    ['shared:me', { sharedWith: {} }],
    ['shared:p1', { sharedWith: { project: 'p1' } }],
    ['digest:DEADBEEF', { digest: 'deadbeef' }],
    ['hash:sha256:deadbeef,cafebabe', { or: [{ digest: 'deadbeef' }, { digest: 'cafebabe' }] }],
  ],
  choices: [
    ['kind:Volume-Snapshot', { kind: { eq: 'volume_snapshot' } }],
    ['status:active,QUEUED', { status: { in: ['active', 'queued'] } }],
    ['visibility:!=public', { visibility: { ne: 'public' } }],
    ['format:qcow2', { diskFormat: { eq: 'qcow2' } }],
    ['disk_format:raw', { diskFormat: { eq: 'raw' } }],
    ['diskFormat:!=raw,iso', { diskFormat: { notIn: ['raw', 'iso'] } }],
    ['container_format:bare', { containerFormat: { eq: 'bare' } }],
    ['protected:true', { protected: true }],
    ['os_hidden:NO', { hidden: false }],
    ['failed:1', { failed: true }],
    ['signature:Valid', { signature: { eq: 'valid' } }],
    ['signature:!=unchecked', { signature: { ne: 'unchecked' } }],
    ['is:snapshot', { kind: { eq: 'snapshot' } }],
    ['is:image', { kind: { eq: 'image' } }],
    ['is:active', { status: { eq: 'active' } }],
    ['is:pending-delete', { status: { eq: 'pending_delete' } }],
    ['is:PUBLIC', { visibility: { eq: 'public' } }],
    ['is:snapshot,backup', { kind: { in: ['snapshot', 'backup'] } }],
    ['is:public,active', { or: [{ visibility: { eq: 'public' } }, { status: { eq: 'active' } }] }],
    ['is:protected', { protected: true }],
    ['is:hidden', { hidden: true }],
    ['is:failed', { failed: true }],
    ['is:pending', { sharedWith: { status: 'pending' } }],
    ['is:shared-with-me', { sharedWith: {} }],
    ['is:shared', { visibility: { eq: 'shared' } }],
    ['has:os_distro', property('os_distro', { exists: true })],
    ['has:Name', { name: { isNull: false } }],
    ['has:size', { size: { isNull: false } }],
    ['has:signature', { signature: { isNull: false } }],
    ['has:p.size', property('size', { exists: true })],
    ['has:"a b"', property('a b', { exists: true })],
    ['has:tags', { tags: { isEmpty: false } }],
    ['-has:x', { not: property('x', { exists: true }) }],
    ['has:x,owner', { or: [property('x', { exists: true }), { owner: { isNull: false } }] }],
  ],
  'sizes and times': [
    ['size:>2GiB', { size: { gt: 2 * GiB } }],
    ['size:1.5gib', { size: { eq: 1.5 * GiB } }],
    ['size:0.0000000006GB', { size: { eq: 1 } }],
    ['size:<=10', { size: { lte: 10 } }],
    ['size:1KB..1MB', { size: { gte: 1000, lte: 1_000_000 } }],
    ['size:..1TB', { size: { lte: 1e12 } }],
    ['size:9007199254740993', { size: { eq: 9007199254740993n } }],
    ['size:8191PiB', { size: { eq: 8191n * 2n ** 50n } }],
    ['size:"2 KiB"', { size: { eq: 2048 } }],
    ['virtual_size:!=1', { virtualSize: { ne: 1 } }],
    ['size:1..2,5', { or: [{ size: { eq: 5 } }, { size: { gte: 1, lte: 2 } }] }],
    ['min_disk:>=20', { minDisk: { gte: 20 } }],
    ['min_ram:1.5GiB', { minRam: { eq: 1536 } }],
    ['minRam:512,1024', { minRam: { in: [512, 1024] } }],
    ['created:>2026-01-01', { createdAt: { gt: '2026-01-01T23:59:59.999999Z' } }],
    ['created:>=2026-01-01', { createdAt: { gte: '2026-01-01T00:00:00.000000Z' } }],
    ['created:<2026', { createdAt: { lt: '2026-01-01T00:00:00.000000Z' } }],
    ['created:<=2024-02', { createdAt: { lte: '2024-02-29T23:59:59.999999Z' } }],
    [
      'created_at:2026-01-01',
      { createdAt: { gte: '2026-01-01T00:00:00.000000Z', lte: '2026-01-01T23:59:59.999999Z' } },
    ],
    [
      'created:!=9999',
      {
        or: [
          { createdAt: { lt: '9999-01-01T00:00:00.000000Z' } },
          { createdAt: { gt: '9999-12-31T23:59:59.999999Z' } },
        ],
      },
    ],
    [
      'created:2026-01-01..2026-02-01',
      { createdAt: { gte: '2026-01-01T00:00:00.000000Z', lte: '2026-02-01T23:59:59.999999Z' } },
    ],
    ['updatedAt:2026-01-01T10:00:00.5+02:00', { updatedAt: { eq: '2026-01-01T08:00:00.500000Z' } }],
    ['updated:>2026-01-01T10:00:00Z', { updatedAt: { gt: '2026-01-01T10:00:00.000000Z' } }],
    ['created:<7d', { createdAt: { gt: '2026-06-08T12:00:00.000000Z' } }],
    ['created:<=90s', { createdAt: { gte: '2026-06-15T11:58:30.000000Z' } }],
    ['created:>30m', { createdAt: { lt: '2026-06-15T11:30:00.000000Z' } }],
    ['created:>=1w', { createdAt: { lte: '2026-06-08T12:00:00.000000Z' } }],
    ['created:>4mo', { createdAt: { lt: '2026-02-15T12:00:00.000000Z' } }],
    ['created:>1y', { createdAt: { lt: '2025-06-15T12:00:00.000000Z' } }],
    [
      'created:7d..30d',
      { createdAt: { gte: '2026-05-16T12:00:00.000000Z', lte: '2026-06-08T12:00:00.000000Z' } },
    ],
    ['created:2h..', { createdAt: { lte: '2026-06-15T10:00:00.000000Z' } }],
  ],
  properties: [
    ['os_distro:ubuntu', text('os_distro', { eq: 'ubuntu' })],
    ['os_distro:ubuntu,debian', text('os_distro', { in: ['ubuntu', 'debian'] })],
    ['os_distro:"a b"', text('os_distro', { eq: 'a b' })],
    ['os_distro:*', property('os_distro', { exists: true })],
    ['title:*lts*', text('title', { contains: 'lts' })],
    ['title:/x/i', text('title', { matches: 'x', ignoreCase: true })],
    ['p.size:3', text('size', { eq: '3' })],
    ['"size":3', text('size', { eq: '3' })],
    ['"odd: name":x', text('odd: name', { eq: 'x' })],
    ['p."odd name":x', text('odd name', { eq: 'x' })],
    ['Os_Distro:x', text('Os_Distro', { eq: 'x' })],
    ['constructor:x', text('constructor', { eq: 'x' })],
    ['cores:4', text('cores', { eq: '4' })],
    ['cores:=4', property('cores', { number: { eq: 4 } })],
    ['cores:!=4,8', property('cores', { number: { notIn: [4, 8] } })],
    ['cores:>=4', property('cores', { number: { gte: 4 } })],
    ['cores:>-1e3', property('cores', { number: { gt: -1000 } })],
    ['cores:1..8', property('cores', { number: { gte: 1, lte: 8 } })],
    ['cores:1..', property('cores', { number: { gte: 1 } })],
    ['cores:..8', property('cores', { number: { lte: 8 } })],
    [
      'cores:..-1,5',
      { or: [property('cores', { number: { eq: 5 } }), property('cores', { number: { lte: -1 } })] },
    ],
    ['os_version:>=22.04', property('os_version', { version: { gte: '22.04' } })],
    ['os_version:=7', property('os_version', { version: { eq: '7' } })],
    ['os_version:22.04', text('os_version', { eq: '22.04' })],
    ['os_version:20.04..24.04', property('os_version', { version: { gte: '20.04', lte: '24.04' } })],
    ['os_version:<1:2.0~rc1', property('os_version', { version: { lt: '1:2.0~rc1' } })],
    ['kernel:>5.15.0-91', property('kernel', { version: { gt: '5.15.0-91' } })],
    ['kernel:>"5.15 lts"', property('kernel', { version: { gt: '5.15 lts' } })],
    ['kernel:=v5.15', property('kernel', { version: { eq: 'v5.15' } })],
    ['kernel:5..5.15.1', property('kernel', { version: { gte: '5', lte: '5.15.1' } })],
    ['day:>2026-01-31', property('day', { version: { gt: '2026-01-31' } })],
    ['arch:=64bit', text('arch', { eq: '64bit' })],
    ['arch:!=x86_64', text('arch', { ne: 'x86_64' })],
    ['agent:=yes', property('agent', { boolean: true })],
    ['agent:!=True', property('agent', { boolean: false })],
    ['agent:yes', text('agent', { eq: 'yes' })],
  ],
};

for (const [what, table] of Object.entries(searches)) {
  test.each(table)(`${what}: %s`, (search, where) => {
    expect(parseSearch(search, now)).toEqual({ ok: true, where, orderBy: [] });
    expect(checkedFilter(where)).toEqual(where);
  });
}

const orders: [search: string, orderBy: ImageOrder[]][] = [
  ['sort:name', [{ field: 'name', direction: 'asc' }]],
  ['sort:-SIZE', [{ field: 'size', direction: 'desc' }]],
  ['sort:created', [{ field: 'createdAt', direction: 'asc' }]],
  [
    'sort:-format sort:id',
    [
      { field: 'diskFormat', direction: 'desc' },
      { field: 'id', direction: 'asc' },
    ],
  ],
  [
    'sort:name,-size',
    [
      { field: 'name', direction: 'asc' },
      { field: 'size', direction: 'desc' },
    ],
  ],
  ['sort:relevance', [{ field: 'relevance', direction: 'desc' }]],
  ['sort:-relevance', [{ field: 'relevance', direction: 'asc' }]],
  ['sort:os_version', [{ field: 'property', property: 'os_version', as: 'text', direction: 'asc' }]],
  [
    'sort:-os_version:version',
    [{ field: 'property', property: 'os_version', as: 'version', direction: 'desc' }],
  ],
  ['sort:p.size:number', [{ field: 'property', property: 'size', as: 'number', direction: 'asc' }]],
  ['sort:-"a b":number', [{ field: 'property', property: 'a b', as: 'number', direction: 'desc' }]],
  ['sort:"-a:number"', [{ field: 'property', property: '-a:number', as: 'text', direction: 'asc' }]],
];
test.each(orders)('order: %s', (search, orderBy) => {
  expect(parseSearch(`lts ${search} ubuntu`, now)).toEqual({ ok: true, where: word('lts ubuntu'), orderBy });
});

/** Each mistake stands between ⟦ and ⟧; the messages are in the same order. */
const mistakes: [marked: string, ...messages: RegExp[]][] = [
  ['a ⟦OR⟧', /both sides/],
  ['⟦OR⟧ a', /both sides/],
  ['a OR ⟦OR⟧ b', /both sides/],
  ['(a ⟦OR⟧) b', /both sides/],
  ['⟦AND⟧ a', /both sides/],
  ['a ⟦AND⟧', /both sides/],
  ['a ⟦AND⟧ OR b', /both sides/],
  ['a ⟦NOT⟧', /after it/],
  ['(a ⟦NOT⟧)', /after it/],
  ['a ⟦()⟧', /nothing between/],
  ['⟦(⟧a b', /not closed/],
  ['a⟦)⟧ b⟦)⟧', /would close/, /would close/],
  [`${'('.repeat(32)}⟦(⟧a`, /32 deep/],
  ['a ⟦"b c⟧', /quote is not closed/],
  ['name:⟦"b c⟧', /quote is not closed/],
  ['name:⟦/b c⟧', /not closed/],
  ['x:/usr/⟦bin⟧', /slash/],
  ['x:⟦//⟧', /empty/],
  ['⟦name:⟧ a', /missing after the colon/],
  ['⟦name:>=⟧', /missing after the colon/],
  ['⟦x:⟧(a OR b)', /key:a,b/],
  ['x:a,⟦,⟧b', /beside the comma/],
  ['x:a⟦,⟧ b', /beside the comma/],
  ['x:⟦,⟧a', /beside the comma/],
  ['name:a⟦(⟧b)', /quotes around/],
  ['⟦""⟧:x', /needs a name/],
  ['⟦"a b \\"c"⟧', /blank beside a double quote/],
  ['⟦a"b"c⟧ d', /two of those/],
  ['text:⟦"a \\" b"⟧', /blank beside a double quote/],
  ['status:⟦activ⟧', /one of queued.* Did you mean active\?/],
  ['is:⟦publik⟧', /did you mean is:public\?/],
  ['is:⟦zebra⟧', /it knows image, snapshot/],
  ['⟦is:!=public⟧', /-is:/],
  ['⟦is:>public⟧', /no order/],
  ['format:⟦a..b⟧', /no order/],
  ['name:⟦a..b⟧', /no order/],
  ['⟦name:>a⟧', /no order/],
  ['⟦name:!=a*⟧', /-name:/],
  ['tag:⟦lts*⟧', /no \*/],
  ['id:⟦/a/⟧', /no \/regex\//],
  ['has:⟦a*⟧', /no \*/],
  ['has:⟦status⟧', /has:p\.status/],
  ['⟦protected:maybe⟧', /true or false/],
  ['⟦protected:true,false⟧', /one plain value/],
  ['digest:⟦abc⟧', /first 8 digits/],
  ['size:⟦big⟧', /a number, with a unit/],
  ['size:⟦2G⟧', /units B, KB/],
  ['size:⟦9223372036854775808⟧', /2\^63-1/],
  ['size:⟦-1⟧', /a number/],
  ['⟦size:>1,2⟧', /one plain value/],
  ['size:=⟦1..2⟧', /without an operator/],
  ['size:⟦..⟧', /at least one end/],
  ['min_ram:⟦1KiB⟧', /whole number of MiB/],
  ['min_disk:⟦1.5⟧', /whole number of GiB/],
  ['min_disk:⟦2147483648⟧', /at most 2147483647 GiB/],
  ['created:⟦yesterday⟧', /a date such as/],
  ['created:⟦2026-02-30⟧', /a date such as/],
  ['created:⟦7d⟧', /created:<7d is younger/],
  ['created:>⟦9999y⟧', /year 1/],
  ['created:⟦2026..7d⟧', /both are ages/],
  ['x:>⟦abc⟧', /as a number or a version/],
  ['x:⟦a..b⟧', /as a number or a version/],
  ['-⟦sort:name⟧', /stands by itself/],
  ['a OR b ⟦sort:name⟧', /stands by itself/],
  ['(⟦sort:name⟧)', /stands by itself/],
  ['sort:⟦kind⟧', /sort:p\.kind/],
  ['sort:⟦name:version⟧', /Only properties/],
  ['sort:a,b,c,d,e,f,g,h,⟦i⟧', /at most 8/],
  ['a⟦\0⟧b ⟦\ud800⟧', /NUL/, /NUL/],
  ['size:⟦x⟧ created:⟦y⟧ (a ⟦OR⟧)', /size/, /created/, /both sides/],
];
test.each(mistakes)('mistake: %j', (marked, ...messages) => {
  const spans = [...marked.matchAll(/⟦([^⟧]*)⟧/g)].map((m, i) => ({
    offset: m.index - 2 * i,
    length: m[1]?.length,
  }));
  const parse = parseSearch(marked.replace(/[⟦⟧]/g, ''), now);
  const errors = parse.ok ? [] : parse.errors;
  expect(errors.map(({ offset, length }) => ({ offset, length }))).toEqual(spans);
  for (const [i, message] of messages.entries()) expect(errors[i]?.message).toMatch(message);
});

const places = (search: string) => {
  const parse = parseSearch(search, now);
  return parse.ok ? [] : parse.errors.map((e) => search.slice(e.offset, e.offset + e.length));
};

test('what goes over a limit of filters is an issue at its place', () => {
  const words = Array.from({ length: 33 }, (_, i) => `w${i}`).join(' ');
  expect(places(`is:public ${words} size:1`)).toEqual([words]);
  expect(places(`x ${'is:public '.repeat(300)}`)).toEqual(['is:public']);
  expect(places(`x name:/${'a'.repeat(501)}/`)).toEqual([`name:/${'a'.repeat(501)}/`]);
  expect(places(`x id:${'a,'.repeat(1000)}a`)).toEqual([`id:${'a,'.repeat(1000)}a`]);
  expect(places(`${'-(a '.repeat(17)}${')'.repeat(17)}`)).toHaveLength(1);
  expect(places('a'.repeat(4001))).toEqual(['a']);
});

test('thousands of mistakes are cut to twenty', () => {
  expect(places(') '.repeat(500))).toHaveLength(20);
});

test('what is found wrong with a part of the filter later is shown where it came from', () => {
  const search = 'ubuntu (name:/a(/ OR x:1)';
  const parse = requireSearch(search, now);
  const path = ['where', 'and', '1', 'or', '0', 'name', 'matches'];
  const error = new ValidationError([{ path, code: 'BAD_PATTERN', message: 'bad', suggestion: null }]);
  expect(searchIssueOf(error, parse.where)).toEqual({ message: 'bad', offset: 8, length: 9 });
});

test('a search that cannot be read is thrown as one error with all issues', () => {
  const thrown = (() => {
    try {
      return requireSearch('size:x )', now);
    } catch (error) {
      return error;
    }
  })();
  expect(thrown).toBeInstanceOf(BadSearchError);
  expect(thrown).toMatchObject({ code: 'BAD_SEARCH', errors: [{ offset: 5 }, { offset: 7 }] });
});

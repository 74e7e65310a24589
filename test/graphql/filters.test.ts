import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { anImage } from '../support/an-image.ts';
import { aServer, type TestServer } from '../support/server.ts';

let server: TestServer;
const ids: Record<string, string> = {};

beforeAll(async () => {
  server = await aServer();
  const { app } = server;
  const created = (day: number) => `2026-01-0${day}T00:00:00.000001Z`;
  ids.ubuntu = await anImage(app, {
    name: 'Ubuntu 24.04',
    size: 100,
    minDisk: 5,
    tags: ['lts', 'server'],
    properties: { os_distro: 'ubuntu', os_version: '24.04' },
    createdAt: created(1),
  });
  ids.debian = await anImage(app, {
    name: 'debian_12%',
    size: 200,
    diskFormat: 'qcow2',
    tags: ['server'],
    properties: { os_distro: 'debian' },
    protected: true,
    createdAt: created(2),
  });
  ids.nameless = await anImage(app, { name: null, size: null, diskFormat: null, createdAt: created(3) });
  ids.empty = await anImage(app, {
    name: '',
    status: 'queued',
    properties: { os_distro: '' },
    createdAt: created(4),
  });
  ids.kernel = await anImage(app, { name: 'straße', diskFormat: 'aki', createdAt: created(5) });
  ids.hidden = await anImage(app, { name: 'hidden', hidden: true, createdAt: created(6) });
});
afterAll(() => server.stop());

const nameOf = (id: string) => Object.entries(ids).find(([, value]) => value === id)?.[0] ?? id;

async function find(where: unknown): Promise<string[] | string> {
  const query =
    'query F($where: ImageFilter) { images(where: $where, orderBy: {field: CREATED_AT, direction: ASC}) { nodes { id } totalCount } }';
  const { data, errors } = await server.raw(server.tokenOf('blue'), query, { where });
  if (errors.length > 0) return String(errors[0]?.extensions.code);
  const names = data.images.nodes.map((node: { id: string }) => nameOf(node.id));
  expect(data.images.totalCount).toBe(names.length);
  return names;
}

const shown = ['ubuntu', 'debian', 'nameless', 'empty', 'kernel'];
const but = (...names: string[]) => shown.filter((name) => !names.includes(name));

describe('a filter', () => {
  test.each<[string, unknown, string[]]>([
    ['that says nothing finds all', {}, shown],
    ['of no conditions under and is true', { and: [] }, shown],
    ['of no conditions under or is false', { or: [] }, []],
    ['that is null finds all', null, shown],
    ['with null in place of a whole condition leaves it out', { name: null, and: null }, shown],
    ['eq', { name: { eq: 'Ubuntu 24.04' } }, ['ubuntu']],
    ['eq on the empty text', { name: { eq: '' } }, ['empty']],
    ['ne leaves missing values out', { name: { ne: 'straße' } }, but('nameless', 'kernel')],
    ['not turns exactly around', { not: { name: { eq: 'straße' } } }, but('kernel')],
    ['not of ne finds missing values', { not: { name: { ne: 'straße' } } }, ['nameless', 'kernel']],
    ['in', { name: { in: ['', 'straße', 'x'] } }, ['empty', 'kernel']],
    ['in of nothing is false', { name: { in: [] } }, []],
    ['not of in of nothing is true', { not: { name: { in: [] } } }, shown],
    ['notIn of nothing is true on a value', { name: { notIn: [] } }, but('nameless')],
    ['notIn', { name: { notIn: ['', 'straße'] } }, ['ubuntu', 'debian']],
    ['isNull', { name: { isNull: true } }, ['nameless']],
    ['isNull: false', { name: { isNull: false } }, but('nameless')],
    ['not of isNull', { not: { name: { isNull: true } } }, but('nameless')],
    ['contains takes % as it is', { name: { contains: '%' } }, ['debian']],
    ['contains takes _ as it is', { name: { contains: 'n_1' } }, ['debian']],
    ['contains of nothing finds every value', { name: { contains: '' } }, but('nameless')],
    ['startsWith', { name: { startsWith: 'deb' } }, ['debian']],
    ['startsWith of nothing finds every value', { name: { startsWith: '' } }, but('nameless')],
    ['endsWith', { name: { endsWith: '04' } }, ['ubuntu']],
    ['startsWith minds case', { name: { startsWith: 'ubu' } }, []],
    [
      'ignoreCase goes for every operator beside it',
      { name: { startsWith: 'UBU', endsWith: '04', ignoreCase: true } },
      ['ubuntu'],
    ],
    ['ignoreCase with in', { name: { in: ['UBUNTU 24.04'], ignoreCase: true } }, ['ubuntu']],
    [
      'ignoreCase with notIn',
      { name: { notIn: ['UBUNTU 24.04'], ignoreCase: true } },
      but('ubuntu', 'nameless'),
    ],
    ['ignoreCase with ne', { name: { ne: 'UBUNTU 24.04', ignoreCase: true } }, but('ubuntu', 'nameless')],
    ['several operators all hold', { name: { startsWith: 'U', endsWith: 'x' } }, []],
    ['or', { or: [{ name: { eq: '' } }, { minDisk: { gte: 5 } }] }, ['ubuntu', 'empty']],
    [
      'nested',
      { and: [{ or: [{ tags: { has: 'lts' } }, { protected: true }] }, { not: { size: { gt: 100 } } }] },
      ['ubuntu'],
    ],
    ['size range', { size: { gte: 100, lt: 200 } }, ['ubuntu']],
    ['size as decimal text', { size: { eq: '200' } }, ['debian']],
    ['size past what a double holds', { size: { lte: '9223372036854775807' } }, ['ubuntu', 'debian']],
    ['size ne leaves missing values out', { size: { ne: 100 } }, ['debian']],
    ['size isNull', { size: { isNull: true } }, ['nameless', 'empty', 'kernel']],
    ['size notIn of nothing', { size: { notIn: [] } }, ['ubuntu', 'debian']],
    ['diskFormat isNull', { diskFormat: { isNull: true } }, ['nameless']],
    ['diskFormat in', { diskFormat: { in: ['QCOW2', 'AKI'] } }, ['debian', 'kernel']],
    ['kind', { kind: { eq: 'KERNEL' } }, ['kernel']],
    ['status', { status: { ne: 'ACTIVE' } }, ['empty']],
    ['visibility', { visibility: { eq: 'PUBLIC' } }, []],
    ['owner', { owner: { eq: 'blue' } }, shown],
    ['protected', { protected: true }, ['debian']],
    ['hidden: true at the top also brings hidden ones', { hidden: true }, ['hidden']],
    ['hidden: true in the top and', { and: [{ hidden: true }] }, ['hidden']],
    ['hidden: true under or does not bring them', { or: [{ hidden: true }] }, []],
    ['tags has', { tags: { has: 'lts' } }, ['ubuntu']],
    ['tags hasAll', { tags: { hasAll: ['server', 'lts'] } }, ['ubuntu']],
    ['tags hasAll of nothing', { tags: { hasAll: [] } }, shown],
    ['tags hasAny', { tags: { hasAny: ['lts', 'server'] } }, ['ubuntu', 'debian']],
    ['tags hasAny of nothing', { tags: { hasAny: [] } }, []],
    ['tags hasNone', { tags: { hasNone: ['lts'] } }, but('ubuntu')],
    ['tags isEmpty', { tags: { isEmpty: true } }, but('ubuntu', 'debian')],
    ['tags isEmpty: false', { tags: { isEmpty: false } }, ['ubuntu', 'debian']],
    [
      'a property by name alone exists',
      { properties: [{ name: 'os_distro' }] },
      ['ubuntu', 'debian', 'empty'],
    ],
    ['exists: false', { properties: [{ name: 'os_distro', exists: false }] }, ['nameless', 'kernel']],
    [
      'text isNull: true means missing',
      { properties: [{ name: 'os_distro', text: { isNull: true } }] },
      ['nameless', 'kernel'],
    ],
    ['text eq', { properties: [{ name: 'os_distro', text: { eq: 'ubuntu' } }] }, ['ubuntu']],
    ['text eq on the empty value', { properties: [{ name: 'os_distro', text: { eq: '' } }] }, ['empty']],
    [
      'text ne leaves missing properties out',
      { properties: [{ name: 'os_distro', text: { ne: 'ubuntu' } }] },
      ['debian', 'empty'],
    ],
    [
      'text in',
      { properties: [{ name: 'os_distro', text: { in: ['ubuntu', 'debian'] } }] },
      ['ubuntu', 'debian'],
    ],
    ['text in of nothing', { properties: [{ name: 'os_distro', text: { in: [] } }] }, []],
    [
      'text notIn of nothing',
      { properties: [{ name: 'os_distro', text: { notIn: [] } }] },
      ['ubuntu', 'debian', 'empty'],
    ],
    ['text startsWith', { properties: [{ name: 'os_version', text: { startsWith: '24' } }] }, ['ubuntu']],
    [
      'text ignoring case',
      { properties: [{ name: 'os_distro', text: { eq: 'DEBIAN', ignoreCase: true } }] },
      ['debian'],
    ],
    [
      'text that says nothing means it exists',
      { properties: [{ name: 'os_distro', text: {} }] },
      ['ubuntu', 'debian', 'empty'],
    ],
    [
      'several properties hold on the same image',
      { properties: [{ name: 'os_distro', text: { eq: 'ubuntu' } }, { name: 'os_version' }] },
      ['ubuntu'],
    ],
    [
      'not of a property',
      { not: { properties: [{ name: 'os_distro', text: { eq: 'ubuntu' } }] } },
      but('ubuntu'),
    ],
    ['no properties', { properties: [] }, shown],
    ['a name that is an operator of JSON paths', { properties: [{ name: '$."x" ? (@ == "y")' }] }, []],
    ['createdAt to the microsecond', { createdAt: { gt: '2026-01-04T00:00:00.000001Z' } }, ['kernel']],
    ['createdAt with an offset', { createdAt: { eq: '2026-01-01T02:00:00.000001+02:00' } }, ['ubuntu']],
    ['an id that is malformed matches nothing', { id: { eq: 'x' } }, []],
    ['ne of a malformed id is true', { id: { ne: 'x' } }, shown],
  ])('%s', async (_what, where, expected) => {
    expect(await find(where)).toEqual(expected);
  });

  test('by id takes any case', async () => {
    expect(await find({ id: { eq: ids.ubuntu?.toUpperCase() } })).toEqual(['ubuntu']);
    expect(await find({ id: { in: [ids.ubuntu, 'nonsense', ids.kernel] } })).toEqual(['ubuntu', 'kernel']);
    expect(await find({ id: { notIn: [ids.ubuntu, 'nonsense'] } })).toEqual(but('ubuntu'));
  });

  test.each<[string, unknown]>([
    ['null as the operand of an operator', { name: { eq: null } }],
    ['null in place of a list', { name: { in: null } }],
    ['null for exists', { properties: [{ name: 'x', exists: null }] }],
    [
      'exists: false beside another condition',
      { properties: [{ name: 'x', exists: false, text: { eq: 'y' } }] },
    ],
    ['a NUL', { name: { eq: 'a\u0000b' } }],
    ['half a surrogate pair', { name: { contains: '\ud800' } }],
    ['an enum value that there is not', { status: { eq: 'GOOD' } }],
    ['a time that there is not', { createdAt: { gt: '2026-02-30T00:00:00Z' } }],
    ['a negative size', { size: { gt: -1 } }],
    ['a size past 2^63', { size: { gt: '9223372036854775808' } }],
    ['too many values in a list', { name: { in: Array.from({ length: 1001 }, (_, i) => `n${i}`) } }],
    ['too many conditions', { or: Array.from({ length: 400 }, () => ({ protected: true })) }],
  ])('with %s is refused as bad input', async (_what, where) => {
    expect(await find(where)).toBe('BAD_USER_INPUT');
  });
});

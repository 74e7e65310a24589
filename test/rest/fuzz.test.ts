/**
 * Every route of /v2 with methods, ids, queries, media types and bodies that are right, nearly right or hostile: each
 * is answered or refused by rule, soon, and with one line in the log. What fails is printed with its seed, and as small
 * as it can be made.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { resources } from '../../src/rest/resources.ts';
import { anImage } from '../support/an-image.ts';
import { v20, v21 } from '../support/rest.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { sized } from '../support/size.ts';
import { until } from '../support/until.ts';

let server: TestServer;
let ids: string[];
beforeAll(async () => {
  server = await aServer();
  ids = await Promise.all([
    anImage(server.app, { name: 'one', tags: ['a'], properties: { a: 'b' }, members: { red: 'pending' } }),
    anImage(server.app, { status: 'queued', size: null, diskFormat: null }),
    anImage(server.app, { owner: 'red', visibility: 'public', protected: true }),
  ]);
});
afterAll(async () => {
  expect(server.logged.filter((line) => JSON.parse(line).level >= 50)).toEqual([]);
  await server.stop();
});

const texts = [
  ...['', ' ', 'a', 'one', '%', '_', '\\', "'", '"', '$1', '-1', '9'.repeat(30), '1e400', 'true', 'null'],
  ...['__proto__', 'constructor', 'toString', 'a\0b', '🐘', '\u202e', '\ufffe', 'x'.repeat(300), '{"a": 1}'],
  ...['../../etc/passwd', 'in:a,"b', 'in:,', 'gte:2026-01-01', 'neq:9999-12-31T23:59:59.9Z', 'lt:0001-01-01'],
  ...['red', 'accepted', 'name:asc', '2026-01-01T00:00:00+23:59', "a' or 1=1 --"],
];
const parameters = [
  ...[
    'limit',
    'marker',
    'sort',
    'sort_key',
    'sort_dir',
    'visibility',
    'member_status',
    'os_hidden',
    'protected',
  ],
  ...[
    'id',
    'name',
    'status',
    'disk_format',
    'owner',
    'checksum',
    'os_hash_value',
    'os_hash_algo',
    'tag',
    'size',
  ],
  ...[
    'size_min',
    'size_max',
    'min_ram_max',
    'virtual_size_min',
    'created_at',
    'updated_at',
    'x',
    'x_max',
    'changes-since',
  ],
];
const fields = [
  ...[
    'id',
    'name',
    'visibility',
    'protected',
    'os_hidden',
    'owner',
    'container_format',
    'disk_format',
    'min_ram',
  ],
  ...[
    'min_disk',
    'tags',
    'status',
    'size',
    'stores',
    'locations',
    'os_glance_x',
    'os_distro',
    '__proto__',
    'member',
  ],
];
const types = [
  ...[
    'application/json',
    v20,
    v21,
    'application/octet-stream',
    'text/plain',
    'multipart/form-data; boundary=x',
  ],
  ...['application/json; charset=utf-16', ';', 'application/x-www-form-urlencoded', '*'],
];
const paths = [
  ...new Set([
    ...resources.map(({ path }) => `/v2${path}`),
    ...[
      '/',
      '/versions',
      '/v2',
      '/v2/',
      '/v2.7/images',
      '/v9/images',
      '/v2/images/:id/file',
      '/v2/images/:id/stage',
    ],
    ...['/v2/nothing', '/v2/images/:id/nothing'],
  ]),
];

const text = fc.constantFrom(...texts);
const anything: fc.Arbitrary<unknown> = fc.oneof(
  text,
  fc.constantFrom(0, 1, -1, 1.5, 2 ** 31, 2 ** 53, 1e300, true, false, null, 'private', 'raw', 'bare'),
  fc.array(text, { maxLength: 3 }),
  fc.dictionary(text, text, { maxKeys: 3 }),
);
const object = fc.dictionary(fc.oneof(fc.constantFrom(...fields), text), anything, { maxKeys: 5 });
const pointer = fc.oneof(
  fc.constantFrom(...fields).map((name) => `/${name}`),
  fc.constantFrom('', '/', '/~2', '/a/b/c/d', '/tags/0', '/locations/-', '/__proto__/x', 'name', '//'),
);
const patch = fc.array(
  fc.oneof(
    fc.record({
      op: fc.constantFrom('add', 'replace', 'remove', 'move', 'copy', 'test', ''),
      path: pointer,
      from: pointer,
      value: anything,
    }),
    fc.record({ add: pointer, value: anything }),
    object,
  ),
  { maxLength: 4 },
);
/** What imports, tasks and metadata definitions take, with something wrong here and there. */
const named = fc.dictionary(
  fc.constantFrom(
    'name',
    'title',
    'type',
    'enum',
    'items',
    'default',
    'required',
    'properties',
    'uri',
    'self',
  ),
  fc.oneof(anything, fc.constantFrom('string', 'integer', 'glance-direct', 'copy-image', 'web-download')),
  { maxKeys: 5 },
);
const document = fc.record(
  {
    method: named,
    stores: anything,
    all_stores: anything,
    namespace: text,
    name: text,
    title: text,
    type: fc.constantFrom('string', 'array', 'import'),
    input: named,
    tags: fc.array(named, { maxLength: 2 }),
    objects: fc.array(named, { maxLength: 2 }),
    properties: fc.dictionary(text, named, { maxKeys: 2 }),
  },
  { requiredKeys: [] },
);
const body: fc.Arbitrary<string> = fc.oneof(
  fc.constantFrom(
    '',
    '{',
    '[]',
    'null',
    '"x"',
    '['.repeat(10_000),
    '{"a":'.repeat(10_000),
    '{"name": "\\ud800"}',
  ),
  fc.constantFrom('{"a": "1", "a": 2}', '{"min_disk": 1e400}', `{"a": "${'x'.repeat(100_000)}"}`, 'bytes'),
  object.map((value) => JSON.stringify(value)),
  patch.map((value) => JSON.stringify(value)),
  document.map((value) => JSON.stringify(value)),
);

const request = fc.record({
  method: fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS'),
  path: fc.constantFrom(...paths),
  inPath: fc.oneof({ weight: 2, arbitrary: fc.nat({ max: 2 }) }, { weight: 1, arbitrary: text }),
  below: text,
  query: fc.array(fc.tuple(fc.constantFrom(...parameters), text), { maxLength: 3 }),
  type: fc.option(fc.constantFrom(...types)),
  body: fc.option(body),
  as: fc.constantFrom('blue', 'blue', 'red', 'admin', null),
  headers: fc.dictionary(
    fc.constantFrom(
      'if-match',
      'if-none-match',
      'accept',
      'x-openstack-request-id',
      'x-image-meta-store',
      'x-openstack-append',
      'range',
    ),
    fc.constantFrom(
      '',
      '*',
      '"1-aaaaaaaaaaaaaaaa"',
      'W/"x",',
      'bytes=0-',
      'x'.repeat(100),
      'file',
      'application/json',
    ),
    { maxKeys: 2 },
  ),
});

let count = 0;

test(
  'whatever is sent to /v2, it is answered or refused by rule, and logged once',
  async () => {
    const property = fc.asyncProperty(
      request,
      async ({ method, path, inPath, below, query, type, body, as, headers }) => {
        const id = typeof inPath === 'number' ? (ids[inPath] ?? '') : encodeURIComponent(inPath);
        const search = new URLSearchParams(query);
        const url = `${path.replace(':id', id).replace(/:\w+/g, encodeURIComponent(below))}${search.size > 0 ? `?${search}` : ''}`;
        const before = server.logged.length;
        const isBodiless = method === 'GET' || method === 'HEAD';
        const requestId = `req-00000000-0000-0000-0000-${String(++count).padStart(12, '0')}`;
        const response = await fetch(server.url + url, {
          method,
          redirect: 'manual',
          signal: AbortSignal.timeout(20_000),
          headers: {
            ...(as === null ? {} : { 'x-auth-token': server.tokenOf(as) }),
            ...(type === null ? {} : { 'content-type': type }),
            'x-openstack-request-id': requestId,
            ...headers,
          },
          body: isBodiless ? undefined : body,
        });
        const answer = await response.text();
        expect(response.status).toBeLessThan(500);
        expect(answer).not.toMatch(
          /\bat [^"]{1,100}:\d+:\d+|node_modules|\.ts\b|::text|TypeError|RangeError|SyntaxError/,
        );
        const given = response.headers.get('x-openstack-request-id') ?? '';
        expect(given).toMatch(/^req-/);
        if (response.status >= 400 && method !== 'HEAD') {
          expect(JSON.parse(answer)).toEqual({
            error: {
              code: response.status,
              title: expect.any(String),
              message: expect.any(String),
              type: expect.any(String),
            },
          });
          expect(answer.length).toBeLessThan(20_000);
        }
        const lines = () =>
          server.logged
            .slice(before)
            .filter((line) => line.includes(given) && JSON.parse(line).msg === 'request');
        await until(() => lines().length > 0);
        expect(lines().length).toBe(1);
      },
    );
    await fc.assert(property, { numRuns: sized({ quick: 40, ci: 400, full: 100_000 }) });
  },
  sized({ quick: 90_000, ci: 600_000, full: 8 * 3_600_000 }),
);

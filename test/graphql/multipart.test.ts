/** Multipart requests: files stream into images, and whatever else such a request can be is refused. */
import { createHash, randomUUID } from 'node:crypto';
import { readdir } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { storesOf } from '../../src/stores/all.ts';
import { memoryStore } from '../../src/stores/memory.ts';
import { someBytes } from '../support/bytes.ts';
import { faultStore } from '../support/fault-store.ts';
import { expectClean, type GraphqlAnswer, refusal, run, send } from '../support/graphql.ts';
import { ownTmpdir } from '../support/own-tmpdir.ts';
import { rawConnection } from '../support/raw-http.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { until } from '../support/until.ts';

ownTmpdir();

const store = faultStore(memoryStore({ id: 'memory' }));
let server: TestServer;
beforeAll(async () => {
  server = await aServer({ env: { VITRINE_IMAGE_SIZE_MAX: '8 MiB' }, stores: storesOf([store]) });
});
afterAll(async () => {
  expect(server.logged.filter((line) => JSON.parse(line).level >= 50)).toEqual([]);
  await server.stop();
});

const boundary = `boundary-${randomUUID()}`;
const type = `multipart/form-data; boundary=${boundary}`;

type Part = [name: string, content: string | Uint8Array, filename?: string];

function bodyOf(parts: Part[]): Buffer {
  const chunks = parts.flatMap(([name, content, filename]) => {
    const file =
      filename === undefined ? '' : `; filename="${filename}"\r\nContent-Type: application/octet-stream`;
    return [
      `--${boundary}\r\nContent-Disposition: form-data; name="${name}"${file}\r\n\r\n`,
      content,
      '\r\n',
    ];
  });
  return Buffer.concat([...chunks, `--${boundary}--\r\n`].map((chunk) => Buffer.from(chunk as string)));
}

function sendParts(parts: Part[], headers: Record<string, string> = {}): Promise<GraphqlAnswer> {
  return send(server, {
    token: server.tokenOf('blue'),
    headers: { 'content-type': type, 'x-vitrine-csrf': '1', ...headers },
    body: new Uint8Array(bodyOf(parts)),
  });
}

const upload = `mutation ($file: Upload!, $id: ID!) {
  uploadImage(input: {id: $id, file: $file}) {
    __typename
    ... on UploadImagePayload { image { status size checksum } }
    ... on ValidationError { issues { path code } }
    ... on Error { code }
  }
}`;
const operations = (id: string, variables: object = {}) =>
  JSON.stringify({ query: upload, variables: { file: null, id, ...variables } });
const map = '{"0": ["variables.file"]}';

async function newImage(): Promise<string> {
  const { data } = await run(
    server,
    'mutation { createImage(input: {name: "x", diskFormat: RAW, containerFormat: BARE}) { ... on CreateImagePayload { image { id } } } }',
  );
  return data.createImage.image.id;
}

const statusOf = async (id: string) =>
  (await run(server, `{ image(id: "${id}") { status size } }`)).data.image;

test.each([0, 1, 5_000_000, 8 * 2 ** 20])(
  'a file of %d bytes becomes the bytes of its image',
  async (size) => {
    const id = await newImage();
    const bytes = someBytes(size);
    const { data, errors } = await sendParts([
      ['operations', operations(id)],
      ['map', map],
      ['0', bytes, 'disk.img'],
    ]);
    expect(errors).toEqual([]);
    expect(data.uploadImage).toEqual({
      __typename: 'UploadImagePayload',
      image: { status: 'ACTIVE', size, checksum: createHash('md5').update(bytes).digest('hex') },
    });
    const got = await server.http(`/v2/images/${id}/file`, { token: server.tokenOf('blue') });
    expect(Buffer.from(await got.arrayBuffer()).equals(bytes)).toBe(true);
  },
);

function headOf(length: number): string {
  const lines = [
    'Host: x',
    `X-Auth-Token: ${server.tokenOf('blue')}`,
    'x-vitrine-csrf: 1',
    `Content-Type: ${type}`,
  ];
  return `POST /graphql HTTP/1.1\r\n${lines.join('\r\n')}\r\nContent-Length: ${length}\r\n\r\n`;
}

test('a file streams: its image is being saved while it is still on the way', async () => {
  const id = await newImage();
  const bytes = someBytes(2 ** 20);
  const body = bodyOf([
    ['operations', operations(id)],
    ['map', map],
    ['0', bytes, 'x'],
  ]);
  const half = body.length - 2 ** 19;
  const connection = await rawConnection(server.url);
  connection.write(headOf(body.length));
  connection.write(body.subarray(0, half));
  await until(async () => (await statusOf(id)).status === 'SAVING');
  connection.write(body.subarray(half));
  const answer = await connection.answer();
  expect(JSON.parse(answer.body).data.uploadImage.image).toMatchObject({ status: 'ACTIVE', size: 2 ** 20 });
  connection.socket.destroy();
});

test('a client that leaves in the middle leaves an image that can be uploaded again', async () => {
  const id = await newImage();
  const body = bodyOf([
    ['operations', operations(id)],
    ['map', map],
    ['0', someBytes(2 ** 20), 'x'],
  ]);
  const connection = await rawConnection(server.url);
  connection.write(headOf(body.length));
  connection.write(body.subarray(0, 2 ** 19));
  await until(async () => (await statusOf(id)).status === 'SAVING');
  connection.socket.resetAndDestroy();
  await until(async () => (await statusOf(id)).status === 'QUEUED');
  const again = await sendParts([
    ['operations', operations(id)],
    ['map', map],
    ['0', 'all', 'x'],
  ]);
  expect(again.data.uploadImage.image).toMatchObject({ status: 'ACTIVE', size: 3 });
});

/** Holds uploads back before they read, and gives what lets them go on. */
function heldBack(): () => void {
  store.fail({ at: 'create', how: 'hang' });
  return () => {
    store.release();
    store.fail();
  };
}

test('a client that leaves before anything of its file is read harms nobody', async () => {
  const id = await newImage();
  const release = heldBack();
  const connection = await rawConnection(server.url);
  connection.write(headOf(10 ** 6));
  connection.write(
    bodyOf([
      ['operations', operations(id)],
      ['map', map],
      ['0', someBytes(2 ** 19), 'x'],
    ]).subarray(0, 2 ** 18),
  );
  await until(() => store.calls('create') === 1);
  connection.socket.resetAndDestroy();
  await sleep(100);
  release();
  await until(async () => (await statusOf(id)).status === 'QUEUED');
});

test('a file that is found too large before anything of it is read harms nobody', async () => {
  const id = await newImage();
  const release = heldBack();
  const answer = sendParts([
    ['operations', operations(id)],
    ['map', map],
    ['0', someBytes(20 * 2 ** 20), 'x'],
  ]);
  await until(() => store.calls('create') === 1);
  await sleep(300);
  release();
  expect((await answer).data.uploadImage).toMatchObject({ code: 'QUOTA_EXCEEDED' });
  expect(await statusOf(id)).toEqual({ status: 'QUEUED', size: null });
});

test('one part can be the file of two images', async () => {
  const ids = [await newImage(), await newImage()];
  const query = `mutation ($f: Upload!, $g: Upload!, $a: ID!, $b: ID!) {
    a: uploadImage(input: {id: $a, file: $f}) { __typename }
    b: uploadImage(input: {id: $b, file: $g}) { __typename }
  }`;
  const variables = { f: null, g: null, a: ids[0], b: ids[1] };
  const { data } = await sendParts([
    ['operations', JSON.stringify({ query, variables })],
    ['map', '{"0": ["variables.f", "variables.g"]}'],
    ['0', 'bytes of two', 'x'],
  ]);
  expect(data).toEqual({ a: { __typename: 'UploadImagePayload' }, b: { __typename: 'UploadImagePayload' } });
  for (const id of ids) expect(await statusOf(id)).toEqual({ status: 'ACTIVE', size: 12 });
});

test.each<[string, number]>([
  ['a byte more than an image may have', 8 * 2 ** 20 + 1],
  ['two bytes more', 8 * 2 ** 20 + 2],
  ['much more', 40 * 2 ** 20],
])('a file of %s is refused, and its image stays queued', async (_what, size) => {
  const id = await newImage();
  const answer = await sendParts([
    ['operations', operations(id)],
    ['map', map],
    ['0', someBytes(size), 'x'],
  ]);
  expectClean(answer);
  expect(answer.data.uploadImage).toMatchObject({ __typename: 'QuotaExceededError', code: 'QUOTA_EXCEEDED' });
  expect(await statusOf(id)).toEqual({ status: 'QUEUED', size: null });
});

test.each<[string, Part[]]>([
  ['no part for the file', []],
  ['a part of another name', [['1', 'bytes', 'x']]],
  ['a part that is no file', [['0', 'bytes']]],
])('%s is a mistake in the input', async (_what, parts) => {
  const id = await newImage();
  const answer = await sendParts([['operations', operations(id)], ['map', map], ...parts]);
  expectClean(answer);
  expect(answer.data.uploadImage).toEqual({
    __typename: 'ValidationError',
    code: 'INVALID_INPUT',
    issues: [{ path: ['input', 'file'], code: 'BROKEN' }],
  });
  expect(await statusOf(id)).toEqual({ status: 'QUEUED', size: null });
});

const file: Part = ['0', 'bytes', 'x'];
const many = (count: number, filename?: string): Part[] =>
  Array.from({ length: count }, (_, i) => [`part ${i}`, 'x', filename]);

test.each<[string, number, Part[]]>([
  ['no map', 400, [['operations', operations('x')], file]],
  ['no operations', 400, [['map', map], file]],
  ['nothing', 400, []],
  ['a map before the operations', 400, [['map', map], ['operations', operations('x')], file]],
  ['a file before the map', 400, [['operations', operations('x')], file, ['map', map]]],
  ['operations that are no JSON', 400, [['operations', '{'], ['map', map], file]],
  [
    'operations that are null',
    400,
    [
      ['operations', 'null'],
      ['map', '{}'],
    ],
  ],
  [
    'operations that are a batch',
    400,
    [['operations', `[${operations('x')}]`], ['map', '{"0": ["0.variables.file"]}'], file],
  ],
  [
    'operations without a query',
    400,
    [
      ['operations', '{}'],
      ['map', '{}'],
    ],
  ],
  [
    'a query that is a number',
    400,
    [
      ['operations', '{"query": 1}'],
      ['map', '{}'],
    ],
  ],
  [
    'variables that are a list',
    400,
    [
      ['operations', '{"query": "{ __typename }", "variables": []}'],
      ['map', '{}'],
    ],
  ],
  [
    'a name that is a number',
    400,
    [
      ['operations', '{"query": "{ __typename }", "operationName": 1}'],
      ['map', '{}'],
    ],
  ],
  [
    'a parameter that there is not',
    400,
    [
      ['operations', '{"query": "{ __typename }", "admin": 1}'],
      ['map', '{}'],
    ],
  ],
  ['a map that is no JSON', 400, [['operations', operations('x')], ['map', '{'], file]],
  ['a map that is a list', 400, [['operations', operations('x')], ['map', '[]'], file]],
  [
    'a path that is no list',
    400,
    [['operations', operations('x')], ['map', '{"0": "variables.file"}'], file],
  ],
  ['a path that is a number', 400, [['operations', operations('x')], ['map', '{"0": [1]}'], file]],
  ['a path to nothing', 400, [['operations', operations('x')], ['map', '{"0": ["variables.other"]}'], file]],
  [
    'a path to what is not null',
    400,
    [['operations', operations('x')], ['map', '{"0": ["variables.id"]}'], file],
  ],
  ['a path to the query', 400, [['operations', operations('x')], ['map', '{"0": ["query"]}'], file]],
  [
    'a path to a prototype',
    400,
    [['operations', operations('x')], ['map', '{"0": ["variables.__proto__.polluted"]}'], file],
  ],
  [
    'a path to a constructor',
    400,
    [['operations', operations('x')], ['map', '{"0": ["variables.constructor.prototype.polluted"]}'], file],
  ],
  [
    'a path a hundred thousand steps long',
    400,
    [['operations', operations('x')], ['map', `{"0": ["variables${'.a'.repeat(100_000)}"]}`], file],
  ],
  [
    'a thousand files in the map',
    413,
    [
      ['operations', operations('x')],
      ['map', JSON.stringify(Object.fromEntries(many(1_000).map(([name]) => [name, ['variables.file']])))],
      file,
    ],
  ],
  [
    'two megabytes of operations',
    413,
    [['operations', operations('x', { a: 'x'.repeat(2 ** 21) })], ['map', map], file],
  ],
])('%s: refused, and the connection with it', async (_what, status, parts) => {
  const answer = await sendParts(parts);
  expect([answer.status, refusal(answer)]).toEqual([status, status === 413 ? 'TOO_LARGE' : 'BAD_USER_INPUT']);
  expect(answer.text.length).toBeLessThan(500);
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
});

test.each<[string, string, string]>([
  [
    'variables',
    '"variables": {"file": null, "id": "x", "__proto__": {"polluted": null}}',
    'variables.__proto__.polluted',
  ],
  [
    'operations',
    '"variables": {"file": null, "id": "x"}, "__proto__": {"polluted": null}',
    '__proto__.polluted',
  ],
  [
    'a constructor',
    '"variables": {"file": null, "id": "x", "constructor": {"prototype": {"polluted": null}}}',
    'variables.constructor.prototype.polluted',
  ],
])('a prototype that comes with the %s is no prototype of ours', async (_what, rest, path) => {
  const answer = await sendParts([
    ['operations', `{"query": ${JSON.stringify(upload)}, ${rest}}`],
    ['map', JSON.stringify({ 0: [path] })],
    file,
  ]);
  expect(refusal(answer)).toBe('BAD_USER_INPUT');
  expect(({} as { polluted?: unknown }).polluted).toBeUndefined();
  expect(Object.prototype).not.toHaveProperty('polluted');
});

test.each<[string, Part[]]>([
  ['a thousand other files', many(1_000, 'x')],
  ['a thousand other fields', many(1_000)],
])('%s beside the one that is meant change nothing', async (_what, others) => {
  const id = await newImage();
  const answer = await sendParts([['operations', operations(id)], ['map', map], file, ...others]);
  expectClean(answer);
  expect(answer.data.uploadImage).toMatchObject({ image: { status: 'ACTIVE', size: 5 } });
});

test('one part mapped a thousand times is one file', async () => {
  const id = await newImage();
  const paths = Array.from({ length: 1_000 }, (_, i) => `variables.more.${i}`);
  const answer = await sendParts([
    ['operations', operations(id, { more: Array(1_000).fill(null) })],
    ['map', JSON.stringify({ 0: ['variables.file', ...paths] })],
    file,
  ]);
  expectClean(answer);
  expect(answer.data.uploadImage).toMatchObject({ image: { size: 5 } });
});

test.each<[string, string, unknown]>([
  ['a document that cannot be read', '{"query": "{"}', 'GRAPHQL_PARSE_FAILED'],
  ['a document that is not valid', '{"query": "{ x }"}', 'GRAPHQL_VALIDATION_FAILED'],
  [
    'an operation that there is not',
    '{"query": "query A { __typename }", "operationName": "B"}',
    'BAD_USER_INPUT',
  ],
  [
    'too high a cost',
    '{"query": "{ images(first: 1000) { nodes { members { nodes { project } } } } }"}',
    'TOO_COSTLY',
  ],
  [
    'variables that nest without end',
    `{"query": "{ __typename }", "variables": {"a": ${'['.repeat(100_000)}${']'.repeat(100_000)}}}`,
    'BAD_USER_INPUT',
  ],
  ['a file that is text', operations('x', { file: 'text' }), 'BAD_USER_INPUT'],
  ['a file that is an object', operations('x', { file: { promise: {} } }), 'BAD_USER_INPUT'],
])('the rules for operations hold here too: %s', async (_what, text, code) => {
  const answer = await sendParts([
    ['operations', text],
    ['map', '{}'],
  ]);
  expect([answer.status, refusal(answer)]).toEqual([200, code]);
});

test('a file that nobody wants does not hold the answer back', async () => {
  const started = sendParts([
    ['operations', '{"query": "{ __typename }", "variables": {"file": null}}'],
    ['map', map],
    ['0', someBytes(30 * 2 ** 20), 'x'],
  ]);
  expect((await started).text).toBe('{"data":{"__typename":"Query"}}');
  const refused = await sendParts([
    ['operations', operations('x')],
    ['map', map],
    ['0', someBytes(30 * 2 ** 20), 'x'],
  ]);
  expect(refused.data.uploadImage).toEqual({ __typename: 'NotFoundError', code: 'NOT_FOUND' });
});

test.each<[string, number, string, Record<string, string>]>([
  ['without the CSRF header', 403, 'CSRF', { 'x-auth-token': 'TOKEN' }],
  ['without a token', 401, 'UNAUTHENTICATED', { 'x-vitrine-csrf': '1' }],
  ['with an unknown token', 401, 'UNAUTHENTICATED', { 'x-vitrine-csrf': '1', 'x-auth-token': 'nope' }],
])('a request %s is refused before its body is read', async (_what, status, code, headers) => {
  const lines = Object.entries({
    host: 'x',
    'content-type': type,
    'content-length': '1000000000',
    expect: '100-continue',
    ...headers,
  });
  const connection = await rawConnection(server.url);
  const head = lines
    .map(([name, value]) => `${name}: ${value}\r\n`)
    .join('')
    .replace('TOKEN', server.tokenOf('blue'));
  connection.write(`POST /graphql HTTP/1.1\r\n${head}\r\n`);
  // Not one byte of the body was sent, nor asked for.
  const answer = await connection.answer();
  expect([answer.status, JSON.parse(answer.body).errors[0].extensions.code]).toEqual([status, code]);
  connection.socket.destroy();
});

test('a body without a boundary, or with another one, is refused', async () => {
  for (const other of [
    'multipart/form-data',
    'multipart/form-data; boundary=',
    'multipart/form-data; boundary=other',
  ]) {
    const answer = await sendParts([['operations', operations('x')], ['map', map], file], {
      'content-type': other,
    });
    expect([answer.status, refusal(answer)]).toEqual([400, 'BAD_USER_INPUT']);
  }
});

test('nothing of all this is left in the temporary directory', async () => {
  await until(async () => !(await readdir(tmpdir())).some((name) => /^capacitor-.*\.tmp$/.test(name)));
});

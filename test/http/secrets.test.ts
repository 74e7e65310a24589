/** Secrets are planted everywhere one can come in, everything is made to fail, and all output is searched for them. */

import { randomUUID } from 'node:crypto';
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { createLog } from '../../src/admin/log.ts';
import { type Config, ConfigError, printableConfig, readConfig } from '../../src/config/config.ts';
import { type RunningServer, startServer } from '../../src/server.ts';
import { aDatabase, inDatabase } from '../support/database.ts';
import { type DatabaseProxy, databaseProxy } from '../support/database-proxy.ts';
import { planted } from '../support/planted.ts';
import { sized } from '../support/size.ts';
import { until } from '../support/until.ts';
import { type WireServer, wireServer } from '../support/wire-server.ts';

const token = planted('token');
const otherToken = planted('admin');
const secrets = [
  token,
  otherToken,
  planted('unknown'),
  planted('bearer'),
  planted('basic'),
  planted('cookie'),
  planted('service'),
  planted('signature'),
  planted('password'),
  planted('swift'),
  planted('s3'),
  planted('keystone'),
  planted('url'),
];
const [, , unknown = '', bearer = '', basic = '', cookie = '', service = '', signature = ''] = secrets;
const [swiftPassword = '', s3Key = '', keystonePassword = '', inUrl = ''] = secrets.slice(9);

const logged: string[] = [];
const answered: string[] = [];
let proxy: DatabaseProxy;
/** Swift, S3, Keystone and a web server that say all they were told again, and fail. */
let echo: WireServer;
let status = 500;
const statuses = sized({
  quick: [401],
  ci: [500, 401, 403, 302, 404, 200],
  full: [500, 401, 403, 302, 404, 200],
});
let database: Awaited<ReturnType<typeof aDatabase>>;
let dataDir: string;
let config: Config;
let server: RunningServer;

beforeAll(async () => {
  proxy = await databaseProxy(inject('database'));
  database = await aDatabase(inject('database'));
  const address = proxy.through(database.address) as { url: string };
  const url = new URL(address.url);
  // The servers of the tests trust whom they know; a password that is there already is as good a secret.
  if (url.password) secrets[8] = url.password;
  else url.password = secrets[8] ?? '';
  dataDir = await mkdtemp(join(tmpdir(), 'vitrine-secrets-'));
  await writeTokens();
  echo = await wireServer({
    answer: ({ headers, url, body }) => ({
      status,
      headers: { 'content-type': 'text/plain' },
      body: `${JSON.stringify(headers)} ${url} ${body}`,
    }),
  });
  await writeFile(join(dataDir, 'vitrine.yaml'), settings(echo.url));
  config = readConfig(
    {
      DATABASE_URL: url.href,
      VITRINE_DATA_DIR: dataDir,
      VITRINE_TOKENS_FILE: join(dataDir, 'tokens'),
      VITRINE_PORT: '0',
      VITRINE_LOG_LEVEL: 'trace',
      VITRINE_AUTH: 'tokens,keystone',
    },
    dataDir,
  );
  const log = createLog(config.logLevel, { write: (line: string) => void logged.push(line) });
  server = await startServer(config, log);
});
afterAll(async () => {
  await server.stop(0);
  await database.drop();
  await proxy.close();
  await echo.close();
  await rm(dataDir, { recursive: true, force: true });
});

const settings = (url: string) => `
stores:
  - { id: disk, type: file, path: ${join(dataDir, 'images')}, default: true }
  - { id: swift, type: swift, authUrl: ${url}/v3, username: u, password: ${swiftPassword}, project: p, container: images }
  - { id: s3, type: s3, endpoint: ${url}, bucket: images, accessKeyId: k, secretAccessKey: ${s3Key}, forcePathStyle: true }
keystone: { url: ${url}/v3, username: u, password: ${keystonePassword}, project: p, region: r }
imports: { egress: { allow: [${new URL(url).host}] } }
`;

const entries = [
  { token, user: 'u', project: 'p', roles: ['member'] },
  { token: otherToken, user: 'a', project: 'a', roles: ['admin'] },
];
const writeTokens = (text = JSON.stringify(entries)) => writeFile(join(dataDir, 'tokens'), text);

/** Sends a request and keeps all of the answer. */
async function ask(path: string, init: RequestInit = {}): Promise<{ status: number; text: string }> {
  const response = await fetch(server.url + path, init);
  const text = await response.text();
  answered.push(`${response.status} ${JSON.stringify([...response.headers])} ${text}`);
  return { status: response.status, text };
}

function graphql(query: string, headers: Record<string, string> = { 'x-auth-token': token }) {
  return ask('/graphql', {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...headers },
    body: JSON.stringify({ query }),
  });
}

async function newImage(): Promise<string> {
  const { text } = await graphql(
    'mutation { createImage(input: {name: "x", diskFormat: RAW, containerFormat: BARE}) { ... on CreateImagePayload { image { id } } } }',
  );
  return JSON.parse(text).data.createImage.image.id;
}

const put = (path: string, headers: Record<string, string> = { 'x-auth-token': token }) =>
  ask(path, {
    method: 'PUT',
    headers: { 'content-type': 'application/octet-stream', ...headers },
    body: 'bytes',
  });

/** Of a robot token, which nobody but who made it is told. */
async function newRobot(): Promise<string> {
  const { text } = await graphql(
    'mutation { createToken(input: {name: "r"}) { ... on CreateTokenPayload { secret } } }',
  );
  answered.pop();
  return JSON.parse(text).data.createToken.secret;
}

test('whatever is done, refused or broken, no secret comes out', async () => {
  const robot = await newRobot();
  // Every way in, and every way to be refused.
  for (const headers of [
    { 'x-auth-token': token },
    { authorization: `Bearer ${otherToken}` },
    { 'x-auth-token': unknown },
    { 'x-auth-token': robot },
    { authorization: `Bearer ${robot.slice(0, -1)}` },
    { authorization: `Bearer ${bearer}` },
    { authorization: `Basic ${btoa(basic)}`, cookie: `session=${cookie}`, 'x-service-token': service },
    { 'x-auth-token': token, authorization: `Bearer ${otherToken}` },
    { 'x-openstack-request-id': token, 'user-agent': bearer, referer: `http://x/?signature=${signature}` },
  ] as Record<string, string>[]) {
    await graphql('{ viewer { user } images { totalCount } }', headers);
    await ask(`/v2/images/${randomUUID()}/file`, { headers });
    await ask('/nope', { headers });
  }
  await ask(`/nope?token=${token}&signature=${signature}`);
  await ask(`/graphql?query={x}&token=${token}`, { headers: { 'x-vitrine-csrf': '1' } });
  await ask(`/v2/images/${randomUUID()}/file?signature=${signature}&expires=1`);

  // A secret in place of an id.
  for (const who of [token, robot]) {
    await graphql(
      `mutation { revokeToken(input: {id: "${robot}"}) { __typename ... on Error { message } } }`,
      { 'x-auth-token': who },
    );
  }

  // Signed targets: made, used, changed and over.
  const id = await newImage();
  const made = await graphql(
    `mutation { createUpload(input: {imageId: "${id}"}) { ... on CreateUploadPayload { upload { url } } } }`,
  );
  answered.pop(); // the target is what was asked for
  const target = new URL(JSON.parse(made.text).data.createUpload.upload.url);
  const ownSignature = target.searchParams.get('signature') ?? '';
  expect(ownSignature.length).toBeGreaterThan(20);
  expect((await put(target.pathname + target.search, {})).status).toBe(204);
  await put(target.pathname + target.search, {});
  await put(`${target.pathname}${target.search}x`, {});

  // The database is cut off, and then not what we think it is.
  for (let i = 0; i < 5; i++) {
    const cut = setTimeout(() => proxy.cut(), i);
    await Promise.all([
      graphql('{ images { totalCount } }'),
      graphql('{ images { totalCount } }', { 'x-auth-token': robot }),
      newImage().catch(() => {}),
    ]);
    clearTimeout(cut);
  }
  await until(async () => (await graphql('{ images { totalCount } }')).text.includes('"totalCount":'));
  await server.app.db.query('alter table images rename column name to other', []);
  const broken = await graphql('{ images { nodes { id name } } }');
  expect(JSON.parse(broken.text).errors[0].extensions.code).toBe('INTERNAL_SERVER_ERROR');
  await server.app.db.query('alter table images rename column other to name', []);

  // The store is gone, and the tokens file is broken in two ways.
  const images = join(dataDir, 'images');
  const second = await newImage();
  await rename(images, `${images}.away`);
  await writeFile(images, 'not a directory');
  const refused = await put(`/v2/images/${second}/file`);
  expect(refused.status).toBeGreaterThanOrEqual(400);
  await ask(`/v2/images/${id}/file`, { headers: { 'x-auth-token': token } });
  await ask('/readyz');
  await rm(images);
  await rename(`${images}.away`, images);
  for (const text of [`[{"token": "${token}", `, JSON.stringify([{ ...entries[0], roles: [token] }])]) {
    const warned = logged.length;
    await writeTokens(text);
    await until(async () => {
      await graphql('{ viewer { user } }');
      return logged.slice(warned).some((line) => line.includes('VITRINE_TOKENS_FILE'));
    });
  }
  await writeTokens();

  // Stores, Keystone and the source of an import repeat in their errors what they were told.
  for (status of statuses) {
    for (const store of ['swift', 's3']) {
      await put(`/v2/images/${await newImage()}/file`, {
        'x-auth-token': token,
        'x-image-meta-store': store,
      });
    }
    await graphql('{ viewer { user } }', { 'x-auth-token': `${unknown}-${status}` });
    await graphql('{ viewer { user } }', {
      'x-auth-token': `${unknown}-${status}`,
      'x-service-token': service,
    });
    const imported = await newImage();
    for (const url of [`${echo.url}/x?signature=${inUrl}`, `${echo.url.replace('//', `//u:${inUrl}@`)}/x`]) {
      await graphql(
        `mutation { importImage(input: {id: "${imported}", method: {webDownload: {url: "${url}"}}}) { __typename ... on Error { message } } }`,
      );
    }
    const { text } = await graphql(
      `{ image(id: "${imported}") { status failure { message } tasks(first: 9) { nodes { message } } } }`,
    );
    expect(text).toContain('"data":{"image"');
  }
  expect(new Set(echo.seen.map((what) => what.split('?')[0])).size).toBeGreaterThan(3);

  const output = { logged: logged.join(''), answered: answered.join('\n') };
  expect(logged.length).toBeGreaterThan(60);
  expect(answered.length).toBeGreaterThan(30);
  for (const secret of [...secrets, ownSignature, robot.slice(4, -1)]) {
    expect(output.logged.includes(secret), `logged: ${secret}`).toBe(false);
    expect(output.answered.includes(secret), `answered: ${secret}`).toBe(false);
  }
  expect(output.answered).not.toContain(dataDir);
  expect(output.answered).not.toMatch(
    /node_modules|\bat .+:\d+:\d+|\.ts:\d+|\bselect .+ from\b|insert into|column .+ does not exist/i,
  );
});

test('settings are told without the password, right or wrong', () => {
  const password = secrets[8] ?? '';
  expect(inspect(printableConfig(config), { depth: 10 })).not.toContain(password);
  expect(printableConfig(config).databaseUrl).toContain('***');
  const wrong = () =>
    readConfig({ DATABASE_URL: `mysql://u:${password}@127.0.0.1/d`, VITRINE_PORT: 'x' }, dataDir);
  expect(wrong).toThrow(ConfigError);
  try {
    wrong();
  } catch (error) {
    expect(inspect(error, { depth: 10 })).not.toContain(password);
  }
});

test('a start without a database says so without the password', async () => {
  const lines: string[] = [];
  const password = planted('start');
  const log = createLog('trace', { write: (line: string) => void lines.push(line) });
  const nowhere = { ...config, databaseUrl: `postgres://vitrine:${password}@127.0.0.1:1/vitrine` };
  const error = await startServer(nowhere, log).then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Error);
  expect(inspect(error, { depth: 10, showHidden: true })).not.toContain(password);
  expect(lines.join('')).not.toContain(password);

  const missing = inDatabase({ url: config.databaseUrl ?? '' }, 'vitrine_missing') as { url: string };
  const refused = await startServer({ ...config, databaseUrl: missing.url }, log).then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(refused).toBeInstanceOf(Error);
  expect(inspect(refused, { depth: 10, showHidden: true })).not.toContain(secrets[8]);
  expect(lines.join('')).not.toContain(secrets[8]);
});

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { ConfigError, printableConfig, readConfig } from '../../src/config/config.ts';

const folder = mkdtempSync(join(tmpdir(), 'vitrine-stores-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function read(yaml: string, env: Record<string, string> = {}) {
  writeFileSync(join(folder, 'vitrine.yaml'), yaml);
  return readConfig(env, folder);
}

function problems(yaml: string, env: Record<string, string> = {}): readonly string[] {
  try {
    read(yaml, env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

const timeouts = { connectTimeoutMs: 5_000, answerTimeoutMs: 30_000, idleTimeoutMs: 60_000 };
const secrets = { SWIFT_PASSWORD: 'hush-1', AWS_ACCESS_KEY_ID: 'key', AWS_SECRET_ACCESS_KEY: 'hush-2' };
const all = `
stores:
  - { id: cheap, type: file, path: images/cheap }
  - { id: fast, type: file, paths: [{ path: /srv/a, priority: 1 }, { path: /srv/b }], default: true, weight: 10 }
  - id: swift
    type: swift
    authUrl: http://127.0.0.1:15000/v3/
    username: swift
    password: \${SWIFT_PASSWORD}
    project: service
    container: images
  - id: s3
    type: s3
    endpoint: http://127.0.0.1:18080
    region: RegionOne
    bucket: images
    accessKeyId: \${AWS_ACCESS_KEY_ID}
    secretAccessKey: \${AWS_SECRET_ACCESS_KEY}
    forcePathStyle: true
    answerTimeout: 5s
  - { id: web, type: http }
`;

test('without the section there is the file store below the data directory', () => {
  for (const yaml of ['', 'stores:\n', 'stores: []']) {
    expect(read(yaml).stores).toEqual([
      {
        id: 'file',
        type: 'file',
        paths: [{ path: join(folder, 'data/images'), priority: 0 }],
        sparse: false,
        default: true,
        weight: 0,
        parallel: 64,
        ...timeouts,
      },
    ]);
  }
});

test('stores are read with their defaults, secrets come from elsewhere, and one is the default', () => {
  const { stores } = read(all, secrets);
  const [cheap, fast, swift, s3, web] = stores;
  expect(stores.map((store) => store.default)).toEqual([false, true, false, false, false]);
  expect(cheap).toMatchObject({ paths: [{ path: join(folder, 'images/cheap'), priority: 0 }], ...timeouts });
  expect(fast).toMatchObject({
    weight: 10,
    paths: [
      { path: '/srv/a', priority: 1 },
      { path: '/srv/b', priority: 0 },
    ],
  });
  expect(swift).toMatchObject({
    authUrl: 'http://127.0.0.1:15000/v3',
    password: 'hush-1',
    userDomain: 'Default',
    projectDomain: 'Default',
    interface: 'public',
    largeObjectSize: 5 * 2 ** 30,
    segmentSize: 2 * 2 ** 30,
  });
  expect(s3).toMatchObject({ accessKeyId: 'key', secretAccessKey: 'hush-2', answerTimeoutMs: 5_000 });
  expect(web).toMatchObject({ id: 'web', type: 'http' });
  expect(Object.isFrozen(stores) && stores.every(Object.isFrozen)).toBe(true);
});

test('the first store that can be written to is the default when none says so', () => {
  const { stores } = read(
    'stores: [{ id: web, type: http }, { id: a, type: file, path: /a }, { id: b, type: file, path: /b }]',
  );
  expect(stores.map((store) => store.default)).toEqual([false, true, false]);
});

test('secrets are never printed', () => {
  const printed = JSON.stringify(printableConfig(read(all, secrets)));
  expect(printed).toContain('"password":"***"');
  expect(printed).toContain('"secretAccessKey":"***"');
  expect(printed).not.toContain('hush');
});

test('every mistake is told at once, with its place, and no secret is repeated', () => {
  const found = problems(`stores:
  - { id: a, type: file }
  - { id: a, type: flie, path: /x }
  - { id: "b c", type: http, default: true, wieght: 1 }
  - { type: swift, authUrl: "http://u:hush@h/", container: a/b, pasword: hush, password: "\${NOPE}" }
  - just text
  - { id: c, type: file, path: /a, paths: [{ path: /b }], default: yes }
  - { id: d, type: file, path: /a, default: yes }
  - { id: e, type: s3, endpoint: "ftp://x", bucket: "?", accessKeyId: k }
  - { id: f, type: swift, authUrl: "http://h/v3", container: c, username: u, applicationCredentialId: x }
imports: { egress: { allow: [1.2.3.4.5], ports: [0], schemes: [ftp] }, method: x }
`);
  const places = found.map(
    (line) => line.replace(/^vitrine\.yaml:/, '').split(/ (?:is|has|names|cannot|holds) /)[0],
  );
  expect(places.toSorted()).toEqual([
    '10: stores[8]',
    '11: imports.egress.allow[0]',
    '11: imports.egress.ports[0]',
    '11: imports.egress.schemes[0]',
    '11: imports.method',
    '2: stores[0]',
    '3: stores[1].id',
    '3: stores[1].type',
    '4: stores[2].id',
    '4: stores[2].wieght',
    '5: stores[3].authUrl',
    '5: stores[3].container',
    '5: stores[3].id',
    '5: stores[3].password',
    '5: stores[3].pasword',
    '6: stores[4]',
    '7: stores[5]',
    '7: stores[5].default',
    '8: stores[6].default',
    '9: stores[7].bucket',
    '9: stores[7].endpoint',
    '9: stores[7].secretAccessKey',
  ]);
  expect(found.join('\n')).not.toContain('hush');
});

test('a store that is only read is not the default, nor the only one', () => {
  expect(
    problems('stores: [{ id: web, type: http, default: true }, { id: a, type: file, path: /a }]'),
  ).toEqual(['vitrine.yaml:1: stores[0].default cannot be said of a store that is only read (it is "true")']);
  expect(problems('stores: [{ id: web, type: http }]')).toEqual([
    'vitrine.yaml:1: stores has no store that can be written to',
  ]);
});

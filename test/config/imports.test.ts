/** The sections `imports` and `keystone` of the settings file. */
import { expect, test } from 'vitest';
import { printableConfig } from '../../src/config/config.ts';
import { problemsOf, settingsOf } from '../support/settings-of.ts';

test('nothing has to be said of imports', () => {
  for (const yaml of ['', 'imports: { staging: null }', 'imports: { methods: ~, decompress: {} }']) {
    expect(settingsOf(yaml).imports).toMatchObject({
      methods: ['glance-direct', 'web-download', 'copy-image', 'glance-download'],
      staging: null,
      decompress: { enabled: true, ratioMax: 200 },
      convert: { to: null, memory: 2 ** 30, cpuMs: 1_800_000, timeMs: 3_600_000 },
      copiedProperties: ['hw_', 'trait:', 'os_distro', 'os_secure_boot', 'os_type'],
    });
    expect(settingsOf(yaml).keystone).toBe(null);
  }
});

test('what is said is read', () => {
  const { imports } = settingsOf(`
stores: [{ id: a, type: file, path: /a }, { id: all, type: file, path: /b }]
imports:
  methods: [web-download, web-download]
  staging: all
  decompress: { enabled: no, ratioMax: 1000 }
  convert: { to: raw, from: [qcow2], memory: 2GiB, cpu: 30s, time: 5m }
  copiedProperties: ["a:"]
`);
  expect(imports).toMatchObject({
    methods: ['web-download'],
    staging: 'all',
    decompress: { enabled: false, ratioMax: 1000 },
    convert: { to: 'raw', from: ['qcow2'], memory: 2 ** 31, cpuMs: 30_000, timeMs: 300_000 },
    copiedProperties: ['a:'],
  });
  expect(settingsOf('imports: { methods: [], staging: file }').imports).toMatchObject({
    methods: [],
    staging: 'file',
  });
});

test('bytes are staged in a store that can be written to', () => {
  const stores = 'stores: [{ id: a, type: file, path: /a }, { id: web, type: http }]\n';
  for (const id of ['web', 'b', 'file'])
    expect(problemsOf(`${stores}imports:\n  staging: ${id}`)).toEqual([
      `vitrine.yaml:3: imports.staging names no store that can be written to; there are a, or null for the data directory (it is "${id}")`,
    ]);
});

test('the identity service is read, and its secrets are never printed', () => {
  const yaml = `
keystone:
  url: http://127.0.0.1:15000/v3/
  username: glance
  password: \${KEYSTONE_PASSWORD}
  project: service
  region: RegionOne
`;
  const config = settingsOf(yaml, { KEYSTONE_PASSWORD: 'hush' });
  expect(config.keystone).toEqual({
    url: 'http://127.0.0.1:15000/v3',
    username: 'glance',
    password: 'hush',
    userDomain: 'Default',
    project: 'service',
    projectDomain: 'Default',
    region: 'RegionOne',
    unifiedLimits: false,
    publicUrl: 'http://127.0.0.1:15000/v3',
    serviceRoles: ['service'],
    tokenCacheMs: 60_000,
    tokenTimeoutMs: 5_000,
    connectTimeoutMs: 5_000,
    answerTimeoutMs: 30_000,
    idleTimeoutMs: 60_000,
  });
  const credential = settingsOf(
    'keystone: { url: "http://k/v3", applicationCredentialId: i, applicationCredentialSecret: hush }',
  );
  for (const one of [config, credential]) {
    const printed = JSON.stringify(printableConfig(one));
    expect(printed).toContain('***');
    expect(printed).not.toContain('hush');
  }
});

test('every mistake has its place', () => {
  expect(
    problemsOf(`
keystone:
  url: ftp://k
  pasword: x
imports:
  methods: [web-upload]
  decompress: { ratioMax: 0 }
  convert: { to: vmdk, from: [iso] }
`).map((line) => line.slice(0, 60)),
  ).toEqual([
    'vitrine.yaml:3: keystone.url is a URL that begins with http:',
    'vitrine.yaml:4: keystone.pasword is not a setting; did you m',
    'vitrine.yaml:6: imports.methods[0] is one of glance-direct, ',
    'vitrine.yaml:7: imports.decompress.ratioMax is a whole numbe',
    'vitrine.yaml:8: imports.convert.to is raw or qcow2, or null:',
    'vitrine.yaml:8: imports.convert.from[0] is one of qcow2, vmd',
  ]);
  expect(problemsOf('keystone: { url: "http://k/v3", username: u, applicationCredentialId: i }')).toEqual([
    expect.stringContaining('keystone has either username, password and project, or applicationCredentialId'),
  ]);
});

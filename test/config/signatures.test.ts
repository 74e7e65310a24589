/** The section `signatures` of the settings file. */
import { isAbsolute } from 'node:path';
import { expect, test } from 'vitest';
import { printableConfig } from '../../src/config/config.ts';
import { problemsOf, settingsOf } from '../support/settings-of.ts';

const keystone = 'keystone: { url: "http://k/v3", username: u, password: p, project: p }\n';

test('nothing has to be said of signatures, and then none is checked', () => {
  for (const yaml of ['', 'signatures: {}', 'signatures: { trustedRoots: null }']) {
    expect(settingsOf(yaml).signatures).toEqual({ trustedRoots: null, certificates: null, barbican: null });
  }
});

test('directories are relative to the settings file', () => {
  const { signatures } = settingsOf('signatures: { trustedRoots: roots, certificates: /srv/certificates }');
  expect(isAbsolute(signatures.trustedRoots ?? '')).toBe(true);
  expect(signatures).toMatchObject({
    trustedRoots: expect.stringMatching(/\/roots$/),
    certificates: '/srv/certificates',
  });
});

test('Barbican has an address, with or without its version, and a time', () => {
  const barbicanOf = (yaml: string) =>
    settingsOf(`${keystone}signatures: { trustedRoots: /r, barbican: ${yaml} }`).signatures.barbican;
  expect(barbicanOf('{ url: "https://b:9311/" }')).toEqual({ url: 'https://b:9311', timeoutMs: 10_000 });
  expect(barbicanOf('{ url: "https://b/key-manager/v1", timeout: 2s }')).toEqual({
    url: 'https://b/key-manager',
    timeoutMs: 2000,
  });
});

test('what the settings say is printed', () => {
  const config = settingsOf(`${keystone}signatures: { trustedRoots: /r, barbican: { url: "https://b" } }`);
  expect(printableConfig(config)).toMatchObject({
    signatures: { trustedRoots: '/r', barbican: { url: 'https://b', timeoutMs: 10_000 } },
  });
});

test.each([
  ['signatures: { certificates: /c }', 'signatures.certificates counts for nothing without trustedRoots'],
  ['signatures: { trustedRoots: "" }', 'signatures.trustedRoots is empty'],
  [
    'signatures: { trustedRoots: /r, barbican: { url: "https://b" } }',
    'signatures.barbican needs the section keystone',
  ],
  [
    `${keystone}signatures: { trustedRoots: /r, barbican: { url: "https://u:p@b" } }`,
    'signatures.barbican.url is a URL without a user',
  ],
  [`${keystone}signatures: { trustedRoots: /r, barbican: {} }`, 'signatures.barbican.url is missing'],
  ['signatures: { trustedRoot: /r }', 'did you mean trustedRoots?'],
])('%s is a mistake', (yaml, says) => {
  expect(problemsOf(yaml).join('\n')).toContain(says);
});

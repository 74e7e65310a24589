/** The section `quotas` of the settings file, and where Keystone keeps them. */
import { expect, test } from 'vitest';
import { ConfigError } from '../../src/config/config.ts';
import { settingsOf } from '../support/settings-of.ts';

test('nothing said is no limit, and 0 is nothing at all', () => {
  const none = { images: null, bytes: null, stagingBytes: null, uploads: null };
  expect(settingsOf('').quotas).toEqual(none);
  expect(settingsOf('quotas: { images: null, bytes: ~ }').quotas).toEqual(none);
  expect(settingsOf('quotas: { images: 0, bytes: 2TiB, stagingBytes: 0, uploads: 5 }').quotas).toEqual({
    ...{ images: 0, bytes: 2 * 2 ** 40, stagingBytes: 0, uploads: 5 },
  });
});

test.each([
  ['quotas: { bytes: -1 }', /quotas\.bytes is a number of bytes/],
  ['quotas: { images: 1.5 }', /quotas\.images is a whole number/],
  ['quotas: { imges: 5 }', /quotas\.imges is not a setting; did you mean images/],
  [
    'keystone: { url: http://k/v3, applicationCredentialId: a, applicationCredentialSecret: b, unifiedLimits: true }',
    /keystone\.unifiedLimits needs username and password/,
  ],
])('%s is a mistake', (yaml, message) => {
  expect(() => settingsOf(yaml)).toThrow(ConfigError);
  expect(() => settingsOf(yaml)).toThrow(message);
});

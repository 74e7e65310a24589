/**
 * The real services that test/services/ brings up: where they are stands in the environment, as `up.sh` prints it.
 * Each test has a container or bucket of its own.
 */
import { randomBytes } from 'node:crypto';
import type { Only } from './size.ts';

/** For `only`: from ci on, where the services run. */
export const withServices: Only = {
  from: 'ci',
  when: { 'the services of test/services/up.sh': () => process.env.TEST_SWIFT_AUTH_URL !== undefined },
};

/** For `only`: where a Keystone of the test's own can be started beside the one that runs. */
export const withKeystone: Only = {
  from: 'ci',
  programs: ['uwsgi_python3'],
  when: { 'the Keystone of test/services/up.sh': () => process.env.TEST_KEYSTONE_DIR !== undefined },
};

const given = (name: string) => process.env[name] ?? '';

const patience = { connectTimeoutMs: 5_000, answerTimeoutMs: 30_000, idleTimeoutMs: 60_000 };
const usual = { default: true, weight: 0, parallel: 64, ...patience };

/** A store of the settings in Swift, as user demo. */
export function swiftSettings(container = aName()) {
  return {
    ...usual,
    id: 'swift',
    type: 'swift' as const,
    authUrl: given('TEST_SWIFT_AUTH_URL'),
    username: 'demo',
    password: given('TEST_PASSWORD'),
    userDomain: 'Default',
    project: 'demo',
    projectDomain: 'Default',
    region: 'RegionOne',
    interface: 'public' as const,
    container,
    largeObjectSize: 5 * 2 ** 30,
    segmentSize: 2 * 2 ** 30,
  };
}

/** The same project's S3 API. */
export function s3Settings(bucket = aName()) {
  return {
    ...usual,
    id: 's3',
    type: 's3' as const,
    endpoint: given('TEST_S3_ENDPOINT'),
    region: 'RegionOne',
    bucket,
    accessKeyId: given('TEST_S3_ACCESS_KEY_ID'),
    secretAccessKey: given('TEST_S3_SECRET_ACCESS_KEY'),
    forcePathStyle: true,
  };
}

export const aName = () => `test-${randomBytes(6).toString('hex')}`;

/** Tokens of Keystone, against one on the wire that can be made to fail. */
import { inspect } from 'node:util';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { type KeystoneTokens, type KeystoneTokensOptions, keystoneTokens } from '../../src/auth/keystone.ts';
import { UnavailableError } from '../../src/domain/errors.ts';
import { type KeystoneServer, keystoneServer, servicePassword } from '../support/keystone-server.ts';

let keystone: KeystoneServer;
let warned: string[] = [];
let outcomes: string[] = [];
beforeEach(async () => {
  keystone = await keystoneServer();
  warned = [];
  outcomes = [];
});
afterEach(() => keystone.close());

function tokens(changed: Partial<KeystoneTokensOptions> = {}): KeystoneTokens {
  const options: KeystoneTokensOptions = {
    url: `${keystone.url}/v3`,
    username: 'vitrine',
    password: servicePassword,
    userDomain: 'Default',
    project: 'service',
    projectDomain: 'Default',
    serviceRoles: ['service'],
    connectTimeoutMs: 1_000,
    tokenTimeoutMs: 1_000,
    tokenCacheMs: 60_000,
    ...changed,
  };
  return keystoneTokens(options, {
    asked: (_service, outcome) => outcomes.push(outcome),
    warn: (message) => warned.push(message),
  });
}

const withService = (serviceToken: string) => ({ serviceToken });

async function refusal(promise: Promise<unknown>): Promise<UnavailableError> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(UnavailableError);
  return error as UnavailableError;
}

describe('a token of Keystone', () => {
  it.each([
    [
      { project: 'blue', roles: ['Member', 'reader'] },
      { project: 'blue', roles: ['member', 'reader'], isAdmin: false },
    ],
    [
      { project: 'blue', roles: ['ADMIN'] },
      { project: 'blue', isAdmin: true },
    ],
    [
      { project: undefined, system: true, roles: ['admin', 'reader'] },
      { project: null, isAdmin: true },
    ],
    [
      { project: undefined, system: true, roles: ['reader'] },
      { project: null, roles: ['reader'], isAdmin: false },
    ],
    [
      { project: undefined, domain: 'default', roles: ['admin'] },
      { project: null, roles: [], isAdmin: false },
    ],
    [{ project: undefined }, { project: null, roles: [], isAdmin: false }],
  ])('%o is the caller %o', async (token, caller) => {
    const found = await tokens().callerOf(keystone.issue({ user: 'someone', ...token }));
    expect(found).toMatchObject({ user: 'someone', isAnonymous: false, ...caller });
  });

  it('is asked about once, however many ask at the same time or later', async () => {
    const check = tokens();
    const token = keystone.issue();
    const found = await Promise.all(Array.from({ length: 1_000 }, () => check.callerOf(token)));
    expect(new Set(found).size).toBe(1);
    expect(await check.callerOf(token)).toBe(found[0]);
    expect([keystone.validations(), keystone.logins()]).toEqual([1, 1]);
    expect(outcomes).toEqual(['known']);
  });

  it('that is revoked is noticed when the answer has been kept long enough', async () => {
    const check = tokens({ tokenCacheMs: 300 });
    const token = keystone.issue();
    expect(await check.callerOf(token)).not.toBeNull();
    keystone.revoke(token);
    await expect.poll(() => check.callerOf(token), { timeout: 3_000 }).toBeNull();
  });

  it('is never kept beyond its expiry', async () => {
    const check = tokens();
    const token = keystone.issue({ ms: 400 });
    expect(await check.callerOf(token)).not.toBeNull();
    await expect.poll(() => check.callerOf(token), { timeout: 3_000 }).toBeNull();
  });

  it('that is not known is asked about once for a while', async () => {
    const check = tokens();
    for (let i = 0; i < 5; i++) expect(await check.callerOf('gAAAA-nobody-has-this')).toBeNull();
    expect(keystone.validations()).toBe(1);
  });

  it('that cannot be one is not sent there', async () => {
    const check = tokens();
    for (const text of ['short', 'has a space in it', 'has,commas,in,it', 'x'.repeat(9_000)]) {
      expect(await check.callerOf(text)).toBeNull();
    }
    expect(keystone.seen).toEqual([]);
  });
});

describe('a service token', () => {
  it('with the right role makes an expired token good, and only together with it', async () => {
    const check = tokens();
    const expired = keystone.issue({ ms: -1_000 });
    const service = keystone.issue({ user: 'nova', project: 'service', roles: ['Service'] });
    expect(await check.callerOf(expired)).toBeNull();
    expect(await check.callerOf(expired, withService(service))).toMatchObject({ user: 'u', project: 'blue' });
    expect(await check.callerOf(expired)).toBeNull();
    keystone.revoke(expired);
    const other = tokens();
    expect(await other.callerOf(expired, withService(service))).toBeNull();
  });

  it('without the role, expired, unknown or malformed changes nothing', async () => {
    const check = tokens();
    const expired = keystone.issue({ ms: -1_000 });
    for (const bad of [
      keystone.issue({ roles: ['admin'] }),
      keystone.issue({ roles: ['service'], ms: -1_000 }),
      'gAAAA-nobody-has-this',
      'no token, at all',
      expired,
    ]) {
      expect(await check.callerOf(expired, withService(bad))).toBeNull();
    }
    const good = keystone.issue();
    expect(await check.callerOf(good, withService('no token, at all'))).not.toBeNull();
  });

  it('has the roles that the settings name', async () => {
    const check = tokens({ serviceRoles: ['Robot'] });
    const expired = keystone.issue({ ms: -1_000 });
    expect(await check.callerOf(expired, withService(keystone.issue({ roles: ['service'] })))).toBeNull();
    expect(await check.callerOf(expired, withService(keystone.issue({ roles: ['robot'] })))).not.toBeNull();
  });
});

describe('the credentials of the service', () => {
  it('may be an application credential', async () => {
    const check = tokens({
      username: undefined,
      password: undefined,
      project: undefined,
      applicationCredentialId: 'id',
      applicationCredentialSecret: servicePassword,
    });
    expect(await check.callerOf(keystone.issue())).not.toBeNull();
  });

  it('get a new token when theirs is no longer accepted', async () => {
    const check = tokens();
    expect(await check.callerOf(keystone.issue())).not.toBeNull();
    keystone.revokeOwn();
    const many = Array.from({ length: 20 }, () => check.callerOf(keystone.issue()));
    expect(await Promise.all(many)).not.toContain(null);
    expect(keystone.logins()).toBe(2);
  });

  it('that are wrong make nobody unknown: it cannot be told, and the settings are named', async () => {
    const check = tokens({ password: 'wrong' });
    const error = await refusal(check.callerOf(keystone.issue()));
    expect(error.message).toMatch(/credentials of the settings/);
    // Not tried again with every request: an account can be locked that way.
    for (let i = 0; i < 20; i++) await refusal(check.callerOf(keystone.issue()));
    expect(keystone.logins()).toBeLessThanOrEqual(5);
  });
});

describe('a Keystone that is slow, away or broken', () => {
  const get = /^GET /;
  it.each([
    ['hangs', { on: get, how: 'hang' as const }, /in time/],
    ['hangs at the login', { on: /^POST /, how: 'hang' as const }, /in time/],
    ['breaks off', { on: get, how: 'reset' as const }, /ECONNRESET/],
    ['breaks off in mid-answer', { on: get, how: { cutAfter: 20 } }, /broke off/],
    ['answers 500', { on: get, how: { status: 500 } }, /error \(500\)/],
    ['answers 503', { on: get, how: { status: 503 } }, /overloaded/],
    ['answers 429', { on: get, how: { status: 429 } }, /too often/],
    ['does not let us', { on: get, how: { status: 403 } }, /not allowed this/],
    ['is a proxy without a Keystone', { on: get, how: { status: 404 } }, /error \(404\)/],
    ['answers with something else', { on: get, how: { status: 200 } }, /something else than a token/],
    ['never accepts our token', { on: get, how: { status: 401 } }, /does not accept the credentials/],
  ])('that %s is UNAVAILABLE for new tokens, while known ones go on', async (_what, fault, words) => {
    const check = tokens({ tokenTimeoutMs: 400 });
    const known = keystone.issue();
    if (fault.on === get) expect(await check.callerOf(known)).not.toBeNull();
    keystone.fail(fault);
    const fresh = keystone.issue();
    const error = await refusal(check.callerOf(fresh));
    expect(error.message).toMatch(words);
    expect(error.message).toMatch(/^Keystone /);
    if (fault.on === get) expect(await check.callerOf(known)).not.toBeNull();
    expect(warned).toEqual([error.message]);
    expect(inspect(error, { depth: 10 })).not.toMatch(
      new RegExp(`${fresh}|${servicePassword}|127\\.0\\.0\\.1:\\d+/v3`),
    );
    keystone.fail();
    expect(await check.callerOf(fresh)).not.toBeNull();
  });

  it('is left alone after several failures, and found again', async () => {
    const check = tokens({ tokenTimeoutMs: 200 });
    keystone.fail({ on: /./, how: 'hang' });
    for (let i = 0; i < 5; i++) await refusal(check.callerOf(keystone.issue()));
    const asked = keystone.seen.length;
    const error = await refusal(check.callerOf(keystone.issue()));
    expect(error.message).toMatch(/failed 5 times in a row, and is asked again in 1 s/);
    expect(keystone.seen.length).toBe(asked);
    keystone.fail();
    const token = keystone.issue();
    const again = () => check.callerOf(token).catch(() => null);
    await expect.poll(again, { timeout: 10_000 }).not.toBeNull();
    expect(warned.at(-1)).toBe('Keystone works again');
  });

  it('that fails at single tokens is asked about others all the same', async () => {
    const check = tokens();
    for (const status of [500, 403]) {
      keystone.fail({ on: get, times: 10, how: { status } });
      for (let i = 0; i < 10; i++) await refusal(check.callerOf(keystone.issue()));
      expect(await check.callerOf(keystone.issue())).not.toBeNull();
    }
  });

  it('is asked about few tokens at once', async () => {
    const check = tokens({ tokenTimeoutMs: 300 });
    await check.callerOf(keystone.issue());
    keystone.fail({ on: get, how: 'hang' });
    const before = keystone.validations();
    await Promise.all(Array.from({ length: 100 }, () => refusal(check.callerOf(keystone.issue()))));
    expect(keystone.validations() - before).toBeLessThanOrEqual(32);
  });
});

describe('a look at Keystone', () => {
  it('tells who we are there', async () => {
    expect(await tokens().probe()).toMatchObject({ user: 'vitrine', roles: ['admin', 'service'] });
    expect((await refusal(tokens({ password: 'wrong' }).probe())).message).toMatch(/credentials/);
  });
});

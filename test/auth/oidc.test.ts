/** JWTs of a real OpenID Connect provider, and some that nobody should take. */
import { createHmac, generateKeyPairSync } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { SignJWT } from 'jose';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type OidcTokensOptions, oidcTokens } from '../../src/auth/oidc.ts';
import { UnauthenticatedError, UnavailableError } from '../../src/domain/errors.ts';
import { type IdentityProvider, identityProvider } from '../support/identity-provider.ts';

let provider: IdentityProvider;
beforeAll(async () => {
  provider = await identityProvider();
});
afterAll(() => provider.goAway());

const warned: string[] = [];
const watch = { asked: () => {}, warn: (message: string) => void warned.push(message) };

function tokens(changed: Partial<OidcTokensOptions> = {}) {
  return oidcTokens(
    {
      issuer: provider.issuer,
      audience: ['vitrine'],
      claims: { user: 'sub', project: 'project_id', roles: 'realm_access.roles' },
      algorithms: ['RS256', 'ES256'],
      leewayMs: 1_000,
      connectTimeoutMs: 1_000,
      answerTimeoutMs: 2_000,
      ...changed,
    },
    watch,
  );
}

/** Longer than the pause between two looks at the keys because of an unknown one. */
const pause = () => sleep(1_100);
const claims = { project_id: 'blue', realm_access: { roles: ['Member', 'offline_access'] } };

async function refusal(promise: Promise<unknown>): Promise<string> {
  const error = await promise.catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(UnauthenticatedError);
  return (error as Error).message;
}

test('a token of the issuer is the caller that its claims name', async () => {
  const check = tokens();
  expect(await check.callerOf(await provider.token(claims))).toMatchObject({
    user: 'panel',
    project: 'blue',
    roles: ['member', 'offline_access'],
    isAdmin: false,
  });
  const bare = await check.callerOf(await provider.token());
  expect(bare).toMatchObject({ user: 'panel', project: null, roles: [] });
});

test.each([
  ['a text with spaces', { roles: 'reader  admin' }, 'roles', ['reader', 'admin']],
  ['a name with dots in it', { 'https://x.org/roles': ['admin'] }, 'https://x.org/roles', ['admin']],
  ['a way down', { a: { b: { c: ['reader'] } } }, 'a.b.c', ['reader']],
  ['nothing of the kind', { a: 'text' }, 'a.b.c', []],
  ['what every object has', {}, 'constructor.name', []],
])('roles may be %s', async (_what, given, roles, expected) => {
  const check = tokens({ claims: { user: 'sub', project: 'project_id', roles } });
  expect(await check.callerOf(await provider.token(given))).toMatchObject({ roles: expected });
});

test.each([
  ['no user', {}, { user: 'username', project: 'p', roles: 'r' }, /no claim username/],
  ['a number for a project', { p: 7 }, { user: 'sub', project: 'p', roles: 'r' }, /claim p .* not a text/],
  ['a NUL in a project', { p: 'a\0b' }, { user: 'sub', project: 'p', roles: 'r' }, /claim p .* not a text/],
  [
    'an object for roles',
    { r: { admin: true } },
    { user: 'sub', project: 'p', roles: 'r' },
    /claim r .* neither/,
  ],
])('a token with %s is refused with the name of the claim', async (_what, given, names, words) => {
  const check = tokens({ claims: names });
  expect(await refusal(check.callerOf(await provider.token(given)))).toMatch(words);
});

test('a token for another audience, or that has expired, is refused with the reason', async () => {
  const check = tokens({ leewayMs: 0 });
  const other = await provider.token(claims, { audience: 'elsewhere' });
  expect(await refusal(check.callerOf(other))).toMatch(/another audience/);
  expect(await tokens({ audience: ['x', 'elsewhere'] }).callerOf(other)).not.toBeNull();
  const brief = await provider.token(claims, { seconds: 1 });
  await sleep(1_100);
  expect(await refusal(check.callerOf(brief))).toMatch(/has expired/);
  expect(await tokens({ leewayMs: 60_000 }).callerOf(brief)).not.toBeNull();
});

test('what others signed, or nobody, is refused, and what is no token of the issuer is left to others', async () => {
  const check = tokens();
  const good = await provider.token(claims);
  const [head = '', body = '', signature = ''] = good.split('.');
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const { kid } = JSON.parse(Buffer.from(head, 'base64url').toString());
  const published = await (await fetch(`${provider.issuer}/jwks`)).json();
  const hs = `${part({ alg: 'HS256', kid })}.${body}`;
  const mac = createHmac('sha256', JSON.stringify(published)).update(hs).digest('base64url');
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 2048 });
  const forged = (header: { kid?: string }, about: { issuer?: string } = {}) =>
    new SignJWT({ ...claims })
      .setProtectedHeader({ alg: 'RS256', ...header })
      .setIssuer(about.issuer ?? provider.issuer)
      .setAudience('vitrine')
      .setSubject('panel')
      .setExpirationTime('1h')
      .sign(privateKey);
  const admin = part({
    ...JSON.parse(Buffer.from(body, 'base64url').toString()),
    realm_access: { roles: ['admin'] },
  });

  for (const bad of [
    `${part({ alg: 'none' })}.${body}.`,
    `${part({ alg: 'none' })}.${body}.${signature}`,
    `${hs}.${mac}`,
    `${head}.${admin}.${signature}`,
    `${head}.${body}.${signature.slice(0, -8)}AAAAAAAA`,
    await forged({ kid }),
    await forged({ kid: 'another' }),
    await forged({}),
  ]) {
    expect(await refusal(check.callerOf(bad))).not.toContain(bad);
  }
  for (const foreign of [
    'gAAAAABl-a-token-of-keystone',
    'a.b.c',
    `${head}.${part({ no: 'issuer' })}.${signature}`,
    await forged({ kid }, { issuer: 'https://elsewhere.example.org' }),
    await forged({ kid }, { issuer: `${provider.issuer}/` }),
  ]) {
    expect(await check.callerOf(foreign)).toBeNull();
  }
  expect(await check.callerOf(good)).not.toBeNull();
});

test('algorithms that are not allowed are refused, though the issuer signs with them', async () => {
  const check = tokens({ algorithms: ['ES256'] });
  expect(await refusal(check.callerOf(await provider.token(claims)))).toMatch(
    /algorithm that is not allowed/,
  );
});

test('a new key of the issuer is found by the first token that names it, and one taken away is forgotten', async () => {
  const check = tokens();
  const before = await provider.token(claims);
  expect(await check.callerOf(before)).not.toBeNull();
  await provider.rotate();
  await pause();
  const after = await provider.token(claims);
  const fetches = provider.keyFetches;
  expect(await Promise.all(Array.from({ length: 50 }, () => check.callerOf(after)))).not.toContain(null);
  expect(provider.keyFetches - fetches).toBe(1);
  expect(await check.callerOf(before)).not.toBeNull();
  provider.forgetOldKeys();
  expect(await refusal(tokens().callerOf(before))).toMatch(/key that the issuer does not have/);
});

test('while the issuer is away known keys go on, and whatever needs it is UNAVAILABLE until it is back', async () => {
  const check = tokens();
  const known = await provider.token(claims);
  expect(await check.callerOf(known)).not.toBeNull();
  await provider.rotate();
  const fresh = await provider.token(claims);
  await pause();
  await provider.goAway();
  expect(await check.callerOf(known)).not.toBeNull();
  await expect(check.callerOf(fresh)).rejects.toThrow(UnavailableError);
  const late = tokens();
  await expect(late.callerOf(known)).rejects.toThrow(/identity provider cannot be reached/);
  await expect(late.probe()).rejects.toThrow(UnavailableError);
  await provider.comeBack();
  expect(await check.callerOf(fresh)).not.toBeNull();
  expect(await late.callerOf(known)).not.toBeNull();
});

test('an issuer that calls itself otherwise is not taken for the one of the settings', async () => {
  const issuer = provider.issuer.replace('127.0.0.1', 'localhost');
  await expect(tokens({ issuer }).probe()).rejects.toThrow(/calls itself otherwise/);
});

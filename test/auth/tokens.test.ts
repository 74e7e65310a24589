import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { authenticateWith } from '../../src/auth/authenticate.ts';
import { ensureTokensFile, openTokensFile } from '../../src/auth/tokens.ts';

let dir: string;
let path: string;
beforeEach(async () => {
  dir = await mkdtemp(join(tmpdir(), 'vitrine-tokens-'));
  path = join(dir, 'tokens.json');
});
afterEach(() => rm(dir, { recursive: true, force: true }));

const entry = (token: string, role = 'member') => ({ token, user: 'u', project: 'p', roles: [role] });

test('the first start makes one admin and one member with random tokens, for its owner only', async () => {
  await ensureTokensFile(path);
  const entries = JSON.parse(await readFile(path, 'utf8'));
  expect(entries.map((e: { roles: string[] }) => e.roles)).toEqual([['admin'], ['member']]);
  expect(new Set(entries.map((e: { token: string }) => e.token)).size).toBe(2);
  expect((await stat(path)).mode & 0o777).toBe(0o600);
  await ensureTokensFile(path);
  expect(JSON.parse(await readFile(path, 'utf8'))).toEqual(entries);
});

test('a change of the file is seen without a restart; a wrong one changes nothing and is reported once', async () => {
  await writeFile(path, JSON.stringify([entry('old')]));
  const warn = vi.fn();
  const tokens = await openTokensFile(path, warn);
  expect(await tokens.callerOf('old')).toMatchObject({ user: 'u', project: 'p', isAdmin: false });
  expect(await tokens.callerOf('new')).toBeNull();

  await writeFile(path, JSON.stringify([entry('new', 'admin')]));
  await expect.poll(() => tokens.callerOf('new'), { timeout: 3000 }).toMatchObject({ isAdmin: true });
  expect(await tokens.callerOf('old')).toBeNull();

  await writeFile(path, '[{"token": "half');
  const reported = async () => {
    await tokens.callerOf('new');
    return warn.mock.calls.length;
  };
  await expect.poll(reported, { timeout: 3000 }).toBe(1);
  expect(await tokens.callerOf('new')).toMatchObject({ isAdmin: true });
});

test.each([
  ['not JSON', 'nonsense', /is not JSON/],
  ['no list', '{}', /not a list of tokens/],
  ['an unknown role', JSON.stringify([entry('t0p-secret', 'boss')]), /0\.roles\.0/],
  ['an unknown key', JSON.stringify([{ ...entry('t0p-secret'), rolls: [] }]), /rolls/],
  ['no role', JSON.stringify([{ ...entry('t0p-secret'), roles: [] }]), /needs a role/],
  ['a token twice', JSON.stringify([entry('t0p-secret'), entry('t0p-secret')]), /twice/],
])('a file with %s is refused at start, without any token in the words', async (_what, content, words) => {
  await writeFile(path, content);
  const error = await openTokensFile(path, () => {}).catch((e: Error) => e);
  expect(String(error)).toMatch(words);
  expect(String(error)).toMatch(/VITRINE_TOKENS_FILE/);
  expect(String(error)).not.toContain('t0p-secret');
});

test('a token comes as X-Auth-Token or as a bearer, and two that differ are refused', async () => {
  await writeFile(path, JSON.stringify([entry('one'), entry('two')]));
  const authenticate = authenticateWith([await openTokensFile(path, () => {})]);
  expect(await authenticate({ 'x-auth-token': 'one' })).toMatchObject({ project: 'p' });
  expect(await authenticate({ authorization: 'bearer one' })).toMatchObject({ project: 'p' });
  expect(await authenticate({ 'x-auth-token': 'one', authorization: 'Bearer one' })).toMatchObject({
    project: 'p',
  });
  expect(await authenticate({})).toMatchObject({ isAnonymous: true });
  expect(await authenticate({ authorization: 'Basic one' })).toMatchObject({ isAnonymous: true });
  await expect(authenticate({ 'x-auth-token': 'one', authorization: 'Bearer two' })).rejects.toThrow(
    /different tokens/,
  );
  await expect(authenticate({ 'x-auth-token': 'nobody' })).rejects.toThrow(/not known/);
  await expect(authenticate({ 'x-auth-token': 'one, one' })).rejects.toThrow(/not known/);
});

/** `vitrine token`: what an operator makes, lists and revokes. */
import { userInfo } from 'node:os';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { listRobotTokens, newRobotToken, revokeRobotToken } from '../../src/admin/token.ts';
import type { Config } from '../../src/config/config.ts';
import type { Database } from '../../src/db/client.ts';
import { commandSurroundings } from '../support/command-surroundings.ts';

let config: Config;
let db: Database;
let end: () => Promise<void>;
beforeAll(async () => {
  ({ config, db, end } = await commandSurroundings());
});
afterAll(() => end?.());

/** What it printed on standard output. */
async function printed(work: () => Promise<unknown>): Promise<string> {
  const lines: string[] = [];
  const log = vi.spyOn(console, 'log').mockImplementation((line) => void lines.push(String(line)));
  const error = vi.spyOn(console, 'error').mockImplementation(() => {});
  try {
    await work();
  } finally {
    log.mockRestore();
    error.mockRestore();
  }
  return lines.join('\n');
}

const flags = { project: 'demo', name: 'scanner', readOnly: true, json: false };

test('a token is made for what a search finds, told once, listed, revoked, and each in the audit log', async () => {
  const made = { ...flags, role: ['service', 'reader'], images: 'os_distro:ubuntu', expires: '90d' };
  const secret = await printed(() => newRobotToken(config, made));
  expect(secret).toMatch(/^vtr_[0-9a-f]{72}$/);
  const listed = await printed(() => listRobotTokens(config, { json: true }));
  expect(listed).not.toContain(secret.slice(4, 60));
  const token = JSON.parse(listed);
  expect(token).toMatchObject({ project: 'demo', user: null, roles: ['reader', 'service'], readOnly: true });
  expect(JSON.stringify(token.imageFilter)).toContain('ubuntu');
  const days = (Date.parse(token.expiresAt) - Date.parse(token.createdAt)) / 86_400_000;
  expect(Math.round(days)).toBe(90);
  await printed(() => revokeRobotToken(config, token.id));
  expect(await printed(() => listRobotTokens(config, { json: true }))).toBe('');
  const rows = await db.query(
    `select action, actor_kind as kind, actor_user as "user", object_id as id, object_owner as owner
     from audit_log where object_type = 'token' order by id`,
    [],
  );
  const about = { kind: 'operator', user: userInfo().username, id: token.id, owner: 'demo' };
  expect(rows).toEqual([
    { action: 'createToken', ...about },
    { action: 'revokeToken', ...about },
  ]);
});

test.each([
  ['no role', { role: ['boss'] }, /"boss" is no role; there are admin, member, reader, service/],
  ['no time', { expires: 'soon' }, /--expires.+is a while, such as 12h or 90d/],
  ['an order', { images: 'sort:name' }, /not in which order/],
  ['no search', { images: 'size:many' }, /./],
])('%s makes no token', async (_what, more, message) => {
  await expect(newRobotToken(config, { ...flags, ...more })).rejects.toThrow(message);
  expect(await printed(() => listRobotTokens(config, { json: true }))).toBe('');
});

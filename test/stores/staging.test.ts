import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { NotFoundError, UnavailableError } from '../../src/domain/errors.ts';
import { stagingStore } from '../../src/stores/staging.ts';
import { collect } from '../support/bytes.ts';

const root = mkdtempSync(join(tmpdir(), 'vitrine-staging-'));
const id = 'staging-1f2e';
beforeAll(() => {
  mkdirSync(join(root, 'good'));
  writeFileSync(join(root, 'broken'), '');
});
afterAll(() => rmSync(root, { recursive: true, force: true }));

const failureOf = (work: Promise<unknown>) =>
  work.then(
    () => new Error('It worked.'),
    (reason: unknown) => reason as Error,
  );

test('what fails of the staging area names neither its id nor a key', async () => {
  const good = stagingStore({ id, path: join(root, 'good') });
  const writer = await good.create('some.key', { size: 2 });
  await writer.write(Buffer.from('ok'));
  await writer.commit();
  expect((await collect(await good.read('some.key'))).toString()).toBe('ok');

  const missing = await failureOf(good.read('other.key'));
  const taken = await failureOf(good.create('some.key', { size: 2 }));
  const full = await failureOf(good.create('large.key', { size: 2 ** 52 }));
  const broken = stagingStore({ id, path: join(root, 'broken') });
  const refused = await failureOf(broken.create('some.key', { size: 2 }));
  expect(missing).toBeInstanceOf(NotFoundError);
  expect(full).toMatchObject({ reason: 'full', store: null });
  expect(refused).toBeInstanceOf(UnavailableError);
  expect(refused).toMatchObject({ reason: 'refused', store: null });
  for (const { message } of [missing, taken, full, refused]) {
    expect(message).toContain('The staging area');
    expect(message).not.toMatch(/1f2e|key/);
  }
});

/** `vitrine quota`: what an operator reads, sets and checks. */
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { checkQuotas, listProjectQuotas, setProjectQuota, unsetProjectQuota } from '../../src/admin/quota.ts';
import type { Config } from '../../src/config/config.ts';
import type { Database } from '../../src/db/client.ts';
import { findDrift } from '../../src/db/usage-sums.ts';
import { commandSurroundings } from '../support/command-surroundings.ts';

let config: Config;
let db: Database;
let end: () => Promise<void>;
beforeAll(async () => {
  ({ config, db, end } = await commandSurroundings());
});
afterAll(() => end?.());

/** What it printed. */
async function printed(work: () => Promise<unknown>): Promise<string> {
  const lines: string[] = [];
  const spies = (['log', 'error'] as const).map((name) =>
    vi.spyOn(console, name).mockImplementation((line) => void lines.push(String(line))),
  );
  try {
    await work();
  } finally {
    for (const spy of spies) spy.mockRestore();
  }
  return lines.join('\n');
}

test('limits are set, listed and taken away; mistakes are told', async () => {
  const limits = ['bytes=2TiB', 'image_count_total=5', 'uploads=none'];
  expect(await printed(() => setProjectQuota(config, 'blue', limits))).toContain('0 B of 2.0 TiB');
  const listed = await printed(() => listProjectQuotas(config, undefined, { json: true }));
  expect(JSON.parse(listed)).toEqual({
    project: 'blue',
    quotas: [
      { resource: 'image_count_total', unit: 'COUNT', limit: 5, used: 0 },
      { resource: 'image_size_total', unit: 'BYTES', limit: 2 * 2 ** 40, used: 0 },
      { resource: 'image_stage_total', unit: 'BYTES', limit: null, used: 0 },
      { resource: 'image_count_uploading', unit: 'COUNT', limit: null, used: 0 },
    ],
  });
  const unset = await printed(() => unsetProjectQuota(config, 'blue', ['bytes']));
  expect(unset).toMatch(/image_size_total +0 B of no limit/);
  await printed(() => unsetProjectQuota(config, 'blue', []));
  expect(await printed(() => listProjectQuotas(config, undefined, { json: false }))).toMatch(/^No project/);
});

test.each([
  ['cores=1', /no quota "cores"/],
  ['bytes=-1', /bytes is a number of bytes/],
  ['bytes=9999999999999999999', /bytes is a number of bytes/],
  ['images=many', /images is a whole number/],
  ['images', /a whole number/],
])('%s is no limit, and told so', async (limit, message) => {
  await expect(setProjectQuota(config, 'blue', [limit])).rejects.toThrow(message);
});

test('sums that are wrong are found and counted anew', async () => {
  await db.query(
    `with made as (insert into images (id, status, visibility, owner, kind, size)
       values (gen_random_uuid(), 'active', 'private', 'red', 'disk', 9) returning id)
     insert into image_copies (image_id, store, key, state, size, owner) select id, 'x', 'k', 'active', 9, 'red' from made`,
    [],
  );
  expect(await findDrift(db)).toEqual([]);
  await db.query(`insert into project_usage (owner, staged, bytes) values ('red', false, 5)`, []);
  await db.query(`update image_value_counts set images = images + 1 where name = ''`, []);
  const found = await printed(async () => {
    expect(await checkQuotas(config, { repair: false })).toBe(false);
  });
  expect(found).toContain('kept 14, counted 9');
  expect(found).toContain('image_count_total');
  await printed(async () => {
    expect(await checkQuotas(config, { repair: true })).toBe(true);
  });
  expect(await findDrift(db)).toEqual([]);
});

/** `vitrine scrub` and `vitrine fsck` beside a server that runs; and killed while they heal. */
import { randomUUID } from 'node:crypto';
import { copyFileSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, inject, test } from 'vitest';
import { objectKey } from '../../src/domain/object-key.ts';
import { someBytes } from '../support/bytes.ts';
import { fetchBytes, newImage, put } from '../support/images.ts';
import { anInstallation } from '../support/installation.ts';
import { only } from '../support/size.ts';
import { until } from '../support/until.ts';

const here = only({ from: 'ci' });
const bytes = someBytes(1_000_000);

test.skipIf(here.skip)(
  `scrub and fsck heal beside a server, and a kill of one does no harm${here.why}`,
  { timeout: 180_000 },
  async () => {
    const place = await anInstallation(inject('database'));
    const dirs = { near: join(place.dataDir, 'near'), far: join(place.dataDir, 'far') };
    for (const dir of Object.values(dirs)) mkdirSync(dir, { mode: 0o777 });
    const file = join(place.dataDir, 'vitrine.yaml');
    writeFileSync(
      file,
      `stores:
  - { id: near, type: file, path: ${dirs.near}, weight: 2, default: true }
  - { id: far, type: file, path: ${dirs.far} }
scrub: { sizes: never, deep: never }
`,
    );
    const env = { VITRINE_CONFIG: file };
    const command = async (...args: string[]) => {
      const program = place.run(args, { env });
      return { code: (await program.exited).code, output: program.output() };
    };
    const keyIn = async (store: string) => {
      const text = `select key from image_copies where store = $1::text and state = 'active'`;
      return (await place.db.query<{ key: string }>(text, [store]))[0]?.key ?? '';
    };
    const pathOf = (store: keyof typeof dirs, key: string) => join(dirs[store], key.slice(0, 2), key);
    const filesIn = (store: keyof typeof dirs) =>
      readdirSync(dirs[store], { recursive: true, withFileTypes: true })
        .filter((entry) => entry.isFile())
        .map(({ name }) => name);
    try {
      const server = await place.serve({ env });
      const id = await newImage(server);
      expect((await put(server, id, bytes)).status).toBe(204);
      // On a slow machine a minute is over before the end, and the server itself would find what is spoilt here.
      await place.db.query(`select graphile_worker.remove_job('digest:' || $1::text)`, [id]);
      const near = await keyIn('near');
      const far = near.replace(/\.[^.]*$/, '.0123456789ab');
      mkdirSync(dirname(pathOf('far', far)), { recursive: true });
      copyFileSync(pathOf('near', near), pathOf('far', far));
      await place.db.query(
        `insert into image_copies (image_id, store, key, state, size) values ($1::uuid, 'far', $2, 'active', $3)`,
        [id, far, bytes.length],
      );
      expect(await command('scrub')).toMatchObject({ code: 0 });
      expect(await command('fsck')).toMatchObject({ code: 0 });

      const spoilt = Buffer.from(bytes);
      spoilt[500_000] = (spoilt[500_000] ?? 0) ^ 4;
      writeFileSync(pathOf('near', near), spoilt);
      expect(await command('scrub')).toMatchObject({ code: 0 }); // sizes are as they should be
      const found = await command('scrub', '--deep', '--rate', '100MiB', '--store', 'near', '--json');
      expect(found.code).toBe(1);
      expect(JSON.parse(found.output.split('\n')[0] ?? '')).toMatchObject({
        image: id,
        store: 'near',
        code: 'OTHER_BYTES',
        outcome: 'healed',
      });
      expect(await command('scrub', '--deep')).toMatchObject({ code: 0 });

      writeFileSync(pathOf('near', await keyIn('near')), spoilt.subarray(1));
      const healing = place.run(['scrub', '--rate', '200KiB'], { env });
      const isHealing = `select 1 from image_copies where lease_until is not null`;
      await until(async () => (await place.db.query(isHealing, [])).length > 0);
      await until(() => filesIn('near').some((name) => name.endsWith('.part')));
      await healing.end('SIGKILL');
      expect((await fetchBytes(server, id)).equals(bytes)).toBe(true);
      const over = `now() - interval '1 second'`;
      await place.db.query(`update image_copies set lease_until = ${over} where lease_until is not null`, []);
      await place.db.query(`update leases set held_until = ${over}`, []);
      await place.reapNow();
      await until(() => filesIn('near').length === 1);
      const again = await command('scrub');
      expect(again.code).toBe(1);
      expect(again.output).toContain(`image ${id}  store near  OTHER_SIZE  healed`);
      await until(() => filesIn('near').length === 1);
      expect(readFileSync(pathOf('near', await keyIn('near'))).equals(bytes)).toBe(true);

      await server.end('SIGTERM');
      writeFileSync(join(dirs.far, 'xx.stray'), 'nobody');
      const stray = objectKey(randomUUID(), '0123456789ab');
      mkdirSync(dirname(pathOf('far', stray)), { recursive: true });
      writeFileSync(pathOf('far', stray), 'nobody');
      const listed = await command('fsck', '--json', '--repair');
      expect(listed.code).toBe(1);
      expect(listed.output).toContain(
        `"kind":"OBJECT_WITHOUT_ROW","store":"far","key":"${stray}","since":null,"outcome":"waits"`,
      );
      expect(readFileSync(pathOf('far', stray), 'utf8')).toBe('nobody');
      expect(readFileSync(join(dirs.far, 'xx.stray'), 'utf8')).toBe('nobody');
      expect((await command('scrub', '--store', 'fra')).output).toContain('there is: near, far');
    } finally {
      await place.remove();
    }
  },
);

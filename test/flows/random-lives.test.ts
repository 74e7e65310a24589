/** Images created, uploaded, staged, imported, copied and deleted at random, while processes are killed: what is left is exact. */
import { createHash } from 'node:crypto';
import { mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { someBytes } from '../support/bytes.ts';
import { type Access, ask, beginUpload, newImage } from '../support/images.ts';
import { anInstallation, type Installation, type Program, type Serving } from '../support/installation.ts';
import { seed } from '../support/seed.ts';
import { sized } from '../support/size.ts';
import { until } from '../support/until.ts';

const bytes = someBytes(700_000);
const md5 = createHash('md5').update(bytes).digest('hex');
const lives = sized({ quick: 5, ci: 200, full: 1_000 });

/** One image's life. Numbers are parts of the bytes, or milliseconds. */
interface Life {
  begins: 'upload' | 'staged' | 'web' | 'nothing';
  /** How much of the body is sent before the client goes; 1: all. */
  sent: number;
  deletedAfter: number | null;
  copies: boolean;
}

const life: fc.Arbitrary<Life> = fc.record({
  begins: fc.constantFrom('upload', 'upload', 'staged', 'web', 'web', 'nothing'),
  sent: fc.oneof(fc.constant(1), fc.constant(1), fc.double({ min: 0, max: 0.99, noNaN: true })),
  deletedAfter: fc.option(fc.integer({ min: 0, max: 600 }), { freq: 2 }),
  copies: fc.boolean(),
});

let installation: Installation;
let web: Server;
let settings: string;
beforeAll(async () => {
  web = createServer((_request, response) => {
    response.writeHead(200, { 'content-length': bytes.length });
    response.write(bytes.subarray(0, 300_000));
    setTimeout(() => response.end(bytes.subarray(300_000)), 30);
  });
  await new Promise<void>((resolve) => web.listen(0, '127.0.0.1', resolve));
  installation = await anInstallation(inject('database'));
  settings = join(installation.dataDir, 'vitrine.yaml');
  // Nothing can be written into a file that stands in place of a directory.
  writeFileSync(join(installation.dataDir, 'broken'), '');
  const stores = ['one', 'two', 'broken'].map(
    (id) => `  - { id: ${id}, type: file, path: ${join(installation.dataDir, id)} }\n`,
  );
  for (const id of ['one', 'two']) mkdirSync(join(installation.dataDir, id));
  writeFileSync(settings, `stores:\n${stores.join('')}imports: { egress: { allow: ["${webHost()}"] } }\n`);
});
afterAll(async () => {
  await installation?.remove();
  web?.closeAllConnections();
  web?.close();
});

const webHost = () => `127.0.0.1:${(web.address() as AddressInfo).port}`;
const env = () => ({ VITRINE_CONFIG: settings, VITRINE_LOG_LEVEL: 'warn' });

/** Whatever the server answers, or that it does not: both are part of life here. */
const quietly = <T>(work: Promise<T>): Promise<T | null> => work.catch(() => null);

const importOf = (access: Access, input: object) =>
  ask(
    access,
    `mutation ($input: ImportImageInput!) { importImage(input: $input) { __typename ... on Error { message } } }`,
    { input },
  );

async function send(access: Access, id: string, { to, sent }: { to: 'file' | 'stage'; sent: number }) {
  const upload = beginUpload(access, id, { length: bytes.length, to });
  const part = bytes.subarray(0, Math.floor(bytes.length * sent));
  if (sent === 1) upload.request.end(part);
  else upload.request.write(part, () => setTimeout(upload.reset, 5));
  await quietly(upload.answer);
}

async function live(access: Access, { begins, sent, deletedAfter, copies }: Life): Promise<void> {
  const id = await quietly(newImage(access));
  if (id === null) return;
  const gone =
    deletedAfter === null
      ? null
      : sleep(deletedAfter).then(() =>
          quietly(
            ask(access, 'mutation ($id: ID!) { deleteImage(input: { id: $id }) { __typename } }', { id }),
          ),
        );
  if (begins === 'upload') await send(access, id, { to: 'file', sent });
  if (begins === 'staged') await send(access, id, { to: 'stage', sent });
  if (begins === 'staged') await quietly(importOf(access, { id, method: { staged: true }, allStores: true }));
  if (begins === 'web') {
    const method = { webDownload: { url: `http://${webHost()}/` } };
    const stores = copies ? { allStores: true, allMustSucceed: false } : { stores: ['one'] };
    await quietly(importOf(access, { id, method, ...stores }));
  }
  // Too early for most: whoever comes in time has a second copy made beside all the rest.
  if (copies)
    await quietly(
      importOf(
        { ...access, token: installation.adminToken },
        { id, method: { copy: true }, stores: ['two'] },
      ),
    );
  await gone;
}

test(
  `${lives} random lives of images with kills leave no byte without a row, and no row without its bytes`,
  async () => {
    const all = fc.sample(life, { seed, numRuns: lives });
    let server: Serving = await installation.serve({ env: env() });
    let worker: Program = installation.run(['work'], { env: env() });
    let next = 0;
    const living = Array.from({ length: 4 }, async () => {
      for (;;) {
        const one = all[next++];
        if (!one) return;
        await live(server, one);
      }
    });
    // Each in its turn, at places of the lives that nobody chose.
    const kills = sized({ quick: 1, ci: 8, full: 30 });
    for (let kill = 1; kill <= kills; kill++) {
      await until(() => next >= Math.floor((lives * kill) / (kills + 1)));
      if (kill % 2 === 1) {
        await worker.end('SIGKILL');
        worker = installation.run(['work'], { env: env() });
      } else {
        await server.end('SIGKILL');
        server = await installation.serve({ env: env() });
      }
    }
    await Promise.all(living);
    await settled();
    await expectExact(server);
  },
  sized({ quick: 90_000, ci: 240_000, full: 1_200_000 }),
);

/** Nobody writes any more, and everything that was given up has been removed. */
async function settled(): Promise<void> {
  const { db } = installation;
  await until(async () => {
    await installation.endLeases();
    await db.query(
      "update workers set seen_at = seen_at - interval '1 minute' where seen_at < now() - interval '7 s'",
      [],
    );
    await installation.reapNow();
    await sleep(500);
    const [row] = await db.query<{ busy: number }>(
      `select (select count(*) from tasks where status in ('pending', 'processing'))
            + (select count(*) from images where lease_until is not null)
            + (select count(*) from stray_objects where released and store <> 'broken') as busy`,
      [],
    );
    return row?.busy === 0;
  });
}

async function expectExact(server: Access): Promise<void> {
  const { db, dataDir } = installation;
  const rows = await db.query<{ key: string; size: number }>(
    "select key, size from image_copies where state in ('active', 'staged') order by key",
    [],
  );
  const files = ['one', 'two', 'staged'].flatMap((folder) =>
    readdirSync(join(dataDir, folder), { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile())
      .map((entry) => ({ key: entry.name, size: statSync(join(entry.parentPath, entry.name)).size })),
  );
  expect(
    files.sort((a, b) => (a.key < b.key ? -1 : 1)),
    `seed ${seed}`,
  ).toEqual(rows);
  const strange = await db.query(
    `select i.id, i.status, i.checksum, c.states from images i,
       lateral (select coalesce(array_agg(state), '{}') as states from image_copies where image_id = i.id) c
     where not case i.status
       when 'active' then i.checksum = $1::text and i.size = $2::int and 'active' = any(c.states)
       when 'queued' then i.size is null and not c.states && '{active,pending,uploading,staged,staging}'
       when 'uploading' then c.states = '{staged}' else false end`,
    [md5, bytes.length],
  );
  expect(strange, `seed ${seed}`).toEqual([]);
  expect(
    (await ask<{ images: { totalCount: number } }>(server, '{ images { totalCount } }')).images.totalCount,
  ).toBe((await db.query('select 1 from images', [])).length);
}

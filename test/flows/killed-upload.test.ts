/**
 * The server killed (SIGKILL) at every step of an upload. Whatever the moment: no answer said that the bytes are
 * there when they are not, the restarted server gives the image back for a retry or has it exactly, and nothing
 * is in the store that no row knows of.
 */
import { afterEach, beforeEach, expect, inject, test } from 'vitest';
import type { Order, Report, Step } from '../support/breakable-server.ts';
import { someBytes } from '../support/bytes.ts';
import { filesBelow, findDamage } from '../support/damage.ts';
import { type DatabaseProxy, databaseProxy } from '../support/database-proxy.ts';
import { beginUpload, fetchBytes, findImage, mutate, newImage, put, send } from '../support/images.ts';
import { anInstallation, type Installation, type Serving } from '../support/installation.ts';
import { only, sized } from '../support/size.ts';
import { until } from '../support/until.ts';

let proxy: DatabaseProxy;
let installation: Installation;
beforeEach(async () => {
  const database = inject('database');
  proxy = await databaseProxy(database);
  installation = await anInstallation(database, { via: proxy.through });
});
afterEach(async () => {
  await installation.remove();
  await proxy.close();
});

const bytes = someBytes(3_000_000);
const isSound = async () => (await findDamage(installation.db, installation.imagesDir)).length === 0;

/** Kills it and starts the next, whose reaper begins by itself, when no writer's lease holds any more. */
async function killAndRestart(server: Serving): Promise<Serving> {
  expect(await server.end('SIGKILL')).toEqual({ code: null, signal: 'SIGKILL' });
  proxy.cut();
  await installation.endLeases();
  const next = await installation.serve({ breakable: true });
  await until(isSound);
  return next;
}

/** Resolves once the server knows; `reached` resolves when it stands there. */
async function stopAt({ child }: Serving, step: Step): Promise<Reaching> {
  const isOf = (found: Step) => found.image === step.image;
  const said = (isIt: (report: Report) => boolean) =>
    new Promise<void>((resolve) => {
      const listen = (report: Report) => {
        if (!isIt(report)) return;
        child.off('message', listen);
        resolve();
      };
      child.on('message', listen);
    });
  const reached = said((report) => 'reached' in report && isOf(report.reached));
  const noted = said((report) => 'noted' in report && isOf(report.noted));
  child.send({ stopAt: step } satisfies Order);
  await noted;
  return { reached };
}

interface Reaching {
  reached: Promise<void>;
}
type Moment = [name: string, status: string, stop: (server: Serving, image: string) => Promise<Reaching>];

const inStore = (step: Omit<Step, 'image' | 'nth'>, nth = 1): Moment[2] => {
  return (server, image) => stopAt(server, { image, nth, ...step });
};
const atCommit = (moment: 'asked' | 'done'): Moment[2] => {
  return async (_server, image) => {
    const publishing = new RegExp(`update "image_copies"[^]*${image}`);
    return { reached: proxy.stopAtCommit(moment, publishing) };
  };
};

const moments: Moment[] = [
  ['before the store was told', 'QUEUED', inStore({ call: 'create', when: 'before' })],
  ['before the first byte', 'QUEUED', inStore({ call: 'create', when: 'after' })],
  ['in the middle', 'QUEUED', inStore({ call: 'write', when: 'after' }, 3)],
  ['after the last byte', 'QUEUED', inStore({ call: 'commit', when: 'before' })],
  ['when the file is there and no row says so', 'QUEUED', inStore({ call: 'commit', when: 'after' })],
  ['at the commit of the row', 'QUEUED', atCommit('asked')],
  ['after that commit, before the answer', 'ACTIVE', atCommit('done')],
];

const more = only({ from: 'ci' });

test.skipIf(more.skip)(
  `killed at each step of an upload, it gives the image back or has it exactly, and the retry works${more.why}`,
  {
    timeout: 180_000,
  },
  async () => {
    const server = await installation.serve({ breakable: true });
    const uploads: { name: string; id: string; status: string; answer: Promise<unknown> }[] = [];
    for (const [name, status, stop] of moments) {
      const id = await newImage(server, { name });
      const { reached } = await stop(server, id);
      const answer = put(server, id, bytes);
      answer.catch(() => {});
      await reached;
      uploads.push({ name, id, status, answer });
    }
    const again = await killAndRestart(server);
    for (const { name, id, status, answer } of uploads) {
      await expect(answer, name).rejects.toThrow();
      expect((await findImage(again, id))?.status, name).toBe(status);
      expect((await put(again, id, bytes)).status, name).toBe(status === 'QUEUED' ? 204 : 409);
      expect((await fetchBytes(again, id)).equals(bytes), name).toBe(true);
    }
    expect(await isSound()).toBe(true);
  },
);

test.skipIf(more.skip)(
  `killed while it removes the bytes of a deleted image, it leaves them to the next${more.why}`,
  {
    timeout: 120_000,
  },
  async () => {
    let server = await installation.serve({ breakable: true });
    for (const when of ['before', 'after'] as const) {
      const id = await newImage(server);
      expect((await put(server, id, bytes)).status).toBe(204);
      const { reached } = await stopAt(server, { image: id, call: 'remove', nth: 1, when });
      expect(await mutate(server, 'deleteImage', { id })).toMatchObject({ __typename: 'DeleteImagePayload' });
      await reached;
      expect(await filesBelow(installation.imagesDir)).toHaveLength(when === 'before' ? 1 : 0);
      server = await killAndRestart(server);
      expect(await findImage(server, id)).toBe(null);
      expect(await filesBelow(installation.imagesDir)).toEqual([]);
    }
  },
);

test.skipIf(more.skip)(
  `killed at random moments, many times over${more.why}`,
  { timeout: 600_000 },
  async () => {
    let server = await installation.serve();
    for (let round = 0; round < sized({ quick: 0, ci: 8, full: 300 }); round++) {
      const id = await newImage(server);
      const upload = beginUpload(server, id, { length: bytes.length });
      let acknowledged = false;
      upload.answer.then(
        ({ status }) => {
          acknowledged = status === 204;
        },
        () => {},
      );
      const offset = Math.floor(Math.random() * (bytes.length + 1));
      await send(upload, bytes.subarray(0, offset));
      if (Math.random() < 0.5) upload.request.end(bytes.subarray(offset));
      await new Promise((resolve) => setTimeout(resolve, Math.random() * 40));
      await server.end('SIGKILL');

      await installation.endLeases();
      server = await installation.serve();
      await until(isSound);
      const status = (await findImage(server, id))?.status;
      expect(acknowledged ? ['ACTIVE'] : ['QUEUED', 'ACTIVE'], `killed after ${offset} bytes`).toContain(
        status,
      );
      if (status === 'QUEUED') expect((await put(server, id, bytes)).status).toBe(204);
      expect((await fetchBytes(server, id)).equals(bytes)).toBe(true);
    }
  },
);

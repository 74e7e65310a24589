/** Two that want the bytes of one image at the same time: one wins whole, the other is told, nothing is left over. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { someBytes } from '../support/bytes.ts';
import { findDamage } from '../support/damage.ts';
import { beginUpload, fetchBytes, findImage, mutate, newImage, put, send } from '../support/images.ts';
import { anInstallation, type Installation, type Serving } from '../support/installation.ts';
import { sized } from '../support/size.ts';
import { until } from '../support/until.ts';

let installation: Installation;
/** Two servers on one database and one store directory. */
let one: Serving;
let other: Serving;
beforeAll(async () => {
  installation = await anInstallation(inject('database'));
  [one, other] = await Promise.all([installation.serve(), installation.serve()]);
});
afterAll(() => installation.remove());

const mine = someBytes(1_000_000, 1);
const yours = someBytes(1_500_000, 2);

/** Nothing is wrong once the tasks of the background have run. */
async function expectNoDamage(): Promise<void> {
  await until(async () => (await findDamage(installation.db, installation.imagesDir)).length === 0);
}

test('of two uploads at once one is taken and the other gets a conflict, on one server and on two', async () => {
  for (let round = 0; round < sized({ quick: 4, ci: 100, full: 10_000 }); round++) {
    const servers = [one, round % 2 === 0 ? one : other] as const;
    const id = await newImage(one);
    const answers = await Promise.all([put(servers[0], id, mine), put(servers[1], id, yours)]);
    expect(answers.map((answer) => answer.status).toSorted()).toEqual([204, 409]);
    const winner = answers[0]?.status === 204 ? mine : yours;
    expect((await fetchBytes(other, id)).equals(winner)).toBe(true);
  }
  await expectNoDamage();
});

test('an upload whose image is deleted meanwhile is told that it is gone, and its bytes go too', async () => {
  for (let round = 0; round < sized({ quick: 4, ci: 60, full: 5_000 }); round++) {
    const id = await newImage(one);
    const upload = beginUpload(one, id, { length: mine.length });
    await send(upload, mine.subarray(0, 400_000));
    await until(async () => (await findImage(one, id))?.status === 'SAVING');
    const deletion = mutate(round % 2 === 0 ? one : other, 'deleteImage', { id });
    // From 'the bytes are in while it is deleted' to 'they come when all is long over'.
    await sleep(round * 5);
    upload.request.end(mine.subarray(400_000));
    expect(await deletion).toMatchObject({ __typename: 'DeleteImagePayload' });
    const { status } = await upload.answer;
    expect(status, `round ${round}`).toSatisfy((code: number) => code === 410 || (code === 204 && round < 3));
    expect(await findImage(one, id)).toBe(null);
  }
  await expectNoDamage();
});

test('a writer that slept past its lease cannot publish over the one that came after it', async () => {
  const id = await newImage(one);
  const slow = beginUpload(one, id, { length: mine.length });
  await send(slow, mine.subarray(0, 400_000));
  await until(async () => (await findImage(other, id))?.status === 'SAVING');
  one.child.kill('SIGSTOP');
  await installation.endLeases();
  await installation.reapNow();
  await until(async () => (await findImage(other, id))?.status === 'QUEUED');
  expect((await put(other, id, yours)).status).toBe(204);
  one.child.kill('SIGCONT');
  slow.request.end(mine.subarray(400_000));
  expect((await slow.answer).status).toBe(409);
  expect((await fetchBytes(one, id)).equals(yours)).toBe(true);
  await expectNoDamage();
});

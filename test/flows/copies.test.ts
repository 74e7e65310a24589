/** An image with copies in several stores: read from whichever can be, and rid of one again. */
import { truncateSync, unlinkSync, writeFileSync } from 'node:fs';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { blockBytes } from '../../src/domain/blocks.ts';
import { someBytes } from '../support/bytes.ts';
import { type Copies, copiesServer, type Name, names } from '../support/copies.ts';
import { fetchBytes } from '../support/images.ts';
import { sized } from '../support/size.ts';
import { until } from '../support/until.ts';

const bytes = someBytes(3_000_001);
let copies: Copies;
beforeAll(async () => {
  copies = await copiesServer();
});
afterAll(() => copies?.stop());
afterEach(() => {
  for (const name of names) {
    copies.brittle[name].breakAfter(0, null);
    copies.brittle[name].onChunk = () => {};
  }
});

const status = async (id: string) => {
  const response = await copies.server.http(`/v2/images/${id}/file`, { token: copies.access.token });
  return [response.status, (await response.arrayBuffer()).byteLength];
};
const states = async (id: string) =>
  (await copies.rows(id)).map(({ store, state, damage }) => [store, state, damage?.code ?? null]);
const damageLogged = (id: string) =>
  copies.server.logged.filter((line) => line.includes(id) && line.includes('a copy is damaged')).length;

describe('a download', () => {
  test.each(['refuses', 'ends', 'hangs'] as const)('goes on from the next copy when one %s', async (how) => {
    const id = await copies.image(bytes, ['far']);
    copies.brittle.near.breakAfter(blockBytes + 100_000, how);
    copies.brittle.far.breakAfter(0, null);
    expect((await fetchBytes(copies.access, id)).equals(bytes)).toBe(true);
    expect(copies.brittle.near.beginnings).toEqual([0]);
    // What came of a block that did not come whole has not been sent.
    expect(copies.brittle.far.beginnings).toEqual([blockBytes]);
    // Not damaged: it has the bytes, and did not give them.
    expect(await states(id)).toEqual([
      ['far', 'active', null],
      ['near', 'active', null],
    ]);
  });

  test('of a range goes on at its place as well, over more than one failure', async () => {
    const id = await copies.image(bytes, ['far', 'third']);
    copies.brittle.near.breakAfter(blockBytes + 100_000, 'refuses');
    copies.brittle.far.breakAfter(50_000, 'ends');
    const headers = { range: 'bytes=1000000-1999999' };
    const part = await copies.server.http(`/v2/images/${id}/file`, { token: copies.access.token, headers });
    expect(part.status).toBe(206);
    expect(Buffer.from(await part.arrayBuffer()).equals(bytes.subarray(1_000_000, 2_000_000))).toBe(true);
    expect(copies.brittle.near.beginnings).toEqual([0]);
    expect(copies.brittle.far.beginnings).toEqual([blockBytes]);
    expect(copies.brittle.third.beginnings).toEqual([blockBytes]);
  });

  test('that no copy can finish is broken off, never ended short; each is tried once', async () => {
    const id = await copies.image(bytes, ['far']);
    for (const name of ['near', 'far'] as const) copies.brittle[name].breakAfter(blockBytes + 1, 'ends');
    await expect(fetchBytes(copies.access, id)).rejects.toThrow();
    expect(copies.brittle.near.beginnings).toEqual([0]);
    expect(copies.brittle.far.beginnings).toEqual([blockBytes]);
  });

  test('whose first copy refuses before a byte gets its status from the next', async () => {
    const id = await copies.image(bytes, ['far']);
    copies.brittle.near.breakAfter(0, 'refuses');
    expect(await status(id)).toEqual([200, bytes.length]);
    copies.brittle.far.breakAfter(0, 'refuses');
    expect((await status(id))[0]).toBe(503);
  });

  test('of a copy that is missing or short comes from another; it is marked, and told once', async () => {
    const id = await copies.image(bytes, ['far', 'third']);
    unlinkSync(await copies.file(id, 'near'));
    truncateSync(await copies.file(id, 'far'), bytes.length - 1);
    for (let i = 0; i < 3; i++) expect(await status(id)).toEqual([200, bytes.length]);
    expect(await states(id)).toEqual([
      ['far', 'failed', 'OTHER_SIZE'],
      ['near', 'failed', 'MISSING'],
      ['third', 'active', null],
    ]);
    expect(damageLogged(id)).toBe(2);
    const { data } = await copies.server.raw(
      copies.access.token,
      `{ image(id: "${id}") { copies { store { name } state } } }`,
    );
    expect(data.image.copies.map((copy: { state: string }) => copy.state)).toEqual([
      'FAILED',
      'FAILED',
      'ACTIVE',
    ]);
    expect(await (await copies.server.http('/metrics')).text()).toMatch(
      /vitrine_damaged_copies\{store="far"\} [1-9]/,
    );
  });

  test('goes on from a copy that came after it had begun, when all those it knew have failed', async () => {
    const id = await copies.image(bytes);
    copies.brittle.near.breakAfter(1_000_000, 'refuses');
    let isThere = false;
    copies.brittle.near.onChunk = async () => {
      if (isThere) return;
      isThere = true;
      await copies.add(id, 'far', bytes);
    };
    expect((await fetchBytes(copies.access, id)).equals(bytes)).toBe(true);
    expect(copies.brittle.near.beginnings).toEqual([0]);
  });

  test('with no copy left is 410, until the bytes are back', async () => {
    const id = await copies.image(bytes);
    const file = await copies.file(id, 'near');
    truncateSync(file, 0);
    expect((await status(id))[0]).toBe(410);
    expect((await status(id))[0]).toBe(410);
    expect(damageLogged(id)).toBe(1);
    writeFileSync(file, bytes);
    expect((await status(id))[0]).toBe(200);
    expect(await states(id)).toEqual([['near', 'active', null]]);
  });
});

describe('deleteImageCopy', () => {
  async function drop(id: string, store: string, token = copies.server.tokenOf('admin')) {
    const { data, errors } = await copies.server.raw(
      token,
      `mutation ($input: DeleteImageCopyInput!) { deleteImageCopy(input: $input) {
        __typename ... on Error { code message } ... on ValidationError { issues { path code } }
        ... on DeleteImageCopyPayload { image { id revision copies { store { name } state } } } } }`,
      { input: { imageId: id, store } },
    );
    expect(errors).toEqual([]);
    return data.deleteImageCopy;
  }

  test('keeps the only copy whose bytes are there, whatever the rows say of another one', async () => {
    const id = await copies.image(bytes, ['far']);
    const key = (await copies.rows(id)).find(({ store }) => store === 'far')?.key ?? '';
    await copies.store.far.remove(key);
    expect(await drop(id, 'near')).toMatchObject({ __typename: 'ConflictError', code: 'LAST_COPY' });
    expect(await drop(id, 'far')).toMatchObject({ __typename: 'DeleteImageCopyPayload' });
  });

  test('takes the copy away, then its bytes; the image stays whole', async () => {
    const id = await copies.image(bytes, ['far']);
    const key = (await copies.rows(id)).find(({ store }) => store === 'near')?.key ?? '';
    expect(await drop(id, 'near')).toMatchObject({
      __typename: 'DeleteImageCopyPayload',
      image: { id, copies: [{ store: { name: 'far' }, state: 'ACTIVE' }] },
    });
    await until(async () => {
      const gone = await copies.store.near.stat(key).then(
        () => false,
        () => true,
      );
      return gone;
    });
    expect((await fetchBytes(copies.access, id)).equals(bytes)).toBe(true);
    expect(await drop(id, 'near')).toMatchObject({ __typename: 'NotFoundError' });
    expect(await drop(id, 'far')).toMatchObject({ __typename: 'ConflictError', code: 'LAST_COPY' });
  });

  test('is for admins, and names what it does not know', async () => {
    const id = await copies.image(bytes.subarray(0, 10), ['far']);
    expect(await drop(id, 'far', copies.access.token)).toMatchObject({ __typename: 'ForbiddenError' });
    expect(await drop(id, 'far', copies.server.tokenOf('red'))).toMatchObject({
      __typename: 'NotFoundError',
    });
    expect(await drop(id, 'fra')).toMatchObject({
      issues: [{ path: ['input', 'store'], code: 'UNKNOWN_STORE' }],
    });
    expect(await drop(id, 'third')).toMatchObject({ __typename: 'NotFoundError' });
    expect(await drop('7d3f63f5-0000-4000-8000-000000000000', 'far')).toMatchObject({
      __typename: 'NotFoundError',
    });
  });

  test('of all copies at once leaves one', { timeout: 60_000 }, async () => {
    for (let i = 0; i < sized({ quick: 2, ci: 10, full: 100 }); i++) {
      const id = await copies.image(bytes.subarray(0, 1000), ['far', 'third']);
      const results = await Promise.all(names.map((name: Name) => drop(id, name)));
      const kinds = results.map(({ __typename, code }) => code ?? __typename).sort();
      expect(kinds).toEqual(['DeleteImageCopyPayload', 'DeleteImageCopyPayload', 'LAST_COPY']);
      expect((await fetchBytes(copies.access, id)).length).toBe(1000);
    }
  });

  test('takes a damaged copy away, and does not count on one', async () => {
    const id = await copies.image(bytes.subarray(0, 10), ['far']);
    unlinkSync(await copies.file(id, 'near'));
    expect(await status(id)).toEqual([200, 10]);
    expect(await drop(id, 'far')).toMatchObject({ code: 'LAST_COPY' });
    expect(await drop(id, 'near')).toMatchObject({ __typename: 'DeleteImageCopyPayload' });
    expect(await states(id)).toEqual([['far', 'active', null]]);
  });
});

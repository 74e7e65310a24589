/** Every way in which the bytes of an image come, over HTTP, for what has to hold in all of them. */
import { expect } from 'vitest';
import { type Access, ask, mutate } from './images.ts';
import type { TestServer } from './server.ts';
import { until } from './until.ts';

/** The answer to the request that brought the last byte; null where a task does it, which the image then tells of. */
export type Answer = { status: number; text: string } | null;

export interface Surroundings {
  server: TestServer;
  access: Access;
  /** Where a web server has the bytes. */
  publish(bytes: Buffer): string;
}

type WayIn = (id: string, bytes: Buffer) => Promise<Answer>;

/** Names of ways are known before there is a server. */
export const wayNames = ['at once', 'in pieces', 'resumed', 'staged', 'downloaded'] as const;
export type WayName = (typeof wayNames)[number];

export function waysIn(of: () => Surroundings): Record<WayName, WayIn> {
  const put = (path: string, body: BodyInit) => {
    const { server, access } = of();
    const headers = { 'content-type': 'application/octet-stream' };
    return answerTo(server.http(path, { method: 'PUT', token: access.token, headers, body, duplex: 'half' }));
  };
  return {
    'at once': (id, bytes) => put(`/v2/images/${id}/file`, new Uint8Array(bytes)),
    'in pieces': (id, bytes) => put(`/v2/images/${id}/file`, inPieces(bytes, 513) as unknown as BodyInit),
    resumed: (id, bytes) => resume(of(), id, bytes),
    async staged(id, bytes) {
      await put(`/v2/images/${id}/stage`, new Uint8Array(bytes));
      return importBy(of().access, id, { staged: true });
    },
    downloaded: (id, bytes) => importBy(of().access, id, { webDownload: { url: of().publish(bytes) } }),
  };
}

async function answerTo(request: Promise<Response>): Promise<Answer> {
  const response = await request;
  return { status: response.status, text: await response.text() };
}

async function* inPieces(bytes: Buffer, size: number): AsyncIterable<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

/** In two requests; where it is refused at its beginning, that is the answer. */
async function resume({ server, access }: Surroundings, id: string, bytes: Buffer): Promise<Answer> {
  const tus = { 'tus-resumable': '1.0.0' };
  const begun = await server.http('/uploads', {
    method: 'POST',
    token: access.token,
    headers: {
      ...tus,
      'upload-length': `${bytes.length}`,
      'upload-metadata': `image ${Buffer.from(id).toString('base64')}`,
    },
  });
  let last: Answer = { status: begun.status, text: await begun.text() };
  if (begun.status !== 201) return last;
  const path = new URL(begun.headers.get('location') ?? '', server.url).pathname;
  const half = Math.ceil(bytes.length / 2);
  for (const [offset, part] of [
    [0, bytes.subarray(0, half)],
    [half, bytes.subarray(half)],
  ] as const) {
    if (part.length === 0) continue;
    const headers = {
      ...tus,
      'content-type': 'application/offset+octet-stream',
      'upload-offset': `${offset}`,
    };
    const body = new Uint8Array(part);
    last = await answerTo(server.http(path, { method: 'PATCH', token: access.token, headers, body }));
  }
  return last;
}

/** Ends when the import has. */
export async function importBy(access: Access, id: string, method: object): Promise<null> {
  expect(await mutate(access, 'importImage', { id, method })).toMatchObject({
    __typename: 'ImportImagePayload',
  });
  const text = 'query ($id: ID!) { image(id: $id) { status } }';
  await until(async () => {
    const { image } = await ask<{ image: { status: string } }>(access, text, { id });
    return image.status !== 'IMPORTING';
  });
  return null;
}

/** Objects of another server: a plain one of Node's, which knows ranges. */
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { NotFoundError, UnavailableError, ValidationError } from '../../src/domain/errors.ts';
import { openEgress } from '../../src/stores/egress/egress.ts';
import { httpStore } from '../../src/stores/http.ts';
import { withRetries } from '../../src/stores/retries.ts';
import { collect, someBytes } from '../support/bytes.ts';
import { readContract } from './contract.ts';

const objects = new Map<string, Buffer>();
/** What is done instead of answering, while it is there; says how many bytes of the body come before the end. */
let cut: ((range: string | undefined) => number | null) | null = null;
const server = createServer((request, response) => {
  const object = objects.get(request.url ?? '');
  if (!object) return void response.writeHead(404).end();
  const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(request.headers.range ?? '') ?? [];
  const part = start === undefined ? object : object.subarray(Number(start), Number(end) + 1);
  const range = start === undefined ? {} : { 'content-range': `bytes ${start}-${end}/${object.length}` };
  response.writeHead(start === undefined ? 200 : 206, { 'content-length': part.length, ...range });
  const length = cut?.(request.headers.range) ?? null;
  if (request.method === 'HEAD') return void response.end();
  if (length === null) return void response.end(part);
  response.write(part.subarray(0, length), () => setTimeout(() => response.destroy(), 20));
});
let url: string;
beforeAll(async () => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});
afterAll(() => {
  server.close();
  server.closeAllConnections();
});

const anEgress = () =>
  openEgress({
    schemes: ['http'],
    ports: [80],
    allow: [new URL(url).host],
    deny: [],
    redirects: 5,
    timeoutMs: 60_000,
  });
const aStore = () => httpStore({ id: 'web', egress: anEgress() });

let count = 0;
async function put(bytes: Uint8Array): Promise<string> {
  const path = `/object-${++count}`;
  objects.set(path, Buffer.from(bytes));
  return url + path;
}

readContract('http', async () => ({ store: aStore(), missing: `${url}/missing`, put }));

describe('http store', () => {
  it('reads nothing but URLs that are allowed', async () => {
    const store = aStore();
    for (const key of ['ab.1', 'file:///etc/passwd', url.replace('127.0.0.1', '127.0.0.2')]) {
      await expect(store.read(key)).rejects.toThrow(ValidationError);
      await expect(store.stat(key)).rejects.toThrow(ValidationError);
    }
  });

  it('says what is gone and what is away', async () => {
    await expect(aStore().read(`${url}/gone`)).rejects.toThrow(NotFoundError);
    const allow = ['127.0.0.1:1'];
    const nobody = httpStore({
      id: 'web',
      egress: openEgress({ schemes: ['http'], ports: [], allow, deny: [], redirects: 0, timeoutMs: 1_000 }),
    });
    await expect(nobody.read('http://127.0.0.1:1/x')).rejects.toThrow(UnavailableError);
  });

  it('never takes a body that is cut off for a whole one, and goes on where it was', async () => {
    const bytes = someBytes(1_000_000);
    const key = await put(bytes);
    cut = () => 400_000;
    await expect(collect(await aStore().read(key))).rejects.toThrow(UnavailableError);
    let times = 0;
    cut = () => (++times <= 2 ? 300_000 : null);
    expect((await collect(await withRetries(aStore()).read(key))).equals(bytes)).toBe(true);
    cut = null;
  });
});

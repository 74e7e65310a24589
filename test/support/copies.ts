/** A server with three directories as stores, and images with copies in them that a test can damage. */
import { randomBytes } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { storesOf } from '../../src/stores/all.ts';
import { deadlines } from '../../src/stores/deadlines.ts';
import { fileStore } from '../../src/stores/file.ts';
import type { WritableStore } from '../../src/stores/store.ts';
import { wrapStore } from '../../src/stores/wrap.ts';
import { type Brittle, brittleStore } from './brittle-store.ts';
import { type Access, newImage, put } from './images.ts';
import { aServer, type TestServer } from './server.ts';

export const names = ['near', 'far', 'third'] as const;
export type Name = (typeof names)[number];

export interface Copies {
  server: TestServer;
  access: Access;
  /** Below the deadlines: what a test tells them. */
  brittle: Record<Name, Brittle>;
  /** What the server works with. */
  store: Record<Name, WritableStore>;
  /** An image with these bytes, in near and wherever else it is said. */
  image(bytes: Uint8Array, others?: readonly Name[]): Promise<string>;
  /** One more copy of an image. */
  add(id: string, name: Name, bytes: Uint8Array): Promise<void>;
  /** The file of a copy, which has to be there by its row. */
  file(id: string, name: Name): Promise<string>;
  rows(id: string): Promise<CopyRow[]>;
  stop(): Promise<void>;
}

export interface CopyRow {
  id: string;
  store: Name;
  key: string;
  state: string;
  damage: { code: string } | null;
  verified: boolean;
}

/** near is read first, then far; a store that hangs is given up after a second. */
export async function copiesServer(): Promise<Copies> {
  const dirs = Object.fromEntries(
    await Promise.all(
      names.map(async (name) => [name, await mkdtemp(join(tmpdir(), `vitrine-${name}-`))] as const),
    ),
  ) as Record<Name, string>;
  const each = <T>(make: (name: Name) => T) =>
    Object.fromEntries(names.map((name) => [name, make(name)])) as Record<Name, T>;
  const brittle = each((name) =>
    brittleStore(fileStore({ id: name, paths: [{ path: dirs[name], priority: 0 }] })),
  );
  const store = each((name) => wrapStore(brittle[name], deadlines(name, { answerMs: 2_000, idleMs: 1_000 })));
  const weights = new Map([
    ['near', 2],
    ['far', 1],
  ]);
  const stores = storesOf(Object.values(store), { usual: 'near', weights });
  const server = await aServer({ stores, settings: 'scrub: { sizes: never, deep: never }' });
  const access = { url: server.url, token: server.tokenOf('blue') };

  async function addCopy(id: string, name: Name, bytes: Uint8Array): Promise<void> {
    const key = `${id}.${randomBytes(6).toString('hex')}`;
    const text = `insert into image_copies (image_id, store, key, state, size) values ($1::uuid, $2, $3, 'active', $4)`;
    const writer = await store[name].create(key, { size: bytes.length });
    await writer.write(bytes);
    await writer.commit();
    await server.app.db.query(text, [id, name, key, bytes.length]);
  }

  const rows = (id: string) =>
    server.app.db.query<CopyRow>(
      `select id, store, key, state, damage, verified_at is not null as verified from image_copies
       where image_id = $1::uuid order by store, state`,
      [id],
    );

  return {
    server,
    access,
    brittle,
    store,
    async image(bytes, others = []) {
      const id = await newImage(access);
      const { status, body } = await put(access, id, bytes);
      if (status !== 204) throw new Error(`${status} ${body}`);
      for (const name of others) await addCopy(id, name, bytes);
      return id;
    },
    add: addCopy,
    async file(id, name) {
      const row = (await rows(id)).find((one) => one.store === name);
      if (!row) throw new Error(`No copy in ${name}.`);
      return join(dirs[name], row.key.slice(0, 2), row.key);
    },
    rows,
    async stop() {
      await server.stop();
      for (const dir of Object.values(dirs)) await rm(dir, { recursive: true, force: true });
    },
  };
}

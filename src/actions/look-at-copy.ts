/** Whether the object of a copy is as it should be, and what follows for its row: damaged, or damaged no more. */
import { findOtherCopies, markDamaged, markWhole, type StoredCopy } from '../db/stored-copies.ts';
import { NotFoundError, UnavailableError } from '../domain/errors.ts';
import type { CopyDamage } from '../domain/image.ts';
import { instantOf } from '../domain/instant.ts';
import type { Store } from '../stores/store.ts';
import type { App } from './app.ts';

/** @throws UnavailableError the settings of this server do not name the store */
export function requireStoreOf(app: App, { store: id }: Pick<StoredCopy, 'store'>): Store {
  const store = app.stores.get(id);
  if (store) return store;
  throw new UnavailableError(`The settings name no store ${id}.`, { store: id });
}

/**
 * What is wrong with the object of a copy by its size alone; null: nothing. Changes nothing.
 * @throws UnavailableError the store does not answer
 */
export async function damageOf(app: App, copy: StoredCopy, signal?: AbortSignal): Promise<CopyDamage | null> {
  const found = await sizeOf(requireStoreOf(app, copy), copy.key, signal);
  if (found === copy.size) return null;
  return found === null ? missing(app) : otherSize(app, found, copy.size);
}

/**
 * Asks the store for the object and its size: null when there is nothing to say against it. A copy that was missing,
 * or of another size, and is so no more, is read from again: a directory that was not mounted comes back.
 *
 * @throws UnavailableError the store does not answer: that is no damage
 */
export async function lookAtCopy(
  app: App,
  copy: StoredCopy,
  signal?: AbortSignal,
): Promise<CopyDamage | null> {
  const damage = await damageOf(app, copy, signal);
  if (damage) await noteDamage(app, copy, damage);
  else if (copy.damage && !isOfBytes(copy.damage)) await noteWhole(app, copy);
  return damage;
}

/** Damage that the size says nothing of: only who reads all bytes can tell that it is over. */
export const isOfBytes = ({ code }: CopyDamage) => code === 'OTHER_BYTES' || code === 'UNREADABLE';

/**
 * Whether a store that failed for this copy works for others, so that it is one object that cannot be read, and not
 * the store that is away.
 */
export async function worksForOthers(app: App, copy: StoredCopy, signal: AbortSignal): Promise<boolean> {
  const others = await findOtherCopies(app.db, copy, 3);
  try {
    await requireStoreOf(app, copy).probe(signal);
    for (const other of others) if (await beginsToRead(app, other, signal)) return true;
    return others.length === 0;
  } catch (error) {
    if (!(error instanceof UnavailableError)) throw error;
    return false;
  }
}

const firstBytes = 64 * 1024;

async function beginsToRead(app: App, copy: StoredCopy, signal: AbortSignal): Promise<boolean> {
  const range = copy.size > 0 ? { start: 0, end: Math.min(copy.size, firstBytes) - 1 } : undefined;
  try {
    const bytes = await requireStoreOf(app, copy).read(copy.key, range, signal);
    const chunks = bytes[Symbol.asyncIterator]();
    try {
      return !(await chunks.next()).done || copy.size === 0;
    } finally {
      void Promise.resolve(chunks.return?.()).catch(() => {});
    }
  } catch (error) {
    if (error instanceof UnavailableError || error instanceof NotFoundError) return false;
    throw error;
  }
}

async function sizeOf(store: Store, key: string, signal: AbortSignal | undefined): Promise<number | null> {
  try {
    return (await store.stat(key, signal)).size;
  } catch (error) {
    if (error instanceof NotFoundError) return null;
    throw error;
  }
}

const missing = (app: App): CopyDamage => ({
  code: 'MISSING',
  message: 'The store has no such object.',
  at: instantOf(app.now()),
});

const otherSize = (app: App, found: number, expected: number): CopyDamage => ({
  code: 'OTHER_SIZE',
  message: `It has ${found} bytes in place of ${expected}.`,
  at: instantOf(app.now()),
});

/** From now on it is not read from. Told once. */
export async function noteDamage(app: App, copy: StoredCopy, damage: CopyDamage): Promise<void> {
  if (!(await markDamaged(app.db, copy.id, damage))) return;
  const { imageId: image, store, key } = copy;
  app.log.error({ image, store, key, damage: damage.code }, `a copy is damaged: ${damage.message}`);
}

/** It is read from again. */
export async function noteWhole(app: App, copy: StoredCopy): Promise<void> {
  if (!(await markWhole(app.db, copy.id))) return;
  const { imageId: image, store, key } = copy;
  app.log.info({ image, store, key }, 'a copy that was damaged is whole again');
}

/** Bytes whose number nobody knows before they are here: reserved in steps, each before the first byte of it is kept. */
import { reserveBytes, type Writing } from '../db/quotas.ts';
import { ConflictError } from '../domain/errors.ts';
import { allowanceOf, makeRoom } from './allowance.ts';
import type { App } from './app.ts';
import { patiently } from './hold-claim.ts';

/** So many more than are needed now, where there is room: a statement for each step. */
const stepBytes = 64 * 2 ** 20;

/** Resolves when so many bytes of an object may be kept; null: they may already. */
export type Reserve = (bytes: number) => Promise<void> | null;

/**
 * `known` bytes are reserved already.
 * @throws QuotaExceededError of the promise: there is less left
 */
export function reserving(app: App, writing: Writing, known = 0): Reserve {
  let reserved = known;
  return (bytes) =>
    bytes <= reserved
      ? null
      : reserve(app, writing, { atLeast: bytes, ahead: stepBytes }).then((now) => {
          reserved = now;
        });
}

/**
 * Reserves `atLeast` bytes for each object; how many it has then. What is reserved already stays.
 * @throws QuotaExceededError there is less left
 * @throws ConflictError      GONE: nothing is written there any more
 */
export async function reserve(
  app: App,
  writing: Writing,
  { atLeast, ahead = 0 }: { atLeast: number; ahead?: number },
): Promise<number> {
  let { project } = writing;
  for (let mayMakeRoom = true; ; ) {
    try {
      const allowance = await patiently(() => allowanceOf(app, project));
      const done = await patiently(() => reserveBytes(app.db, writing, { allowance, atLeast, ahead }));
      if (done === 'gone') {
        throw new ConflictError('GONE', `Nothing is written to image ${writing.imageId} any more.`);
      }
      if (typeof done === 'number') return done;
      project = done.movedTo;
    } catch (error) {
      if (!mayMakeRoom || !(await makeRoom(app, project, error))) throw error;
      mayMakeRoom = false;
    }
  }
}

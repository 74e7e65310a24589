/** The old form of locations: a patch of `/locations`, where the settings have it (locations.showMultiple). */
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { addLocation } from '../../actions/add-location.ts';
import { deleteImageCopy } from '../../actions/delete-image-copy.ts';
import { locationsOf } from '../../actions/list-locations.ts';
import { findImage, noImage } from '../../actions/require-image.ts';
import { findTask } from '../../db/tasks.ts';
import { ConflictError } from '../../domain/errors.ts';
import { HttpError } from '../../http/problem.ts';
import { requireShape } from '../json.ts';
import type { Ask } from '../operation.ts';
import { badRequest, notWritable } from '../problem.ts';
import { type OldLocation, oldLocation, registrationOf } from './locations.ts';

export type LocationStep =
  | { op: 'add'; location: OldLocation }
  | { op: 'remove'; position: number }
  | { op: 'replace'; locations: OldLocation[] };

/** `pointer` is what stands behind /locations: '' or '/-' or '/0'. @throws HttpError 400, 403 */
export function readLocationStep(op: string, pointer: string, value: unknown): LocationStep {
  const [, position] = /^\/(-|0|[1-9]\d{0,8})$/.exec(pointer) ?? [];
  if (op === 'add' && position !== undefined) {
    return { op, location: requireShape(oldLocation, value, ['value']) };
  }
  if (op === 'remove' && position !== undefined && position !== '-')
    return { op, position: Number(position) };
  if (op !== 'replace' || pointer !== '') {
    throw badRequest(
      'Locations take: add /locations/-, remove /locations/0 (or another position), replace /locations.',
    );
  }
  const locations = requireShape(z.array(oldLocation), value, ['value']);
  if (locations.length === 0)
    throw notWritable('An image keeps the locations of its bytes; delete it instead.');
  return { op, locations };
}

/** Imports that steps ask for, at most: what an image has already is not registered again. */
export const registrationsIn = (steps: readonly LocationStep[]): number =>
  steps.reduce((sum, step) => sum + countOf(step), 0);

function countOf(step: LocationStep): number {
  if (step.op === 'replace') return step.locations.length;
  return step.op === 'add' ? 1 : 0;
}

/** One after the other, as a patch has them; those before one that fails have been done. */
export async function changeLocations(ask: Ask, id: string, steps: readonly LocationStep[]): Promise<void> {
  for (const step of steps) {
    if (step.op === 'add') await add(ask, id, step.location);
    else if (step.op === 'remove') await remove(ask, id, (known) => known[step.position]);
    else await replace(ask, id, step.locations);
  }
}

async function known({ app, caller }: Ask, id: string) {
  const image = await findImage(app, caller, id, ['places']);
  if (!image) throw noImage(id);
  return locationsOf(app, image.places ?? []);
}

async function replace(ask: Ask, id: string, wanted: readonly OldLocation[]): Promise<void> {
  const before = await known(ask, id);
  const isKnown = ({ url }: { url: string }) => before.some((location) => location.url === url);
  for (const location of wanted.filter((one) => !isKnown(one))) await add(ask, id, location);
  for (const { url } of before.filter(({ url: old }) => !wanted.some((one) => one.url === old))) {
    await remove(ask, id, (now) => now.find((location) => location.url === url));
  }
}

type Known = Awaited<ReturnType<typeof known>>;

async function remove(
  ask: Ask,
  id: string,
  choose: (known: Known) => Known[number] | undefined,
): Promise<void> {
  const chosen = choose(await known(ask, id));
  if (!chosen) throw badRequest('There is no location at this position.');
  await deleteImageCopy(ask.app, ask.caller, { imageId: id, store: chosen.store });
}

/** Clients of this form read the image at once: so long the answer waits for the bytes to be looked at. */
const patienceMs = 30_000;
const askAgainMs = 50;

async function add({ app, caller }: Ask, id: string, location: OldLocation): Promise<void> {
  const task = await addLocation(app, caller, {
    id,
    ...registrationOf(id, location),
    isOneMore: true,
  }).catch((error) => {
    // Of an image, to this form, it is no field that may not be written.
    const isStatus = error instanceof ConflictError && error.code === 'WRONG_STATUS';
    throw isStatus ? new HttpError(409, 'CONFLICT', error.message) : error;
  });
  for (const end = Date.now() + patienceMs; Date.now() < end; await sleep(askAgainMs)) {
    const found = await findTask(app.db, task);
    if (found?.status === 'failure') {
      throw new HttpError(400, 'BAD_LOCATION', found.message ?? 'The location cannot be read.');
    }
    if (found?.status !== 'pending' && found?.status !== 'processing') return;
  }
}

/** The states of an image and the events that lead from one to the next. */
import { ConflictError } from './errors.ts';
import type { Image, ImageStatus } from './image.ts';

export type ImageEvent =
  | 'beginUpload'
  | 'stage'
  | 'beginImport'
  | 'publish'
  | 'giveUp'
  | 'deactivate'
  | 'reactivate'
  | 'delete';

const moves: Record<ImageStatus, Partial<Record<ImageEvent, ImageStatus>>> = {
  queued: { beginUpload: 'saving', stage: 'uploading', beginImport: 'importing', delete: 'deleted' },
  saving: { publish: 'active', giveUp: 'queued', delete: 'deleted' },
  uploading: { beginImport: 'importing', giveUp: 'queued', delete: 'deleted' },
  importing: { publish: 'active', giveUp: 'queued', delete: 'deleted' },
  active: { deactivate: 'deactivated', delete: 'deleted' },
  deactivated: { reactivate: 'active', delete: 'deleted' },
  killed: { delete: 'deleted' },
  pending_delete: { delete: 'deleted' },
  deleted: {},
};

/** The status that `event` leads to, or null when it is not allowed now. */
export function after(status: ImageStatus, event: ImageEvent): ImageStatus | null {
  return moves[status][event] ?? null;
}

/** The statuses in which `event` is allowed. */
export function statusesBefore(event: ImageEvent): ImageStatus[] {
  return (Object.keys(moves) as ImageStatus[]).filter((status) => moves[status][event] !== undefined);
}

/** What can be asked of an image besides, without its status changing at once. */
export type ImageRequest = ImageEvent | 'importStaged' | 'copy';

const wayOut: Record<ImageRequest, string> = {
  beginUpload: 'data can be uploaded once, to an image that is queued',
  stage: 'data can be staged once, for an image that is queued',
  beginImport: 'an import of this kind needs an image that is queued',
  importStaged: 'send its data to the staging area first, and wait until all of it is there',
  copy: 'only an image that is active or deactivated can be copied',
  publish: 'the upload was given up or taken over meanwhile; start it again',
  giveUp: 'nothing is being uploaded',
  deactivate: 'only an active image can be deactivated',
  reactivate: 'only a deactivated image can be reactivated',
  delete: 'it is gone',
};

/** The conflict to report when `event` is not allowed in the image's status. */
export function wrongStatus(image: Pick<Image, 'id' | 'status'>, event: ImageRequest): ConflictError {
  return new ConflictError('WRONG_STATUS', `Image ${image.id} is ${image.status}; ${wayOut[event]}.`);
}

/** Whether an image in this status has bytes that may be read (by whom, policy says). */
export function hasData(status: ImageStatus): boolean {
  return status === 'active' || status === 'deactivated';
}

/** Whether disk and container format may still change. */
export function formatsAreOpen(status: ImageStatus): boolean {
  return status === 'queued' || status === 'importing';
}

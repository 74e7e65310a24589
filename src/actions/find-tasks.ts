/** Tasks looked up: one by its key, those of an image, and, for who may see all, pages of all there are. */
import { findTask, findTaskPage, findTasksOfImages, type TaskOrder } from '../db/tasks.ts';
import type { Caller } from '../domain/caller.ts';
import { ForbiddenError, invalid } from '../domain/errors.ts';
import { parseImageId } from '../domain/image.ts';
import { canSeeTask, mayUseTasks } from '../domain/policy.ts';
import type { Task, TaskStatus, TaskType } from '../domain/task.ts';
import type { App } from './app.ts';
import { requireImage, requireToken } from './require-image.ts';

/** The task when the caller may see it; null when not, for whatever reason. */
export async function findSeenTask(app: App, caller: Caller, key: string): Promise<Task | null> {
  requireToken(caller);
  const id = parseImageId(key);
  const task = id === null ? null : await findTask(app.db, id);
  return task && canSeeTask(caller, task) ? task : null;
}

/**
 * Of one image, newest first; those that the caller may see.
 * @throws NotFoundError the caller may not see the image
 */
export async function findImageTasks(app: App, caller: Caller, imageId: string): Promise<Task[]> {
  const { id } = await requireImage(app, caller, imageId, 'get');
  return (await findTasksOfImages(app.db, [id])).filter((task) => canSeeTask(caller, task));
}

/** @throws ForbiddenError tasks of the whole service are not for this caller */
export function requireTaskUse(caller: Caller): void {
  requireToken(caller);
  if (mayUseTasks(caller)) return;
  throw new ForbiddenError('Only an admin uses tasks themselves; those of an image stand at the image.');
}

export interface ListTasks {
  type: TaskType | null;
  status: TaskStatus | null;
  orderBy: TaskOrder;
  limit: number;
  /** The task to go on after; null: from the start. */
  afterId: string | null;
}

/**
 * A page of all tasks, and whether there are more.
 *
 * @throws ForbiddenError  not an admin
 * @throws ValidationError no such task to go on after
 */
export async function listTasks(
  app: App,
  caller: Caller,
  { afterId, ...page }: ListTasks,
): Promise<{ tasks: Task[]; hasMore: boolean }> {
  requireTaskUse(caller);
  const from = afterId === null ? null : await findSeenTask(app, caller, afterId);
  if (afterId !== null && !from) {
    throw invalid(
      ['afterId'],
      'UNKNOWN_TASK',
      `There is no task ${JSON.stringify(afterId.slice(0, 64))} to go on after.`,
    );
  }
  return findTaskPage(app.db, { ...page, from });
}

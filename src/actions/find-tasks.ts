/** Tasks looked up: one by its key, those of an image, and, for who may see all, pages of all there are. */
import { findTaskPage, type TaskOrder } from '../db/task-list.ts';
import { findTasksOfImages } from '../db/task-pages.ts';
import { findTask, tasksOfImage } from '../db/tasks.ts';
import type { Caller } from '../domain/caller.ts';
import { ForbiddenError, invalid, NotFoundError } from '../domain/errors.ts';
import { parseImageId } from '../domain/image.ts';
import { canSeeTask, mayUseTasks, tasksSeenBy } from '../domain/policy.ts';
import type { Task, TaskStatus, TaskType } from '../domain/task.ts';
import type { App } from './app.ts';
import { findImage, requireImage, requireToken } from './require-image.ts';

/** The task when the caller may see it; null when not, for whatever reason. */
export async function findSeenTask(app: App, caller: Caller, key: string): Promise<Task | null> {
  requireToken(caller);
  const task = await findTaskByKey(app, key);
  if (!task || !canSeeTask(app.policy, caller, task)) return null;
  if (!caller.robot?.imageFilter) return task;
  // What a token is for is asked of the image: without one nobody can tell.
  return task.imageId !== null && (await findImage(app, caller, task.imageId)) ? task : null;
}

/**
 * Of one image, newest first; those that the caller may see.
 * @throws NotFoundError the caller may not see the image
 */
export async function findImageTasks(app: App, caller: Caller, imageId: string): Promise<Task[]> {
  const { id } = await requireImage(app, caller, imageId, 'get');
  const seen = tasksSeenBy(app.policy, caller);
  if (seen === 'none') return [];
  const page = { limit: tasksOfImage, from: null, backward: false };
  const [found] = await findTasksOfImages(app.db, [id], seen === 'all' ? null : seen.owner, page);
  return found?.items ?? [];
}

/** @throws ForbiddenError tasks of the whole service are not for this caller */
export function requireTaskUse({ policy }: App, caller: Caller): void {
  requireToken(caller);
  // All tasks are of all images: a token for certain ones sees them at these.
  if (mayUseTasks(policy, caller) && !caller.robot?.imageFilter) return;
  throw new ForbiddenError('You may not use tasks themselves; those of an image stand at the image.');
}

/**
 * Any task of the whole service.
 *
 * @throws ForbiddenError as requireTaskUse
 * @throws NotFoundError  there is none of that key
 */
export async function requireTask(app: App, caller: Caller, key: string): Promise<Task> {
  requireTaskUse(app, caller);
  const task = await findTaskByKey(app, key);
  if (!task) throw new NotFoundError(`No task ${JSON.stringify(key.slice(0, 64))} was found.`);
  return task;
}

async function findTaskByKey(app: App, key: string): Promise<Task | null> {
  const id = parseImageId(key);
  return id === null ? null : findTask(app.db, id);
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
 * @throws ForbiddenError  as requireTaskUse
 * @throws ValidationError no such task to go on after
 */
export async function listTasks(
  app: App,
  caller: Caller,
  { afterId, ...page }: ListTasks,
): Promise<{ tasks: Task[]; hasMore: boolean }> {
  requireTaskUse(app, caller);
  const from = afterId === null ? null : await findTaskByKey(app, afterId);
  if (afterId !== null && !from) {
    throw invalid(
      ['afterId'],
      'UNKNOWN_TASK',
      `There is no task ${JSON.stringify(afterId.slice(0, 64))} to go on after.`,
    );
  }
  return findTaskPage(app.db, { ...page, from });
}

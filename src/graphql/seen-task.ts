/** A task by its key, seen by the caller or not at all. */
import { requireToken } from '../actions/require-image.ts';
import { findTask } from '../db/tasks.ts';
import { parseImageId } from '../domain/image.ts';
import { canSeeTask } from '../domain/policy.ts';
import type { Task } from '../domain/task.ts';
import type { GraphContext } from './context.ts';

/** The task when the caller may see it; null when not, for whatever reason. */
export async function findSeenTask(
  { app, caller, loaders }: GraphContext,
  key: string,
): Promise<Task | null> {
  requireToken(caller);
  const id = parseImageId(key);
  const task = id === null ? null : await findTask(app.db, id);
  if (!task || !canSeeTask(app.policy, caller, task)) return null;
  if (!caller.robot?.imageFilter) return task;
  // What a token is for is asked of the image: without one nobody can tell.
  return task.imageId !== null && (await loaders.image.load(task.imageId)) ? task : null;
}

/** A page of the tasks of an image: the arguments of the connection into a batched look-up, and its answer back. */
import { type PageInput, readPage } from '../../actions/list-images.ts';
import type { Task } from '../../domain/task.ts';
import { makeCursor, readCursor } from '../../search/cursor.ts';
import { type Page, pageOfFound } from '../connection.ts';
import type { GraphContext } from '../context.ts';

/** @throws ValidationError, BadCursorError as listImages */
export async function pageOfTasks(
  { loaders }: GraphContext,
  imageId: string,
  input: PageInput,
): Promise<Page<Task>> {
  const { limit, cursor, backward } = readPage(input);
  const [createdAt, id] = cursor === null ? [] : readCursor(cursor, 'tasks', ['instant', 'uuid']);
  const from = cursor === null ? null : { createdAt: String(createdAt), id: String(id) };
  const found = await loaders.tasks.page(imageId, { limit, from, backward });
  const cursorOf = (task: Task) => makeCursor('tasks', [task.createdAt, task.id]);
  return pageOfFound(found, { cursorOf, totalCount: () => loaders.tasks.count(imageId) });
}

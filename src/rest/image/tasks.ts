/** What goes on, and went on, with an image after its requests were answered. */
import { findImageTasks } from '../../actions/find-tasks.ts';
import { type Answer, type Ask, ok } from '../operation.ts';
import { imageTaskJson } from '../task/task-json.ts';

export async function listTasksOfImage({ app, caller, params }: Ask): Promise<Answer> {
  const tasks = await findImageTasks(app, caller, params.id ?? '');
  return ok({ tasks: tasks.map(imageTaskJson) });
}

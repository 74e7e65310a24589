/** Tasks of the whole service: for admins, and kept for old clients; those of an image stand at the image. */
import { z } from 'zod';
import { listTasks as listTasksOf, requireTask, requireTaskUse } from '../../actions/find-tasks.ts';
import { importNewImage } from '../../actions/import-new-image.ts';
import { pageSize } from '../../actions/list-images.ts';
import { taskStatuses, taskTypes } from '../../domain/task.ts';
import { readImage } from '../image/image-fields.ts';
import { pageLink } from '../image/page-link.ts';
import { requireObject, requireShape } from '../json.ts';
import { type Answer, type Ask, ok, type Resource } from '../operation.ts';
import { choiceIn, directionIn, lastOf, limitIn } from '../query.ts';
import { taskInListJson, taskJson } from './task-json.ts';

const sortKeys = {
  created_at: 'createdAt',
  updated_at: 'updatedAt',
  expires_at: 'expiresAt',
  type: 'type',
  status: 'status',
  id: 'id',
} as const;

async function listTasks({ app, caller, query }: Ask): Promise<Answer> {
  const field =
    choiceIn(query, 'sort_key', Object.keys(sortKeys) as (keyof typeof sortKeys)[]) ?? 'created_at';
  const { tasks, hasMore } = await listTasksOf(app, caller, {
    type: choiceIn(query, 'type', taskTypes),
    status: choiceIn(query, 'status', taskStatuses),
    orderBy: { field: sortKeys[field], direction: directionIn(query) },
    limit: limitIn(query, pageSize),
    afterId: lastOf(query.marker) ?? null,
  });
  const last = tasks.at(-1);
  return ok({
    tasks: tasks.map(taskInListJson),
    first: pageLink('/v2/tasks', query, null),
    ...(hasMore && last && { next: pageLink('/v2/tasks', query, last.id) }),
    schema: '/v2/schemas/tasks',
  });
}

async function showTask({ app, caller, params }: Ask): Promise<Answer> {
  return ok(taskJson(await requireTask(app, caller, params.id ?? '')));
}

const newTask = z.object({
  type: z.literal('import', { error: 'is import: nothing else can be asked for as a task' }),
  input: z.object({
    import_from: z.string({ error: 'needs the URL to fetch from' }),
    import_from_format: z.string({ error: 'needs the format of the disk there' }),
    image_properties: z.record(z.string(), z.unknown(), { error: 'is a JSON object' }),
  }),
});

async function addTask({ app, caller, json, baseUrl }: Ask): Promise<Answer> {
  // Before the input: who may not is not told what is wrong with it.
  requireTaskUse(app, caller);
  const { input } = requireShape(newTask, requireObject(json));
  const { import_from: url, import_from_format: format, image_properties: properties } = input;
  const image = readImage({ disk_format: format, container_format: 'bare', ...properties });
  const shown = (from: string) => ({ ...input, import_from: from });
  const task = await importNewImage(app, caller, { image, url, shown });
  return {
    status: 201,
    body: taskJson(task),
    headers: { location: `${baseUrl}/v2/tasks/${task.id}` },
  };
}

export const taskResources: readonly Resource[] = [
  {
    path: '/tasks',
    operations: {
      GET: { action: 'listTasks', run: listTasks },
      POST: { body: 'json', action: 'importNewImage', rates: ['creates', 'imports'], run: addTask },
    },
  },
  { path: '/tasks/:id', operations: { GET: { action: 'showTask', run: showTask } } },
];

/** Tasks: what goes on after its request was answered, to be watched. */
import { findSeenTask } from '../actions/find-tasks.ts';
import type { Task } from '../domain/task.ts';
import { builder } from './builder.ts';
import { connectionType } from './connection.ts';
import { TaskStatus } from './enums.ts';
import { ImageType } from './image/image-ref.ts';
import { Node } from './node.ts';

const TaskProgress = builder.objectRef<{ done: number; total: number | null }>('TaskProgress').implement({
  description: 'How far it is.',
  fields: (t) => ({
    done: t.expose('done', { type: 'BigInt', description: 'Bytes done.' }),
    total: t.expose('total', {
      type: 'BigInt',
      nullable: true,
      description: 'Bytes in all; null until it is known.',
    }),
  }),
});

export const TaskType = builder.objectRef<Task>('Task').implement({
  description: 'Work that goes on after its request was answered. Remembered for two days after its end.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ description: '"Task:<key>".', resolve: ({ id }) => `Task:${id}` }),
    type: t.exposeString('type', {
      description:
        'api_image_import; import, of an image that was made for it; location_import, of bytes that stay where they are; more may come.',
    }),
    status: t.expose('status', { type: TaskStatus, description: 'Where it is.' }),
    image: t.field({
      type: ImageType,
      nullable: true,
      description: 'Null when the image is gone or the task has none.',
      resolve: ({ imageId }, _args, { loaders }) => (imageId === null ? null : loaders.image.load(imageId)),
    }),
    progress: t.field({
      type: TaskProgress,
      nullable: true,
      description: 'Bytes done and to do; null when no byte has been asked for yet.',
      resolve: ({ done, total }) => (done === null ? null : { done, total }),
    }),
    attempts: t.exposeInt('attempt', { description: 'How often a worker took it up.' }),
    message: t.exposeString('message', {
      nullable: true,
      description: 'Why it failed, or is tried again, or what did not work although it succeeded.',
    }),
    input: t.field({
      type: 'JSON',
      nullable: true,
      description: 'As given, with passwords and signatures taken out of URLs.',
      resolve: ({ input }) => input,
    }),
    result: t.field({
      type: 'JSON',
      nullable: true,
      description:
        'stores and failedStores (with reasons) of a success, failure (code, message) of a failure.',
      resolve: ({ result }) => result,
    }),
    user: t.exposeString('user', {
      nullable: true,
      description: 'Who started it; null when the token has no user, or the service did.',
    }),
    requestId: t.exposeString('requestId', {
      nullable: true,
      description: 'Of the request that started it; null when the service did.',
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was asked for.' }),
    updatedAt: t.expose('updatedAt', { type: 'DateTime', description: 'When it last told of itself.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it is forgotten; null while it is not over.',
    }),
  }),
});

export const TaskConnection = connectionType(TaskType, {
  name: 'Task',
  description: 'Tasks, newest first.',
  node: 'A task',
  totalCount: 'All that the caller may see.',
});

builder.queryField('task', (t) =>
  t.field({
    type: TaskType,
    nullable: true,
    description: 'Null when it is malformed, unknown or not to be seen.',
    args: { id: t.arg.id({ required: true, description: 'As `id` of a Task, or the bare key.' }) },
    resolve: (_root, { id }, { app, caller }) => findSeenTask(app, caller, id.replace(/^Task:/, '')),
  }),
);

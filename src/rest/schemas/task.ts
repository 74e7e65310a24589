/** The schemas of a task and of a page of tasks, which has less of each. */
import { taskStatuses, taskTypes } from '../../domain/task.ts';
import { type JsonSchema, pageSchema, readOnly, text, textOrNull, uuidPattern } from './collection.ts';

const inList: Record<string, JsonSchema> = {
  id: text('An identifier for the task', { pattern: uuidPattern }),
  type: text('The type of task represented by this content', { enum: taskTypes }),
  status: text('The current status of this task', { enum: taskStatuses }),
  owner: textOrNull('An identifier for the owner of this task'),
  expires_at: textOrNull('Datetime when this resource would be subject to removal'),
  created_at: text('Datetime when this resource was created'),
  updated_at: text('Datetime when this resource was updated'),
  self: readOnly({ type: 'string' }),
  schema: readOnly({ type: 'string' }),
};

export const taskSchema = {
  name: 'task',
  properties: {
    ...inList,
    input: { type: ['null', 'object'], description: 'The parameters required by task, JSON blob' },
    result: { type: ['null', 'object'], description: 'The result of current task, JSON blob' },
    message: text('Human-readable informative message only included when appropriate'),
  },
};

export const tasksSchema = pageSchema('tasks', { name: 'task', properties: inList });

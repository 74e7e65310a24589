/** The JSON schemas of /v2, as clients fetch them to learn what an image can be; printed into schema/v2 as well. */
import { createHash } from 'node:crypto';
import { isKnown } from '../../http/conditions.ts';
import type { Answer, Ask, Resource } from '../operation.ts';
import { imageSchema, imagesSchema } from './image.ts';
import { memberSchema, membersSchema } from './member.ts';
import { metadefSchemas } from './metadef.ts';
import { taskSchema, tasksSchema } from './task.ts';

/** Path below /v2/schemas -> schema. */
export const schemas: Readonly<Record<string, object>> = {
  image: imageSchema,
  images: imagesSchema,
  member: memberSchema,
  members: membersSchema,
  task: taskSchema,
  tasks: tasksSchema,
  ...metadefSchemas,
};

/** They change with the version of the program only: clients may keep them for a while, and then ask by the ETag. */
const cacheControl = 'private, max-age=300';

export const schemaResources: readonly Resource[] = Object.entries(schemas).map(([name, schema]) => {
  const body = Buffer.from(JSON.stringify(schema));
  const etag = `"${createHash('sha256').update(body).digest('base64url').slice(0, 22)}"`;
  const headers = { etag, 'cache-control': cacheControl, vary: 'x-auth-token' };
  const whole: Answer = { status: 200, body, headers };
  const known: Answer = { status: 304, headers };
  const run = ({ headers }: Ask) => (isKnown(headers['if-none-match'], etag) ? known : whole);
  return { path: `/schemas/${name}`, operations: { GET: { run } } };
});

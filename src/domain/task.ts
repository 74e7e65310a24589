/** Work that goes on after its request was answered, as users see it. */
import type { Instant } from './image.ts';

export const taskStatuses = ['pending', 'processing', 'success', 'failure'] as const;
export type TaskStatus = (typeof taskStatuses)[number];

/** Named as Glance names them. import: of an image that was made for it. */
export const taskTypes = ['api_image_import', 'location_import', 'import'] as const;
export type TaskType = (typeof taskTypes)[number];

export interface Task {
  /** Lower-case UUID. */
  id: string;
  type: TaskType;
  status: TaskStatus;
  /** The image may be gone meanwhile; null when the task has none. */
  imageId: string | null;
  /** Project of the image when the task was asked for; null when the image had none. */
  owner: string | null;
  /** Bytes done, and to do in all; both null when the task moves none, total also until it is known. */
  done: number | null;
  total: number | null;
  /** How often a worker took it up. */
  attempt: number;
  message: string | null;
  /** Without passwords and signatures. */
  input: unknown;
  result: unknown;
  user: string | null;
  requestId: string | null;
  createdAt: Instant;
  updatedAt: Instant;
  /** When it is forgotten; null while it is not over. */
  expiresAt: Instant | null;
}

/** What a query says of a file that is no secret: of these the value is shown, when it is short and plain. */
const harmlessNames = new Set(
  (
    'arch architecture branch build channel date dir disk distro download edition ext file filename flavor format ' +
    'id image kind lang locale mirror name offset os page path platform raw ref release repo revision size suite ' +
    'tag target type variant ver version'
  ).split(' '),
);
/** A token of any strength is longer. */
const plainValue = /^[\w.~/:-]{0,24}$/;
const plainName = /^[\w.-]{1,32}$/;

/** A URL as others may read it: `***` for user and password, and for all of its query that may be a secret. */
export function withoutSecretsOfUrl(text: string): string {
  if (!URL.canParse(text)) return '***';
  const url = new URL(text);
  if (url.username !== '') url.username = '***';
  if (url.password !== '') url.password = '***';
  url.hash = '';
  url.search = [...url.searchParams].map(([name, value]) => shownParameter(name, value)).join('&');
  return url.href;
}

function shownParameter(name: string, value: string): string {
  if (harmlessNames.has(name.toLowerCase()) && plainValue.test(value)) {
    return value === '' ? name : `${name}=${value}`;
  }
  // A name without a value may be the secret itself, in base64 with = at its end.
  return plainName.test(name) && /[^=]/.test(value) ? `${name}=***` : '***';
}

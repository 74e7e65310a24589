/** Work that goes on after its request was answered, as users see it. */
import type { Instant } from './image.ts';

export const taskStatuses = ['pending', 'processing', 'success', 'failure'] as const;
export type TaskStatus = (typeof taskStatuses)[number];

/** Named as Glance names them. */
export type TaskType = 'api_image_import' | 'location_import' | 'import';

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

const secretName = /sig|token|secret|pass|key|cred|auth|policy|x-amz|x-goog|session/i;

/** A URL as others may read it: `***` for a password, and for what in its query may be a signature. */
export function withoutSecretsOfUrl(text: string): string {
  if (!URL.canParse(text)) return '***';
  const url = new URL(text);
  if (url.username !== '') url.username = '***';
  if (url.password !== '') url.password = '***';
  url.hash = '';
  for (const [name, value] of [...url.searchParams]) {
    if (secretName.test(name) || value.length > 32) url.searchParams.set(name, '***');
  }
  return url.href;
}

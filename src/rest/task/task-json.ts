/** A task as /v2 shows it: its bounds in a list, all of it alone, and besides what it is to an image. */
import type { ShownOrder } from '../../domain/import.ts';
import type { Task } from '../../domain/task.ts';
import { seconds } from '../image/image-json.ts';

const base = ({ id, type, status, owner, createdAt, updatedAt, expiresAt }: Task) => ({
  id,
  type,
  status,
  owner,
  created_at: seconds(createdAt),
  updated_at: seconds(updatedAt),
  // Until it is over nobody knows.
  ...(expiresAt !== null && { expires_at: seconds(expiresAt) }),
});

const links = ({ id }: Task) => ({ self: `/v2/tasks/${id}`, schema: '/v2/schemas/task' });

const content = (task: Task) => ({
  input: inputOf(task),
  result: task.status === 'success' ? resultOf(task) : null,
  message: task.message ?? progressOf(task),
});

export const taskInListJson = (task: Task) => ({ ...base(task), ...links(task) });

export const taskJson = (task: Task) => ({ ...base(task), ...content(task), ...links(task) });

export const imageTaskJson = (task: Task) => ({
  ...base(task),
  ...content(task),
  image_id: task.imageId,
  request_id: task.requestId,
  user_id: task.user,
});

/** One that made its image keeps what it was asked with; of others it is the order, in the words of /v2. */
function inputOf({ type, input, imageId }: Task): unknown {
  if (type !== 'api_image_import' || input === null) return input;
  const { method, stores, allMustSucceed } = input as ShownOrder;
  const request = { method: methodJson(method), stores, all_stores_must_succeed: allMustSucceed };
  return { image_id: imageId, import_req: request };
}

function methodJson(method: ShownOrder['method']): object {
  switch (method.name) {
    case 'glance-direct':
    case 'copy-image':
      return { name: method.name };
    case 'web-download':
      return { name: method.name, uri: method.url };
    case 'glance-download':
      return {
        name: method.name,
        glance_region: method.region,
        glance_image_id: method.imageId,
        glance_service_interface: method.serviceInterface,
      };
  }
}

function resultOf({ imageId, result }: Task): object {
  const { stores, failedStores } = (result ?? {}) as { stores?: unknown; failedStores?: unknown };
  return { image_id: imageId, stores, failed_stores: failedStores };
}

const mebibyte = 2 ** 20;

function progressOf({ status, done, total }: Task): string {
  if (status !== 'processing' || done === null) return '';
  const whole = total === null ? '' : ` of ${Math.ceil(total / mebibyte)}`;
  return `Copied ${Math.floor(done / mebibyte)}${whole} MiB`;
}

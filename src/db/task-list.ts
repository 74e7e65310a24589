/** Pages of all tasks there are, in any of several orders. */
import type { Task, TaskStatus, TaskType } from '../domain/task.ts';
import type { Database } from './client.ts';
import { taskColumns } from './tasks.ts';

export interface TaskOrder {
  field: 'createdAt' | 'updatedAt' | 'expiresAt' | 'type' | 'status' | 'id';
  direction: 'asc' | 'desc';
}

/** A task that is not over has no end yet: it comes after all that have. */
const orderSql: Record<TaskOrder['field'], { sql: string; type: string }> = {
  createdAt: { sql: 'created_at', type: 'timestamptz' },
  updatedAt: { sql: 'updated_at', type: 'timestamptz' },
  expiresAt: { sql: "coalesce(expires_at, 'infinity')", type: 'timestamptz' },
  type: { sql: 'type', type: 'text' },
  status: { sql: 'status', type: 'text' },
  id: { sql: 'id', type: 'uuid' },
};

export interface TaskPage {
  /** Null: any. */
  type: TaskType | null;
  status: TaskStatus | null;
  orderBy: TaskOrder;
  limit: number;
  /** The task that the page goes on after; null: from the start. */
  from: Task | null;
}

/** Whoever may see them. Those that are equal come by time, then by id. */
export async function findTaskPage(
  db: Database,
  { type, status, orderBy, limit, from }: TaskPage,
): Promise<{ tasks: Task[]; hasMore: boolean }> {
  const { sql: key, type: keyType } = orderSql[orderBy.field];
  const [beyond, way] = orderBy.direction === 'desc' ? ['<', 'desc'] : ['>', 'asc'];
  const params = [
    type,
    status,
    limit + 1,
    ...(from ? [from[orderBy.field] ?? 'infinity', from.createdAt, from.id] : []),
  ];
  const place = from
    ? `and (${key}, created_at, id) ${beyond} ($4::${keyType}, $5::timestamptz, $6::uuid)`
    : '';
  const found = await db.query<Task>(
    `select ${taskColumns} from tasks
     where ($1::text is null or type = $1::text) and ($2::text is null or status = $2::text) ${place}
     order by ${key} ${way}, created_at ${way}, id ${way} limit $3::int`,
    params,
  );
  return { tasks: found.slice(0, limit), hasMore: found.length > limit };
}

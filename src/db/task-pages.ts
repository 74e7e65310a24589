/** Pages of the tasks of several images, newest first: one statement for all of them. */
import type { Instant } from '../domain/image.ts';
import type { Task } from '../domain/task.ts';
import type { Database } from './client.ts';
import { type FoundPage, foundPage } from './found-page.ts';
import { newParams, type Params } from './params.ts';
import { taskColumns } from './tasks.ts';

/** Whose tasks are looked at: null is everybody's. */
export type TaskOwner = string | null;

/** `from` is the task where it goes on, null at the end of the list. */
export interface TasksPage {
  limit: number;
  from: { createdAt: Instant; id: string } | null;
  backward: boolean;
}

/** A page for each of the images, in their order. */
export async function findTasksOfImages(
  db: Database,
  imageIds: readonly string[],
  owner: TaskOwner,
  { limit, from, backward }: TasksPage,
): Promise<FoundPage<Task>[]> {
  const params = newParams();
  const ids = params.add(imageIds, 'uuid[]');
  const where = `image_id = parent.id and ${ownedSql(owner, params)}`;
  const place = from && { from, params };
  const beyond = place ? `and ${compareSql(backward ? '>' : '<', place)}` : '';
  const direction = backward ? 'asc' : 'desc';
  const rows = await db.query<Task & { imageId: string }>(
    `select found.* from unnest(${ids}) with ordinality as parent (id, n)
      cross join lateral (
        select ${taskColumns} from tasks where ${where} ${beyond}
        order by created_at ${direction}, id ${direction} limit ${params.add(limit + 1, 'int')}
      ) as found order by parent.n, found."createdAt" desc, found.id desc`,
    params.values,
  );
  const behind = from === null ? new Set() : await imagesWithMore(db, imageIds, owner, { from, backward });
  const byImage = Map.groupBy(rows, (row) => row.imageId);
  return imageIds.map((id) =>
    foundPage(byImage.get(id) ?? [], { limit, backward, isMoreBehind: behind.has(id) }),
  );
}

/** Those with a task at the place or behind it, seen in the direction read. */
async function imagesWithMore(
  db: Database,
  imageIds: readonly string[],
  owner: TaskOwner,
  { from, backward }: { from: NonNullable<TasksPage['from']>; backward: boolean },
): Promise<Set<string>> {
  const params = newParams();
  const ids = params.add(imageIds, 'uuid[]');
  const rows = await db.query<{ id: string }>(
    `select parent.id from unnest(${ids}) as parent (id) where exists (
      select from tasks where image_id = parent.id and ${ownedSql(owner, params)}
        and ${compareSql(backward ? '<=' : '>=', { from, params })})`,
    params.values,
  );
  return new Set(rows.map((row) => row.id));
}

/** How many each of the images has, in their order. */
export async function countTasksOfImages(
  db: Database,
  imageIds: readonly string[],
  owner: TaskOwner,
): Promise<number[]> {
  const params = newParams();
  const ids = params.add(imageIds, 'uuid[]');
  const rows = await db.query<{ id: string; n: number }>(
    `select image_id as id, count(*)::int as n from tasks
     where image_id = any (${ids}) and ${ownedSql(owner, params)} group by 1`,
    params.values,
  );
  const counts = new Map(rows.map((row) => [row.id, row.n]));
  return imageIds.map((id) => counts.get(id) ?? 0);
}

const ownedSql = (owner: TaskOwner, params: Params) =>
  owner === null ? 'true' : `owner = ${params.add(owner, 'text')}`;

function compareSql(
  operator: string,
  { from, params }: { from: NonNullable<TasksPage['from']>; params: Params },
): string {
  const place = `${params.add(from.createdAt, 'timestamptz')}, ${params.add(from.id, 'uuid')}`;
  return `(created_at, id) ${operator} (${place})`;
}

/** Tasks as rows: asked for, looked up, reported on, and what keeps the queue beneath them honest. */
import { sql } from 'drizzle-orm';
import type { ImportOrder } from '../domain/import.ts';
import type { Task, TaskType } from '../domain/task.ts';
import type { Database, Statements } from './client.ts';
import { tasks } from './tables.ts';

/** A task that is over is remembered this long, as Glance does. */
export const rememberedHours = 48;

export const taskColumns = `id, type, status, image_id as "imageId", owner, done, total, attempt, message, input, result,
  user_id as "user", request_id as "requestId", created_at as "createdAt", updated_at as "updatedAt",
  expires_at as "expiresAt"`;

export interface NewTask {
  type: TaskType;
  imageId: string;
  owner: string | null;
  /** The name by which workers choose what they can do. */
  queue: string;
  order: ImportOrder;
  input: unknown;
  user: string | null;
  requestId: string | null;
}

/** Of one image; older ones that are over make room. */
export const tasksOfImage = 100;

/** The id of a new task, which the queue hands to a worker as soon as the transaction is committed. */
export async function insertTask(tx: Statements, task: NewTask): Promise<string> {
  const [row] = await tx.insert(tasks).values(task).returning({ id: tasks.id });
  if (!row) throw new Error('A task was not inserted.');
  await tx.execute(sql`delete from tasks where status in ('success', 'failure') and id in (
    select id from tasks where image_id = ${task.imageId} order by created_at desc, id desc offset ${tasksOfImage})`);
  await enqueueTask(tx, row.id);
  return row.id;
}

/** Hands a task to the queue, in `seconds`. A job of the same task that is not running is moved. */
export async function enqueueTask(tx: Statements, id: string, seconds = 0): Promise<void> {
  await tx.execute(sql`select graphile_worker.add_job(queue, json_build_object('task', id),
      job_key => 'task:' || id, run_at => now() + make_interval(secs => ${seconds}))
    from tasks where id = ${id}`);
}

/** How many tasks a project has asked for that are not over; until the transaction ends nobody asks this of it. */
export async function countUnfinished(tx: Statements, project: string): Promise<number> {
  await tx.execute(sql`select pg_advisory_xact_lock(hashtextextended('tasks:' || ${project}, 0))`);
  const [row] = await tx
    .select({ n: sql<number>`count(*)::int` })
    .from(tasks)
    .where(sql`status in ('pending', 'processing') and ${tasks.order} ->> 'project' = ${project}`);
  return row?.n ?? 0;
}

/** Null when there is none (any more). */
export async function findTask(db: Database, id: string): Promise<Task | null> {
  const [task] = await db.query<Task>(`select ${taskColumns} from tasks where id = $1::uuid`, [id]);
  return task ?? null;
}

/** What a worker has done so far, and what it is at: null as before. False: the task is no longer its own, or the image is gone. */
export async function reportProgress(
  db: Database,
  { id, attempt }: { id: string; attempt: number },
  { done, total, message }: { done: number | null; total: number | null; message: string | null },
): Promise<boolean> {
  const rows = await db.query(
    `update tasks set done = $3::bigint, total = $4::bigint, message = coalesce($5, message), updated_at = now()
     where id = $1::uuid and attempt = $2::int and status = 'processing'
       and exists (select from images where images.id = image_id) returning id`,
    [id, attempt, done, total, message],
  );
  return rows.length > 0;
}

/** Which of these tasks a worker is at, and in which attempt. */
export async function findRunning(
  db: Database,
  ids: readonly string[],
): Promise<{ id: string; attempt: number }[]> {
  return db.query(
    `select id::text, attempt from tasks where id = any($1::uuid[]) and status = 'processing'`,
    [ids],
  );
}

/** These workers live. */
export async function beat(db: Database, workerIds: readonly string[]): Promise<void> {
  await db.query(
    `insert into workers (id) select unnest($1::text[])
     on conflict (id) do update set seen_at = now()`,
    [workerIds],
  );
}

/** These workers end, and hold nothing. */
export async function forgetWorkers(db: Database, workerIds: readonly string[]): Promise<void> {
  await db.query('delete from workers where id = any($1::text[])', [workerIds]);
}

/**
 * Gives the jobs of workers that have been silent for `silentSeconds` to others, and tasks whose job was lost a new
 * one. Returns how many there were of both. A worker that only slept finds out when it reports.
 */
export async function takeFromSilentWorkers(db: Database, silentSeconds: number): Promise<number> {
  const [row] = await db.query<{ silent: string[] }>(
    `select coalesce(array_agg(distinct locked_by), '{}') as silent from graphile_worker.jobs j
     where locked_at < now() - make_interval(secs => $1::int)
       and not exists (select from workers w
         where w.id = j.locked_by and w.seen_at > now() - make_interval(secs => $1::int))`,
    [silentSeconds],
  );
  const silent = row?.silent ?? [];
  if (silent.length > 0) await db.query('select graphile_worker.force_unlock_workers($1::text[])', [silent]);
  const lost = await db.query(
    `select graphile_worker.add_job(t.queue, json_build_object('task', t.id), job_key => 'task:' || t.id)
     from tasks t where t.status in ('pending', 'processing') and t.updated_at < now() - make_interval(secs => $1::int)
       and not exists (select from graphile_worker.jobs j where j.key = 'task:' || t.id)`,
    [silentSeconds],
  );
  // Machines are remembered for longer than their tasks wait for them.
  await db.query("delete from workers where seen_at < now() - interval '7 days'", []);
  return silent.length + lost.length;
}

/** Tasks that have been over for long. */
export async function forgetOldTasks(db: Database): Promise<void> {
  await db.query('delete from tasks where expires_at < now()', []);
}

/**
 * What only this machine can do, whoever does the rest: imports of what is staged in its data directory, and keeping
 * that clean.
 */
import type { TaskList } from 'graphile-worker';
import type { App } from '../actions/app.ts';
import { reapStaging } from '../actions/reap.ts';
import { queueOfMachine } from '../domain/import.ts';
import { importTask } from './imports.ts';

/** Null: what is staged is in a store that every machine reaches. */
export function machineTasks(
  app: App,
  stopping: AbortSignal,
): { queue: string; taskList: TaskList; crontab: string } | null {
  const { id } = app.stores.staging;
  if (app.stores.all.some((store) => store.id === id)) return null;
  const reap = `reap_${id}`;
  const queue = queueOfMachine(id);
  return {
    queue,
    taskList: {
      [queue]: importTask(app, stopping),
      [reap]: async () => {
        await reapStaging(app);
      },
    },
    crontab: `* * * * * ${reap} ?jobKey=${reap}&jobKeyMode=preserve_run_at`,
  };
}

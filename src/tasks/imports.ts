/** Imports: those that any worker can do, and those whose staged data only this machine reaches. */
import type { Task, TaskList } from 'graphile-worker';
import type { App } from '../actions/app.ts';
import { runImport } from '../actions/run-import.ts';
import { importQueue, queueOfMachine } from '../domain/import.ts';

/** `stopping`: what is under way is left to others. */
export function importTasks(app: App, stopping: AbortSignal): TaskList {
  const run: Task = (payload) => runImport(app, (payload as { task: string }).task, stopping);
  return { [importQueue]: run, [queueOfMachine(app.stores.staging.id)]: run };
}

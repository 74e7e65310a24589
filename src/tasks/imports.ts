/** Imports, one attempt for each job. */
import type { Task, TaskList } from 'graphile-worker';
import type { App } from '../actions/app.ts';
import { runImport } from '../actions/run-import.ts';
import { importQueue } from '../domain/import.ts';

/** `stopping`: what is under way is left to others. */
export function importTask(app: App, stopping: AbortSignal): Task {
  return (payload) => runImport(app, (payload as { task: string }).task, stopping);
}

/** Those that any worker can do. */
export function importTasks(app: App, stopping: AbortSignal): TaskList {
  return { [importQueue]: importTask(app, stopping) };
}

/** Removes what conversions of killed processes have left on this machine. */
import { listWorkFolders, removeWorkFolder } from '../convert/work-folder.ts';
import { findRunning } from '../db/tasks.ts';
import type { App } from './app.ts';

/** What is named after no attempt is a trial at a start, which takes seconds. */
const otherMs = 3_600_000;

const nameOf = (task: string, attempt: number) => `${task}.${attempt}`;

/** The private directory of an attempt; no other has the name. */
export const workFolderOf = (run: { id: string; attempt: number }) => nameOf(run.id, run.attempt);

/** An attempt that is the last, and not over, may be under way in another process: the database says which are. */
export async function sweepConversions(app: App): Promise<void> {
  const root = app.imports.workFolder;
  const folders = (await listWorkFolders(root, app.now())).map(({ name, ageMs }) => {
    const [, task = null, attempt = ''] = /^([0-9a-f-]{36})\.(\d{1,9})$/.exec(name) ?? [];
    return { name, ageMs, task, attempt };
  });
  const tasks = folders.flatMap(({ task }) => (task === null ? [] : [task]));
  if (folders.length === 0) return;
  const running = new Set((await findRunning(app.db, tasks)).map(({ id, attempt }) => nameOf(id, attempt)));
  for (const { name, ageMs, task } of folders) {
    if (task === null ? ageMs < otherMs : running.has(name)) continue;
    await removeWorkFolder(root, name);
    app.log.info({ folder: name }, 'what a conversion had left was removed');
  }
}

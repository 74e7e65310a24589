/** Short work that keeps the registry clean: each task comes back by itself, and cron wakes it when it got lost. */
import type { TaskList } from 'graphile-worker';
import type { App } from '../actions/app.ts';
import { forgetOldAudit } from '../actions/forget-old-audit.ts';
import { reap } from '../actions/reap.ts';
import { forgetOldTasks } from '../db/tasks.ts';
import { mergeUsage } from '../db/usage-sums.ts';
import { mergeValueCounts } from '../db/value-counts.ts';

/** How often silent writers are looked for; their leases are twice as long. */
const reapEverySeconds = 15;

/**
 * reap comes back by itself every 15 s; cron, which knows only minutes, wakes it when a killed server took it
 * along. reap_stores also lists the stores.
 */
export const crontab = [
  '* * * * * reap ?jobKey=reap&jobKeyMode=preserve_run_at',
  '*/10 * * * * reap_stores ?jobKey=reap_stores&jobKeyMode=preserve_run_at',
].join('\n');

export function upkeepTasks(app: App): TaskList {
  return {
    async reap(_payload, { addJob }) {
      const runAt = new Date(app.now().getTime() + reapEverySeconds * 1000);
      try {
        await reap(app, { list: false });
        await mergeValueCounts(app.db);
        await mergeUsage(app.db);
      } finally {
        await addJob('reap', {}, { jobKey: 'reap', jobKeyMode: 'preserve_run_at', runAt });
      }
    },
    async reap_stores() {
      await reap(app, { list: true });
      await forgetOldTasks(app.db);
      await forgetOldAudit(app);
    },
  };
}

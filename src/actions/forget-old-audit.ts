/** Lets go of entries of the audit log that are older than the settings keep them. */
import { forgetAudit } from '../db/audit.ts';
import type { App } from './app.ts';

/** A transaction each: nobody waits long for one. What is left over goes the next time. */
const [batch, batchesMax] = [5_000, 20];

/** Returns how many went. */
export async function forgetOldAudit({ db, audit, log }: App): Promise<number> {
  if (audit.retentionDays === null) return 0;
  let entries = 0;
  for (let n = 0; n < batchesMax; n++) {
    const gone = await forgetAudit(db, { days: audit.retentionDays, limit: batch });
    entries += gone;
    if (gone < batch) break;
  }
  if (entries > 0) log.info({ entries, days: audit.retentionDays }, 'old entries of the audit log are gone');
  return entries;
}

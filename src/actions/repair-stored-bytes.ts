/** A repair of all that rows and objects do not agree about, as an operator asks for it: one entry in the audit log. */
import { recordChange } from '../db/audit.ts';
import { transaction } from '../db/client.ts';
import { type Actor, changesOf } from '../domain/audit.ts';
import type { App } from './app.ts';
import { type Fsck, type FsckSum, fsck } from './fsck.ts';

/** What is done to single copies is recorded with them; here it is counted, also when it is broken off. */
export async function repairStoredBytes(app: App, by: Actor, check: Omit<Fsck, 'repair'>): Promise<FsckSum> {
  const counts: Record<string, number> = {};
  const report: Fsck['report'] = (fault) => {
    const what = 'outcome' in fault ? `${fault.kind} ${fault.outcome}` : fault.kind;
    counts[what] = (counts[what] ?? 0) + 1;
    check.report(fault);
  };
  try {
    return await fsck(app, { ...check, repair: true, report });
  } finally {
    const object = { type: 'catalog', id: null, owner: null } as const;
    const entry = { by, action: 'repairStoredBytes', object, changes: changesOf(null, { faults: counts }) };
    await transaction(app.db, (tx) => recordChange(tx, entry));
  }
}

/** `vitrine fsck`: what rows and objects do not agree about; repaired only when that is asked for. */
import { type Fault, fsck } from '../actions/fsck.ts';
import { repairStoredBytes } from '../actions/repair-stored-bytes.ts';
import { byteRate } from '../actions/slowly.ts';
import type { Config } from '../config/config.ts';
import { thisOperator } from './operator.ts';
import { knownStore } from './scrub.ts';
import { withApp } from './with-app.ts';

/** As the command line has them. */
export interface FsckFlags {
  repair: boolean;
  store?: string;
  json: boolean;
}

/** True: everything agrees. @throws an unknown store */
export async function checkStoredBytes(config: Config, flags: FsckFlags): Promise<boolean> {
  const store = knownStore(config, flags.store);
  const { repair, json } = flags;
  return withApp(config, async (app, signal) => {
    const counts = new Map<string, number>();
    const report = (fault: Fault) => {
      counts.set(fault.kind, (counts.get(fault.kind) ?? 0) + 1);
      console.log(json ? JSON.stringify(fault) : lineOf(fault));
    };
    const check = { store, report, signal, rate: byteRate(app.scrub.rate) };
    const sum = repair
      ? await repairStoredBytes(app, thisOperator(), check)
      : await fsck(app, { ...check, repair });
    const found = [...counts].map(([kind, count]) => `${count} ${kind}`).join(', ');
    const looked = `${sum.rows.toLocaleString('en')} rows and ${sum.objects.toLocaleString('en')} objects looked at`;
    console.error(`${looked}: ${found || 'all agree'}.`);
    return counts.size === 0;
  });
}

function lineOf(fault: Fault): string {
  if (!('key' in fault)) return `${fault.kind}  store ${fault.store}: ${fault.message}`;
  const where = `${fault.kind}  store ${fault.store}  ${fault.key}`;
  if ('image' in fault) return `${where}  image ${fault.image}  ${fault.outcome}: ${fault.message}`;
  return `${where}  ${fault.outcome}${fault.since ? `, known since ${fault.since}` : ''}`;
}

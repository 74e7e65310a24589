/** What PostgreSQL means to do for statements: whether any of them reads all images, one after the other. */
import type { Database } from '../../src/db/client.ts';
import type { Recorded, Statement } from './replay.ts';

interface Plan {
  'Node Type': string;
  'Relation Name'?: string;
  Plans?: Plan[];
}

/** The first of the statements with a sequential scan of images; null: none has one. */
export async function findSequentialScan(
  db: Database,
  requests: readonly Recorded[],
): Promise<Statement | null> {
  for (const statement of requests.flat()) {
    if (statement.text.startsWith('explain')) continue;
    const [row] = await db.search<{ 'QUERY PLAN': [{ Plan: Plan }] }>(
      `explain (format json) ${statement.text}`,
      statement.params,
    );
    if (row && scansImages(row['QUERY PLAN'][0].Plan)) return statement;
  }
  return null;
}

function scansImages(plan: Plan): boolean {
  if (plan['Node Type'] === 'Seq Scan' && plan['Relation Name'] === 'images') return true;
  return (plan.Plans ?? []).some(scansImages);
}

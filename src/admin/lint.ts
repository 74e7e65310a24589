/** `vitrine lint`: the images whose properties break a metadata definition, by cause. */
import { mkdir } from 'node:fs/promises';
import type { Config } from '../config/config.ts';
import { openDatabaseServer } from '../db/address.ts';
import { readImageProperties } from '../db/catalog.ts';
import { type DatabaseAddress, openDatabase } from '../db/client.ts';
import { openVocabulary } from '../db/metadef/vocabulary.ts';
import { migrate } from '../db/migrate.ts';
import { type LintCause, type LintReport, lint } from '../domain/metadef/lint.ts';

export interface LintFlags {
  /** Only the images of this project. */
  owner?: string;
  json: boolean;
}

/** True: nothing is wrong. */
export async function lintImages(config: Config, { owner, json }: LintFlags): Promise<boolean> {
  await mkdir(config.dataDir, { recursive: true });
  const database = await openDatabaseServer(config, () => {});
  try {
    await migrate(database.address);
    const report = await lintDatabase(database.address, owner ?? null);
    console.log(json ? JSON.stringify(report, null, 2) : textOf(report));
    return report.causes.length === 0;
  } finally {
    await database.close();
  }
}

/** The same of a database that is open. */
export async function lintDatabase(address: DatabaseAddress, owner: string | null): Promise<LintReport> {
  const db = openDatabase(address, { poolSize: 1, applicationName: 'vitrine lint' });
  try {
    const linter = lint(await openVocabulary(db).read());
    for await (const images of readImageProperties(address, owner)) images.forEach(linter.add);
    return linter.report();
  } finally {
    await db.close();
  }
}

const shownMax = 3;

function textOf({ imagesChecked, imagesWithIssues, causes }: LintReport): string {
  const sum = `${count(imagesChecked, 'image')} checked, ${imagesWithIssues} with issues.`;
  return [...causes.map(causeText), sum].join('\n');
}

function causeText({ property, code, message, values, images }: LintCause): string {
  const lines = [`${property}  ${code}  ${count(images.length, 'image')}`, `  ${message}`];
  const shown = values
    .slice(0, shownMax)
    .map(({ value, count: times }) => `${JSON.stringify(value.slice(0, 60))} x ${times}`);
  if (values.length > 1) lines.push(`  values: ${shown.join(', ')}${more(values.length)}`);
  lines.push(`  images: ${images.slice(0, shownMax).join(', ')}${more(images.length)}`);
  return `${lines.join('\n')}\n`;
}

const more = (length: number) => (length > shownMax ? ` and ${length - shownMax} more` : '');
const count = (n: number, what: string) => `${n.toLocaleString('en')} ${what}${n === 1 ? '' : 's'}`;

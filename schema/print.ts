/**
 * Prints the schema from the code: `--write` into schema/schema.graphql and schema/possible-types.json, without
 * it only compares and says what to do.
 */
import { readFile, writeFile } from 'node:fs/promises';
import { possibleTypes, printedSchema } from '../src/graphql/print.ts';

const files = [
  ['schema/schema.graphql', printedSchema()],
  ['src/client/possible-types.json', `${JSON.stringify(possibleTypes(), null, 2)}\n`],
] as const;

for (const [path, text] of files) {
  if (process.argv.includes('--write')) await writeFile(path, text);
  else if ((await readFile(path, 'utf8').catch(() => '')) !== text) {
    console.error(`${path} is not what the code says; run: npm run schema`);
    process.exitCode = 1;
  }
}

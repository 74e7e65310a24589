/**
 * Prints what we publish from the code: `--write` the schema of GraphQL, its possible types for caches, and the JSON
 * schemas of /v2 into their files; without it only compares and says what to do.
 */
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { dirname } from 'node:path';
import { possibleTypes, printedSchema } from '../src/graphql/print.ts';
import { schemas } from '../src/rest/schemas/resources.ts';

const printed = (value: object) => `${JSON.stringify(value, null, 2)}\n`;

const files = [
  ['schema/schema.graphql', printedSchema()],
  ['src/client/possible-types.json', printed(possibleTypes())],
  ...Object.entries(schemas).map(([name, schema]) => [`schema/v2/${name}.json`, printed(schema)] as const),
] as const;

for (const [path, text] of files) {
  if (process.argv.includes('--write')) {
    await mkdir(dirname(path), { recursive: true });
    await writeFile(path, text);
  } else if ((await readFile(path, 'utf8').catch(() => '')) !== text) {
    console.error(`${path} is not what the code says; run: npm run schema`);
    process.exitCode = 1;
  }
}

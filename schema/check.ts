/** Compares the schema with that of the last release: a change that breaks a client is an error. */
import { readFile } from 'node:fs/promises';
import { buildSchema, findBreakingChanges, findDangerousChanges } from 'graphql';

const [released, current] = await Promise.all(
  ['schema/released.graphql', 'schema/schema.graphql'].map(async (path) =>
    buildSchema(await readFile(path, 'utf8')),
  ),
);
if (!released || !current) throw new Error('Both schemas are needed.');

for (const change of findDangerousChanges(released, current)) console.log(`look at: ${change.description}`);
for (const change of findBreakingChanges(released, current)) {
  console.error(`breaks clients: ${change.description}`);
  process.exitCode = 1;
}
if (!process.exitCode) console.log('Nothing breaks the clients of the last release.');

/**
 * What the product promises about its speed, measured: `npm run bench`, or
 *
 *   node bench/run.ts [graphql|transfer] [--images 100000] [--rounds 5] [--seconds 2] [--mib 1024]
 *
 * Runs the real server on a database of its own: in the server that DATABASE_URL names, or in an embedded one.
 * All comparisons are made in the same run, since machines differ and are shared.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { measureGraphql } from './graphql.ts';
import { type BenchDatabase, openBenchDatabase } from './support/database.ts';
import { fillImages, middlingProject } from './support/images.ts';
import { measureTransfersOf } from './support/transfer-target.ts';
import { startVitrine } from './support/vitrine.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    images: { type: 'string', default: '100000' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    mib: { type: 'string', default: '1024' },
  },
});
const [what] = positionals;
const known = ['graphql', 'transfer'];
if (positionals.length > 1 || (what !== undefined && !known.includes(what))) {
  throw new Error(
    'usage: bench/run.ts [graphql|transfer] [--images 100000] [--rounds 5] [--seconds 2] [--mib 1024]',
  );
}

const dataDir = await mkdtemp(join(tmpdir(), 'vitrine-bench-'));
let database: BenchDatabase | null = null;
try {
  database = await openBenchDatabase(process.env.DATABASE_URL ?? null, dataDir);
  if (what !== 'transfer') await graphql(database);
  if (what !== 'graphql') await transfer(database);
} finally {
  await database?.drop();
  await rm(dataDir, { recursive: true, force: true });
}

async function graphql({ address }: BenchDatabase): Promise<void> {
  console.log(`${values.images} images ...`);
  await fillImages(address, Number(values.images));
  const vitrine = await startVitrine(address, { dataDir, projects: [middlingProject] });
  try {
    await measureGraphql({
      vitrine,
      address,
      rounds: Number(values.rounds),
      seconds: Number(values.seconds),
    });
  } finally {
    await vitrine.stop();
  }
}

/** A server that has just started: its memory is measured too. */
async function transfer({ address }: BenchDatabase): Promise<void> {
  const vitrine = await startVitrine(address, { dataDir, projects: [] });
  try {
    await measureTransfersOf(vitrine, {
      mebibytes: Number(values.mib),
      rounds: Number(values.rounds),
      dataDir,
    });
  } finally {
    await vitrine.stop();
  }
}

/**
 * What the product promises about its speed, measured: `npm run bench`, or
 *
 *   node bench/run.ts [graphql|rest|import|bytes|transfer|auth] [--images 100000] [--rounds 5] [--seconds 2] [--mib 1024]
 *   node bench/run.ts stores [--rounds 5] [--mib 1024]; for object stores with what test/services/up.sh prints
 *   node bench/run.ts search|peers|metadefs [--images 100000,1000000] [--rounds 5] [--database URL|socket directory]
 *     [--only part of a question's name]
 *
 * With --database, searches go to a catalog that is there, which stays as it is.
 * Runs the real server on a database of its own: in the server that DATABASE_URL names, or in an embedded one.
 * All comparisons are made in the same run, since machines differ and are shared.
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { keystoneServer } from '../test/support/keystone-server.ts';
import { authSettings, measureAuth } from './auth.ts';
import { measureLooking } from './bytes.ts';
import { measureChecks } from './checks.ts';
import { measureGraphql } from './graphql.ts';
import { measureImport } from './import.ts';
import { fileServer, measureImports, settingsOfImports } from './imports.ts';
import { measureMetadefs } from './metadefs.ts';
import { measurePeers, requirePeers } from './peers.ts';
import { measureRest } from './rest.ts';
import { measureSearch, reportGrowth, type Times } from './search.ts';
import { measureStores, settingsOf, storeServices } from './stores.ts';
import { type Catalog, withCatalog, withOthersCatalog } from './support/catalog.ts';
import { type BenchDatabase, openBenchDatabase } from './support/database.ts';
import { fillImages, middlingProject } from './support/images.ts';
import { measureTransfersOf, targetOf } from './support/transfer-target.ts';
import { startVitrine } from './support/vitrine.ts';
import { makePayload } from './transfer.ts';

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    images: { type: 'string' },
    rounds: { type: 'string', default: '5' },
    seconds: { type: 'string', default: '2' },
    mib: { type: 'string', default: '1024' },
    database: { type: 'string' },
    only: { type: 'string' },
  },
});
const [what] = positionals;
const known = [
  'graphql',
  'rest',
  'import',
  'bytes',
  'transfer',
  'auth',
  'stores',
  'search',
  'peers',
  'metadefs',
];
const largest: Record<string, string> = { search: '100000,1000000', metadefs: '1000000' };
const images = values.images ?? largest[what ?? ''] ?? '100000';
if (positionals.length > 1 || (what !== undefined && !known.includes(what))) {
  throw new Error(
    'usage: bench/run.ts [graphql|rest|import|bytes|transfer|auth|stores|search|peers|metadefs], with the options at its top',
  );
}

const dataDir = await mkdtemp(join(tmpdir(), 'vitrine-bench-'));
let database: BenchDatabase | null = null;
try {
  if (what === 'search') await search();
  else if (what === 'peers') await peers();
  else if (what === 'metadefs') await metadefs();
  else {
    database = await openBenchDatabase(process.env.DATABASE_URL ?? null, dataDir);
    const isAsked = (name: string) => what === undefined || what === name;
    if (isAsked('import')) await imports(database);
    if (isAsked('graphql') || isAsked('rest')) await lists(database, isAsked);
    if (isAsked('bytes')) await bytes(database);
    if (isAsked('transfer')) await transfer(database);
    if (isAsked('auth')) await auth(database);
    if (isAsked('stores')) await stores(database);
  }
} finally {
  await database?.drop();
  await rm(dataDir, { recursive: true, force: true });
}

/** First: it needs an empty catalog, and leaves one. */
async function imports({ address }: BenchDatabase): Promise<void> {
  await measureImport(address, {
    images: Number(images),
    rounds: Number(values.rounds),
    dir: dataDir,
  });
}

/** By both doors, over one catalog. */
async function lists({ address }: BenchDatabase, isAsked: (name: string) => boolean): Promise<void> {
  console.log(`${images} images ...`);
  await fillImages(address, Number(images));
  const vitrine = await startVitrine(address, { dataDir, projects: [middlingProject] });
  const measuring = { vitrine, address, rounds: Number(values.rounds), seconds: Number(values.seconds) };
  try {
    if (isAsked('graphql')) await measureGraphql(measuring);
    if (isAsked('rest')) await measureRest(measuring);
  } finally {
    await vitrine.stop();
  }
}

/** A server that has just started: its memory is measured too. */
async function bytes({ address }: BenchDatabase): Promise<void> {
  const [mib, rounds] = [Number(values.mib), Number(values.rounds)];
  const looked = measureLooking({ mib, rounds });
  const vitrine = await startVitrine(address, { dataDir, projects: [] });
  try {
    const payload = makePayload(join(dataDir, 'payload'), mib * 2 ** 20);
    await measureChecks(targetOf(vitrine), { address, payload, looked, rounds, directory: dataDir });
  } finally {
    await vitrine.stop();
  }
}

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

/** Beside a Keystone on the wire, which counts what it is asked. */
async function auth({ address }: BenchDatabase): Promise<void> {
  const keystone = await keystoneServer();
  const settings = authSettings(keystone);
  const callers = { projects: ['blue'], settings, auth: 'tokens,keystone' };
  const vitrine = await startVitrine(address, { dataDir, ...callers });
  try {
    const times = { rounds: Number(values.rounds), seconds: Number(values.seconds) };
    await measureAuth(vitrine, keystone, times);
  } finally {
    await vitrine.stop();
    await keystone.close();
  }
}

/** Into stores of this machine by tasks, and into object stores. */
async function stores(opened: BenchDatabase): Promise<void> {
  await throughTasks(opened);
  await objectStores(opened);
}

async function throughTasks({ address }: BenchDatabase): Promise<void> {
  const web = await fileServer(dataDir);
  const settings = settingsOfImports(dataDir, web.host);
  const vitrine = await startVitrine(address, { dataDir, projects: [], settings });
  try {
    const size = { mebibytes: Number(values.mib), rounds: Number(values.rounds) };
    await measureImports(vitrine, { ...size, web, dataDir });
  } finally {
    await vitrine.stop();
    web.close();
  }
}

/** Also a server that has just started. */
async function objectStores({ address }: BenchDatabase): Promise<void> {
  const services = storeServices();
  if (!services) return console.log('object stores: skipped, needs what test/services/up.sh prints');
  const settings = settingsOf(services);
  const vitrine = await startVitrine(address, { dataDir, projects: [], settings });
  try {
    const size = { mebibytes: Number(values.mib), rounds: Number(values.rounds) };
    await measureStores(vitrine, services, { ...size, dataDir });
  } finally {
    await vitrine.stop();
  }
}

/** Catalogs of growing size, one after the other, or the one that is there. */
async function onCatalogs(work: (catalog: Catalog) => Promise<void>): Promise<void> {
  const { database } = values;
  if (database !== undefined) return withOthersCatalog({ database, dataDir }, work);
  for (const size of images.split(',')) await withCatalog({ images: Number(size), dataDir }, work);
}

async function search(): Promise<void> {
  let before: Times | null = null;
  await onCatalogs(async (catalog) => {
    const times = await measureSearch({ ...catalog, rounds: Number(values.rounds), only: values.only });
    if (before) reportGrowth(before, times);
    before = times;
  });
}

async function metadefs(): Promise<void> {
  await onCatalogs((catalog) =>
    measureMetadefs({ ...catalog, rounds: Number(values.rounds), seconds: Number(values.seconds) }),
  );
}

async function peers(): Promise<void> {
  requirePeers();
  await onCatalogs((catalog) =>
    measurePeers({ ...catalog, rounds: Number(values.rounds), seconds: Number(values.seconds) }),
  );
}

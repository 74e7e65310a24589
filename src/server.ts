/** Builds everything once from the config, from the floor to the doors, and takes it down in the other order. */
import { randomBytes } from 'node:crypto';
import { link, mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import type { Logger } from 'pino';
import type { App } from './actions/app.ts';
import { robotView } from './actions/asked-images.ts';
import { openDenials } from './actions/denials.ts';
import { loadShippedNamespaces } from './actions/metadef/load-namespaces.ts';
import { prepareSearch } from './actions/prepare-search.ts';
import { sweepConversions } from './actions/sweep-conversions.ts';
import { authenticateWith } from './auth/authenticate.ts';
import { openMethods } from './auth/methods.ts';
import { robotTokens } from './auth/robot-tokens.ts';
import type { IdentityWatch } from './auth/token-check.ts';
import { hashPool } from './bytes/hash-pool.ts';
import { captureRoom, unpackRoom } from './bytes/inspect/room.ts';
import type { Config } from './config/config.ts';
import { type Converter, openConverter } from './convert/converter.ts';
import { type OpenedDatabase, openDatabaseServer } from './db/address.ts';
import { type DatabaseAddress, openDatabase } from './db/client.ts';
import { openHotProperties } from './db/hot-properties.ts';
import { findSigningKey } from './db/installation.ts';
import { openVocabulary } from './db/metadef/vocabulary.ts';
import { migrate } from './db/migrate.ts';
import { countDamaged } from './db/stored-copies.ts';
import { findLiveToken, noteTokenUse } from './db/tokens.ts';
import { policyWith } from './domain/policy.ts';
import { protectionWith } from './domain/property-protection.ts';
import { graphqlRoutes } from './graphql/http.ts';
import { openAdmission } from './http/admission.ts';
import { drain, watchWork } from './http/drain.ts';
import { healthRoutes } from './http/health.ts';
import { createMetrics, type Metrics, meterDamage } from './http/metrics.ts';
import { createHttp } from './http/server.ts';
import { plainUrl, restRoutes } from './rest/door.ts';
import { openStores, type StoreSurroundings, type Stores } from './stores/all.ts';
import { openEgress } from './stores/egress/egress.ts';
import { openRemoteImages } from './stores/glance/remote-images.ts';
import { openUnifiedLimits } from './stores/unified-limits.ts';
import type { StoreWatch } from './stores/watch.ts';
import { startTasks } from './tasks/runner.ts';
import { transferRoutes } from './transfer/image-file.ts';
import { resumableRoutes } from './transfer/resumable.ts';
import { FolderError } from './trust/folder.ts';
import { openSignatures, type Signatures } from './trust/signatures.ts';

export interface RunningServer {
  /** Where it listens, as a URL without a slash at its end. */
  readonly url: string;
  readonly app: App;
  readonly metrics: Metrics;
  readonly databaseIsEmbedded: boolean;
  /** Unready at once; lets running transfers finish for up to drainSeconds, then ends them. */
  stop(drainSeconds?: number): Promise<void>;
}

/** Undone in the reverse order, each step whatever became of the one before. */
type Undo = () => Promise<unknown>;

/** What a test brings in place of what the settings name. */
export interface Parts {
  database?: OpenedDatabase;
  stores?: Stores;
}

/** @throws what keeps the service from starting; nothing is left running then */
export async function startServer(config: Config, log: Logger, parts: Parts = {}): Promise<RunningServer> {
  const undo: Undo[] = [];
  try {
    return await build(config, log, parts, undo);
  } catch (error) {
    await takeDown(undo, log);
    throw error;
  }
}

async function build(config: Config, log: Logger, parts: Parts, undo: Undo[]): Promise<RunningServer> {
  await prepareFolders(config);
  const metrics = createMetrics();
  const methods = await openMethods(config, identityWatch(metrics, log));
  const converter = await converterOf(config, log);

  const database = parts.database ?? (await openDatabaseServer(config, (message) => log.info(message)));
  undo.push(() => database.close());
  await migrate(database.address);
  const stores =
    parts.stores ??
    openStores(config.stores, { ...(await surroundingsOf(config)), watch: storeWatch(metrics, log) });
  const { app, close } = await openApp(config, { address: database.address, stores, log, converter });
  undo.push(close);
  await sweepConversions(app);
  meterDamage(metrics, () => countDamaged(app.db));
  await loadShippedNamespaces(app.db, (message) => log.info(message));
  const tasks = await startTasks(app, database.address, {
    imports: config.imports.parallel,
    isAll: config.tasks,
  });
  undo.push(() => tasks.stop());
  const preparing = prepareSearch(app, database.address, config.search);
  undo.push(() => preparing.stop());

  const stopping = new AbortController();
  let isDraining = false;
  const http = await createHttp({ ...config, challenge: methods.challenge, plainUrl, metrics, log });
  undo.push(() => http.close());
  const admission = openAdmission(config.limits, (limit) => metrics.refusals.inc({ limit }));
  admission.guard(http);
  const work = watchWork(http);
  healthRoutes(http, {
    checks: [
      { name: 'database', isNeeded: true, run: () => app.db.query('select 1', []) },
      ...app.stores.all.map((store) => ({
        name: `store ${store.id}`,
        isNeeded: store.id === app.stores.default.id,
        run: (signal: AbortSignal) => store.probe(signal),
      })),
    ],
    isDraining: () => isDraining,
    metrics,
  });
  const robots = robotTokens({
    find: (digest) => findLiveToken(app.db, digest),
    noteUse: (id) => noteTokenUse(app.db, id),
    viewOf: (caller) => robotView(app, caller),
    log,
  });
  const checks = [...methods.here, robots, ...methods.elsewhere];
  const authenticate = admission.watching(authenticateWith(checks, methods.source));
  graphqlRoutes(http, { ...config, app, authenticate, admission });
  http.register(async (scope) => restRoutes(scope, { ...config, app, authenticate, admission }));
  http.register(async (scope) =>
    transferRoutes(scope, { app, authenticate, admission, metrics, stopping: stopping.signal }),
  );
  const { publicUrl } = config;
  http.register(async (scope) =>
    resumableRoutes(scope, { app, authenticate, admission, metrics, stopping: stopping.signal, publicUrl }),
  );
  await http.listen({ host: config.host, port: config.port });

  return {
    url: urlOf(config.host, http.server.address() as AddressInfo),
    app,
    metrics,
    databaseIsEmbedded: database.isEmbedded,
    async stop(drainSeconds = config.drainSeconds) {
      isDraining = true;
      const tasksStopped = tasks.stop();
      const cut = () => stopping.abort(new Error('The server stops.'));
      await drain(http, work, { patienceMs: drainSeconds * 1000, cut });
      await tasksStopped;
      await takeDown(undo, log);
    },
  };
}

/** Only the queued work: no door is open. @throws what keeps it from starting; nothing is left running then */
export async function startWorker(config: Config, log: Logger): Promise<{ stop(): Promise<void> }> {
  const undo: Undo[] = [];
  try {
    await prepareFolders(config);
    const converter = await converterOf(config, log);
    const database = await openDatabaseServer(config, (message) => log.info(message));
    undo.push(() => database.close());
    await migrate(database.address);
    const stores = openStores(config.stores, await surroundingsOf(config));
    const { app, close } = await openApp(config, { address: database.address, stores, log, converter });
    undo.push(close);
    await sweepConversions(app);
    const tasks = await startTasks(app, database.address, { imports: config.imports.parallel });
    undo.push(() => tasks.stop());
  } catch (error) {
    await takeDown(undo, log);
    throw error;
  }
  return { stop: () => takeDown(undo, log) };
}

/** What stores need besides their own settings. */
export async function surroundingsOf({ dataDir, imports }: Config): Promise<StoreSurroundings> {
  const staging =
    imports.staging === null
      ? { id: await stagingIdOf(dataDir), path: join(dataDir, 'staged') }
      : { store: imports.staging };
  return { spool: join(dataDir, 'staging'), staging, egress: imports.egress };
}

/** A name for the staging area of this data directory that no other has: rows about what is staged hold it. */
async function stagingIdOf(dataDir: string): Promise<string> {
  const file = join(dataDir, 'staging-id');
  await mkdir(join(dataDir, 'staged'), { recursive: true, mode: 0o750 });
  const fresh = `staging-${randomBytes(6).toString('hex')}`;
  // Whole or not at all: the first of several processes wins, and a kill leaves none without a name.
  await writeFile(`${file}.${fresh}`, fresh);
  await link(`${file}.${fresh}`, file).catch((error) => {
    if (error.code !== 'EEXIST') throw error;
  });
  await rm(`${file}.${fresh}`);
  return readFile(file, 'utf8');
}

/** What stores tell of themselves, as metrics and in the log. */
function storeWatch(metrics: Metrics, log: Logger): StoreWatch {
  return {
    called: (store, call, outcome, seconds) => metrics.storeCalls.observe({ store, call, outcome }, seconds),
    circuitChanged(store, isOpen) {
      metrics.storesLeftAlone.set({ store }, isOpen ? 1 : 0);
      if (isOpen) log.error({ store }, 'a store failed several times in a row; it is left alone for a while');
      else log.info({ store }, 'a store works again');
    },
  };
}

/** What is asked about tokens elsewhere, as metrics and in the log. */
function identityWatch(metrics: Metrics, log: Logger): IdentityWatch {
  return {
    asked: (service, outcome, seconds) => metrics.identityCalls.observe({ service, outcome }, seconds),
    warn: (message) => log.warn(message),
  };
}

/** Null: the settings ask for none. @throws Error it is asked for, and cannot be done here */
async function converterOf({ imports, dataDir }: Config, log: Logger): Promise<Converter | null> {
  const { to, ...settings } = imports.convert;
  return to === null
    ? null
    : openConverter({ settings: { ...settings, to }, root: workFolderIn(dataDir), log });
}

const workFolderIn = (dataDir: string) => join(dataDir, 'converting');

/** What actions work with, and what closes it. `converter`: of who does queued work. */
export async function openApp(
  config: Config,
  {
    address,
    stores,
    log,
    converter = null,
  }: { address: DatabaseAddress; stores: Stores; log: Logger; converter?: Converter | null },
): Promise<{ app: App; close(): Promise<void> }> {
  const { statementTimeoutMs, costMax } = config.search;
  const signatures = await signaturesOf(config);
  const db = openDatabase(address, { searchTimeoutMs: statementTimeoutMs });
  const hot = await openHotProperties(db, { log });
  const policy = policyWith(config.policy);
  const hashes = hashPool({ cores: availableParallelism() });
  const denials = openDenials(db, log);
  const app: App = {
    db,
    stores,
    hashes,
    limits: { imageSizeMax: config.imageSizeMax, imports: config.limits.imports },
    formats: config.formats,
    inspecting: { captures: captureRoom(), unpacking: unpackRoom() },
    signatures,
    locations: config.locations,
    quotas: {
      defaults: config.quotas,
      unified: config.keystone?.unifiedLimits ? openUnifiedLimits({ keystone: config.keystone }) : null,
    },
    policy,
    protection: protectionWith(config.propertyProtection, policy),
    search: { hot, costMax, describing: config.search.describingProperties },
    metadefs: { mode: config.metadefs, vocabulary: openVocabulary(db) },
    imports: { ...importsOf(config), converter, workFolder: workFolderIn(config.dataDir) },
    egress: openEgress(config.imports.egress),
    scrub: config.scrub,
    audit: config.audit,
    denials,
    signingKey: await findSigningKey(db),
    now: () => new Date(),
    log,
  };
  return {
    app,
    async close() {
      hot.close();
      await hashes.close();
      await denials.close();
      await db.close();
    },
  };
}

/** Null: none are checked. @throws Error what is wrong with the trusted roots */
export async function signaturesOf({ signatures, keystone }: Config): Promise<Signatures | null> {
  const { trustedRoots, certificates, barbican } = signatures;
  if (trustedRoots === null) return null;
  const asked = barbican && keystone ? { ...barbican, keystone } : null;
  try {
    return await openSignatures({ trustedRoots, certificates, barbican: asked, now: () => new Date() });
  } catch (error) {
    if (!(error instanceof FolderError)) throw error;
    throw new Error(`The section signatures of the settings: ${error.message}.`, { cause: error });
  }
}

/** What imports need to know of the settings. */
function importsOf({ imports, keystone }: Config): Omit<App['imports'], 'converter' | 'workFolder'> {
  const { methods, decompress, copiedProperties } = imports;
  return {
    // Without a Keystone there is no catalog to find other regions in.
    methods: methods.filter((name) => name !== 'glance-download' || keystone !== null),
    decompress,
    remoteImages: keystone ? openRemoteImages({ keystone, copiedProperties }) : null,
  };
}

/** The folders of the data directory: images if they are there, and the spool of multipart requests, which is swept. */
async function prepareFolders({ dataDir, stores }: Config): Promise<void> {
  const images = join(dataDir, 'images');
  const isOurs = stores.some(
    (store) => store.type === 'file' && store.paths.some(({ path }) => path === images),
  );
  if (isOurs) await mkdir(images, { recursive: true, mode: 0o750 });
  const spool = join(dataDir, 'spool');
  await mkdir(spool, { recursive: true });
  for (const name of await readdir(spool)) {
    if (/^capacitor-.*\.tmp$/.test(name)) await rm(join(spool, name), { force: true });
  }
}

async function takeDown(undo: Undo[], log: Logger): Promise<void> {
  for (const step of undo.splice(0).reverse()) {
    await step().catch((error: unknown) => log.warn({ err: error }, 'a part did not stop cleanly'));
  }
}

/** Where a server that listens there is called. */
export function urlOf(host: string, { port }: Pick<AddressInfo, 'port'>): string {
  const shown = host === '0.0.0.0' || host === '::' ? '127.0.0.1' : host;
  return `http://${shown.includes(':') ? `[${shown}]` : shown}:${port}`;
}

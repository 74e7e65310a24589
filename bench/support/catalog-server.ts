/**
 * GraphQL over a catalog that is to stay as it is: the real door and actions, without what a server does to its
 * database when it starts and while it runs. As a program, on the settings of the environment:
 *
 *   node bench/support/catalog-server.ts <address of the database, as JSON>
 */
import type { FastifyInstance } from 'fastify';
import { pino } from 'pino';
import type { App } from '../../src/actions/app.ts';
import { openDenials } from '../../src/actions/denials.ts';
import { authenticateWith } from '../../src/auth/authenticate.ts';
import { openTokensFile } from '../../src/auth/tokens.ts';
import { hashPool } from '../../src/bytes/hash-pool.ts';
import { captureRoom, unpackRoom } from '../../src/bytes/inspect/room.ts';
import { type Config, readConfig } from '../../src/config/config.ts';
import { type Database, openDatabase } from '../../src/db/client.ts';
import { openHotProperties } from '../../src/db/hot-properties.ts';
import { openVocabulary } from '../../src/db/metadef/vocabulary.ts';
import { builtInPolicy } from '../../src/domain/policy.ts';
import { unlimited } from '../../src/domain/quota.ts';
import { graphqlRoutes } from '../../src/graphql/http.ts';
import { openToAll } from '../../src/http/admission.ts';
import { createMetrics } from '../../src/http/metrics.ts';
import { createHttp } from '../../src/http/server.ts';
import { storesOf } from '../../src/stores/all.ts';
import { openEgress } from '../../src/stores/egress/egress.ts';
import { memoryStore } from '../../src/stores/memory.ts';

/** Does not listen yet. Its log is a line a request, as in production, and goes to standard output. */
export async function openCatalog(
  db: Database,
  config: Config,
  log = pino({ level: config.logLevel }),
): Promise<FastifyInstance> {
  const hot = await openHotProperties(db, { log });
  const app: App = {
    db,
    stores: storesOf([memoryStore({ id: 'none' })]),
    hashes: hashPool({ cores: 1 }),
    quotas: { defaults: unlimited, unified: null },
    limits: { imageSizeMax: 0, imports: null },
    formats: config.formats,
    inspecting: { captures: captureRoom(), unpacking: unpackRoom() },
    signatures: null,
    locations: config.locations,
    metadefs: { mode: 'off', vocabulary: openVocabulary(db) },
    policy: builtInPolicy,
    protection: null,
    search: { hot, costMax: config.search.costMax, describing: config.search.describingProperties },
    imports: {
      methods: [],
      converter: null,
      workFolder: '',
      decompress: { enabled: false, ratioMax: 1 },
      remoteImages: null,
    },
    egress: openEgress({ schemes: [], ports: [], allow: [], deny: [], redirects: 0, timeoutMs: 1000 }),
    scrub: config.scrub,
    audit: config.audit,
    denials: openDenials(db, log),
    signingKey: '',
    now: () => new Date(),
    log,
  };
  const http = await createHttp({ ...config, metrics: createMetrics(), log });
  const tokens = await openTokensFile(config.tokensFile, (message) => log.warn(message));
  graphqlRoutes(http, { ...config, app, authenticate: authenticateWith([tokens]), admission: openToAll() });
  http.get('/readyz', async () => ({ status: 'ready' }));
  http.addHook('onClose', async () => hot.close());
  return http;
}

if (import.meta.main) {
  const [address] = process.argv.slice(2);
  if (!address) throw new Error('usage: catalog-server.ts <address>');
  const config = readConfig(process.env, process.cwd());
  const db = openDatabase(JSON.parse(address), { searchTimeoutMs: config.search.statementTimeoutMs });
  const http = await openCatalog(db, config);
  await http.listen({ host: config.host, port: config.port });
}

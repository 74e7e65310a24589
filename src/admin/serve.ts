/** `vitrine serve`: the service, from its banner to a clean stop. */
import cluster from 'node:cluster';
import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import type { Logger } from 'pino';
import { firstToken } from '../auth/tokens.ts';
import type { Config } from '../config/config.ts';
import { isLoopback } from '../config/parse.ts';
import { startServer, urlOf } from '../server.ts';
import { version } from '../version.ts';
import { openLog } from './log.ts';
import { shareMetrics, startWorkers } from './workers.ts';

/** What the banner and the end need to know, of one server or of several. */
interface Service {
  url: string;
  databaseIsEmbedded: boolean;
  stop(signal: NodeJS.Signals): Promise<void>;
  stopNow(): void;
}

/** Resolves when the service has stopped. @throws what keeps it from starting */
export async function serve(config: Config): Promise<void> {
  const { log, flush } = openLog(config.logLevel);
  // Multipart uploads pass through the temporary directory: next to the store, not on a small /tmp.
  const spool = join(config.dataDir, 'spool');
  await mkdir(spool, { recursive: true });
  process.env.TMPDIR = spool;

  const stopAsked = Promise.withResolvers<NodeJS.Signals>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopAsked.resolve(signal));
  const started = performance.now();
  let service: Service;
  try {
    const isOneOfMany = config.workers > 1 && cluster.isPrimary;
    service = isOneOfMany ? await manyServers(config, log) : await oneServer(config, log);
  } finally {
    await flush();
  }
  if (cluster.isPrimary) process.stdout.write(await banner(config, service, performance.now() - started));

  const signal = await stopAsked.promise;
  log.info({ signal }, 'stopping');
  // Whoever asks twice does not want to wait.
  for (const again of ['SIGINT', 'SIGTERM'] as const) process.once(again, () => service.stopNow());
  await service.stop(signal);
  log.info('stopped');
  await flush();
  process.exit(0);
}

async function oneServer(config: Config, log: Logger): Promise<Service> {
  const server = await startServer(config, log);
  if (cluster.isWorker) shareMetrics(server.metrics);
  process.on('unhandledRejection', (error) => {
    server.metrics.unheardFailures.inc();
    log.error({ err: error }, 'a failure that nobody heard of');
  });
  return {
    url: server.url,
    databaseIsEmbedded: server.databaseIsEmbedded,
    stop: () => server.stop(),
    stopNow: () => void server.stop(0),
  };
}

async function manyServers(config: Config, log: Logger): Promise<Service> {
  const { address, databaseIsEmbedded, stop } = await startWorkers(config, log);
  return { url: urlOf(config.host, address), databaseIsEmbedded, stop, stopNow: () => void stop('SIGTERM') };
}

/** Where everything is, and one command that works as it stands. */
async function banner(config: Config, server: Service, ms: number): Promise<string> {
  const hasFile = config.auth.includes('tokens');
  const token = hasFile ? await firstToken(config.tokensFile, 'member') : null;
  const shown = relative(process.cwd(), config.tokensFile);
  const tokensFile = shown.startsWith('..') ? config.tokensFile : shown;
  const lines = [
    `Vitrine ${version}, ready after ${(ms / 1000).toFixed(1)} s`,
    '',
    `  GraphQL   ${server.url}/graphql${config.graphiql ? '  (GraphiQL in a browser)' : ''}`,
    `  Image API ${server.url}/v2`,
    `  Data      ${config.dataDir}`,
    `  Database  ${server.databaseIsEmbedded ? 'embedded PostgreSQL in the data directory' : 'external (DATABASE_URL)'}`,
    `  Callers   by ${config.auth.join(', ')}`,
    ...(hasFile ? [`  Tokens    ${config.tokensFile}`] : []),
  ];
  if (token !== null) {
    lines.push(
      '',
      'Try it:',
      '',
      // The token is read from its file: it is not printed, and does not end up in a shell's history.
      `  curl -s ${server.url}/graphql -H 'Content-Type: application/json' \\`,
      `    -H "X-Auth-Token: $(${tokenCommand(tokensFile)})" \\`,
      `    -d '{"query": "{ viewer { user project } images { totalCount } }"}'`,
    );
  }
  if (!isLoopback(config.host)) lines.push('', 'Others can reach this address: put TLS in front of it.');
  return `${lines.join('\n')}\n\n`;
}

const quoted = (path: string) => (/^[\w./-]+$/.test(path) ? path : `'${path.replace(/'/g, `'\\''`)}'`);
const tokenCommand = (path: string) => `sed -n 's/.*"token": "\\(.*\\)".*/\\1/p' ${quoted(path)} | tail -1`;

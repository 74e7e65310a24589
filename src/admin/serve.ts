/** `vitrine serve`: the service, from its banner to a clean stop. */
import { mkdir } from 'node:fs/promises';
import { join, relative } from 'node:path';
import { firstToken } from '../auth/tokens.ts';
import { type Config, isLoopback } from '../config/config.ts';
import { type RunningServer, startServer } from '../server.ts';
import { version } from '../version.ts';
import { openLog } from './log.ts';

/** Resolves when the service has stopped. @throws what keeps it from starting */
export async function serve(config: Config): Promise<void> {
  const { log, flush } = openLog(config.logLevel);
  // Multipart uploads pass through the temporary directory: next to the store, not on a small /tmp.
  const spool = join(config.dataDir, 'spool');
  await mkdir(spool, { recursive: true });
  process.env.TMPDIR = spool;

  const stopAsked = Promise.withResolvers<string>();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => stopAsked.resolve(signal));
  const started = performance.now();
  let server: RunningServer;
  try {
    server = await startServer(config, log);
  } finally {
    flush();
  }
  process.on('unhandledRejection', (error) => {
    server.metrics.unheardFailures.inc();
    log.error({ err: error }, 'a failure that nobody heard of');
  });
  process.stdout.write(await banner(config, server, performance.now() - started));

  const signal = await stopAsked.promise;
  log.info({ signal }, 'stopping');
  // Whoever asks twice does not want to wait.
  for (const again of ['SIGINT', 'SIGTERM'] as const) process.once(again, () => void server.stop(0));
  await server.stop();
  log.info('stopped');
  flush();
  process.exit(0);
}

/** Where everything is, and one command that works as it stands. */
async function banner(config: Config, server: RunningServer, ms: number): Promise<string> {
  const token = await firstToken(config.tokensFile, 'member');
  const shown = relative(process.cwd(), config.tokensFile);
  const tokensFile = shown.startsWith('..') ? config.tokensFile : shown;
  const lines = [
    `Vitrine ${version}, ready after ${(ms / 1000).toFixed(1)} s`,
    '',
    `  GraphQL   ${server.url}/graphql${config.graphiql ? '  (GraphiQL in a browser)' : ''}`,
    `  Image API ${server.url}/v2`,
    `  Data      ${config.dataDir}`,
    `  Database  ${server.databaseIsEmbedded ? 'embedded PostgreSQL in the data directory' : 'external (DATABASE_URL)'}`,
    `  Tokens    ${config.tokensFile}`,
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

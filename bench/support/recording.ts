/** What the server sends to PostgreSQL for a request: the same door in this process, on a database that listens. */
import { pino } from 'pino';
import { readConfig } from '../../src/config/config.ts';
import { type Database, type DatabaseAddress, openDatabase } from '../../src/db/client.ts';
import { openCatalog } from './catalog-server.ts';
import type { Recorded, Statement } from './replay.ts';

export interface Recorder {
  /** The statements of a search, and what was answered. One at a time. @throws Error the answer has errors */
  record(body: string, headers: Record<string, string>): Promise<{ statements: Recorded; data: object }>;
  readonly db: Database;
  close(): Promise<void>;
}

export async function openRecorder(address: DatabaseAddress, tokensFile: string): Promise<Recorder> {
  const db = openDatabase(address, { poolSize: 1 });
  let statements: Statement[] = [];
  const listening: Database = {
    ...db,
    search(text, params, how = {}) {
      statements.push({ text, params: [...params], prepared: how.prepared ?? false });
      return db.search(text, params, how);
    },
  };
  const config = readConfig({ VITRINE_TOKENS_FILE: tokensFile }, '/');
  const http = await openCatalog(listening, config, pino({ level: 'silent' }));
  return {
    db,
    async record(body, headers) {
      statements = [];
      const sent = { ...headers, 'content-type': 'application/json' };
      const answer = await http.inject({ method: 'POST', url: '/graphql', headers: sent, payload: body });
      const { data, errors } = answer.json();
      if (errors) throw new Error(`${body}: ${JSON.stringify(errors)}`);
      return { statements, data };
    },
    async close() {
      await http.close();
      await db.close();
    },
  };
}

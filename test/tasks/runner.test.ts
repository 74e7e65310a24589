/** The pools of workers of a process: all of them run, or none. */
import { expect, inject, test } from 'vitest';
import { connect } from '../../src/db/client.ts';
import { startTasks } from '../../src/tasks/runner.ts';
import { aDatabase } from '../support/database.ts';
import { aServer } from '../support/server.ts';
import { until } from '../support/until.ts';

test('workers of which some cannot start leave nothing running', async () => {
  const server = await aServer({ env: { VITRINE_TASKS: 'off' } });
  const database = await aDatabase(inject('database'));
  const sql = connect(database.address, { poolSize: 1 });
  try {
    // No schedule can name this one.
    const staging = { ...server.app.stores.staging, id: 'no name' };
    const app = { ...server.app, stores: { ...server.app.stores, staging } };
    await expect(startTasks(app, database.address, { imports: 1 })).rejects.toThrow(/crontab/);
    await until(async () => {
      const [row] = await sql`select count(*)::int as n from pg_stat_activity
        where datname = current_database() and application_name = 'vitrine queue'`;
      return row?.n === 0;
    });
  } finally {
    await sql.end();
    await database.drop();
    await server.stop();
  }
});

/**
 * Our place among the processes that use a cluster: one connection with one shared lock. PostgreSQL takes both
 * away when the process dies in whatever way, so nothing is ever left to clean up.
 *
 * The lock is in the database `postgres`, which is always there and which nobody else uses: `vitrine` can be
 * dropped and restored, and its locks are the application's.
 */
import postgres from 'postgres';

export interface Connection {
  socketDir: string;
  port: number;
  user: string;
  database: string;
}

export interface Session {
  /** Resolves when the connection, and with it our place, is gone. Never rejects. */
  readonly lost: Promise<void>;
  isLost(): boolean;
  /**
   * Gives up our place. True: nobody else has one, and nobody gets one before end(). Giving up comes first and
   * asking second: of two that leave together at least the second to ask is then alone, and as an exclusive
   * lock has one holder, only one is told so.
   * @throws Error the connection was lost
   */
  giveUpPlace(): Promise<boolean>;
  end(): Promise<void>;
}

/** Any number that stays the same: 'vitr'. */
const lockKey = 0x76697472;

/**
 * Connects, takes a place and sees that the application's database is there. Waits while the last process is
 * leaving, and is then thrown out by the end of the server.
 * @throws Error for many reasons that pass; begin again from the top
 */
export async function joinServer({ socketDir, port, user, database }: Connection): Promise<Session> {
  const lost = Promise.withResolvers<void>();
  let isLost = false;
  const sql = postgres({
    host: socketDir,
    port,
    user,
    database: 'postgres',
    ssl: false,
    max: 1,
    idle_timeout: undefined,
    max_lifetime: null,
    connect_timeout: 5,
    fetch_types: false,
    onnotice: () => {},
    onclose: () => {
      isLost = true;
      lost.resolve();
    },
    connection: { application_name: 'vitrine supervisor', lock_timeout: 20_000, idle_session_timeout: 0 },
  });
  try {
    await sql`select pg_advisory_lock_shared(${lockKey})`;
    const [found] = await sql`select 1 from pg_database where datname = ${database}`;
    if (found === undefined) await sql.unsafe(`create database ${database}`).catch(unlessItExists);
    // postgres.js connects again by itself when a query comes after a loss: that connection has no lock.
    if (isLost) throw new Error('The connection was lost');
  } catch (error) {
    await sql.end({ timeout: 0 });
    throw error;
  }
  return {
    lost: lost.promise,
    isLost: () => isLost,
    async giveUpPlace() {
      const [mine] = await sql`select pg_advisory_unlock_shared(${lockKey}) as had`;
      const [all] = await sql`select pg_try_advisory_lock(${lockKey}) as got`;
      if (isLost || mine?.had !== true) throw new Error('The connection was lost');
      return all?.got === true;
    },
    end: () => sql.end({ timeout: 0 }),
  };
}

/** Two first processes may both make the database. */
function unlessItExists(error: unknown): void {
  const { code } = error as { code?: string };
  if (code !== '42P04' && code !== '23505') throw error;
}

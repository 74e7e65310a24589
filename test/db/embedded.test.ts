/**
 * The built-in PostgreSQL, with real processes: some tests run a second Node, and kill it or the server. Each
 * has its own data folder; all but those about the making of a cluster begin with a copy of one.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import postgres from 'postgres';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EmbeddedPostgres, openEmbeddedPostgres } from '../../src/db/embedded/server.ts';
import { only } from '../support/size.ts';

const run = promisify(execFile);
/** Races and kills that begin and end a PostgreSQL each: for runs that have the time. */
const long = only({ from: 'ci' });
const isRoot = process.getuid?.() === 0;
let scratch: string;
let template: string;

beforeAll(async () => {
  // Short names, so that only the test about long ones needs a link.
  scratch = await mkdtemp(join(tmpdir(), 'vi-'));
  await run('chmod', ['755', scratch]);
  template = join(scratch, 'template');
  await (await openEmbeddedPostgres(template)).close();
}, 30_000);

afterAll(async () => {
  for (const name of await readdir(scratch)) await stopIfRunning(join(scratch, name));
  await rm(scratch, { recursive: true, force: true });
});

async function anEmptyDir(): Promise<string> {
  const dir = await mkdtemp(join(scratch, 'd'));
  await run('chmod', ['755', dir]);
  return dir;
}

async function aDataDir(): Promise<string> {
  const dir = await anEmptyDir();
  await run('cp', ['-a', `${template}/postgres-18`, dir]);
  return dir;
}

async function postmasterPid(dir: string): Promise<number | null> {
  const text = await readFile(join(dir, 'postgres-18/postmaster.pid'), 'utf8').catch(() => null);
  return text === null ? null : Number(text.split('\n')[0]);
}

async function stopIfRunning(dir: string): Promise<void> {
  const pid = await postmasterPid(dir);
  if (pid === null || !(await commandLine(pid)).includes(dir)) return;
  process.kill(pid, 'SIGQUIT');
  await until(async () => (await commandLine(pid)) === '');
}

/** Of the PostgreSQL server only: empty when the process is gone, or another. */
async function commandLine(pid: number): Promise<string> {
  const { stdout } = await run('ps', ['-ww', '-o', 'args=', '-p', `${pid}`]).catch(() => ({ stdout: '' }));
  return stdout.includes('bin/postgres -D') ? stdout : '';
}

async function isRunning(dir: string): Promise<boolean> {
  const pid = await postmasterPid(dir);
  return pid !== null && (await commandLine(pid)) !== '';
}

async function until(condition: () => Promise<boolean>, patienceMs = 10_000): Promise<void> {
  for (const end = Date.now() + patienceMs; !(await condition()); await sleep(20))
    if (Date.now() > end) throw new Error('It did not come to pass');
}

async function query<T>(opened: EmbeddedPostgres, ask: (sql: postgres.Sql) => Promise<T>): Promise<T> {
  const { socketDir, port, user, database } = opened.connection;
  const sql = postgres({ host: socketDir, port, user, database, max: 2 });
  try {
    return await ask(sql);
  } finally {
    await sql.end();
  }
}

/** Another process that opens the folder, says so, and closes when its input ends. */
async function anotherProcess(dir: string): Promise<{ child: ChildProcess; close(): Promise<void> }> {
  const child = startProcess(dir);
  const exit = once(child, 'exit');
  await Promise.race([
    once(child.stdout as NodeJS.ReadableStream, 'data'),
    exit.then(([code]) => Promise.reject(new Error(`The process ended with ${code}`))),
  ]);
  return {
    child,
    async close() {
      child.stdin?.end();
      expect(await exit).toEqual([0, null]);
    },
  };
}

function startProcess(dir: string): ChildProcess {
  const server = new URL('../../src/db/embedded/server.ts', import.meta.url).href;
  const program = `
    const { openEmbeddedPostgres } = await import(${JSON.stringify(server)});
    const opened = await openEmbeddedPostgres(${JSON.stringify(dir)});
    console.log('open');
    process.stdin.resume().on('end', () => opened.close());
  `;
  return spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
}

describe('making a cluster', () => {
  test('an empty folder becomes a database, and close() stops it', async () => {
    const dir = await anEmptyDir();
    const opened = await openEmbeddedPostgres(join(dir, 'not/yet/there'));
    const [row] = await query(
      opened,
      (sql) => sql`
      select current_database() as database, version() like 'PostgreSQL 18%' as is_18,
        (select datcollate || datlocale from pg_database where datname = current_database()) as locale`,
    );
    expect(row).toEqual({ database: 'vitrine', is_18: true, locale: 'CC.UTF-8' });
    expect((await stat(join(dir, 'not/yet/there/postgres-18'))).mode & 0o777).toBe(0o700);
    await opened.close();
    await opened.close();
    expect(await isRunning(join(dir, 'not/yet/there'))).toBe(false);
  }, 15_000);

  test.skipIf(long.skip)(
    `two processes that open an empty folder at the same moment share one database${long.why}`,
    async () => {
      const dir = await anEmptyDir();
      const [opened, other] = await Promise.all([openEmbeddedPostgres(dir), anotherProcess(dir)]);
      expect(await query(opened, (sql) => sql`select 1 as one`)).toEqual([{ one: 1 }]);
      expect((await readdir(dir)).sort()).toEqual(['postgres-18', 'postgres-18.log']);
      await Promise.all([opened.close(), other.close()]);
      expect(await isRunning(dir)).toBe(false);
    },
    20_000,
  );

  test.skipIf(long.skip)(
    `a kill in the middle of making it is repaired by the next open${long.why}`,
    async () => {
      const dir = await anEmptyDir();
      const child = startProcess(dir);
      const exit = once(child, 'exit');
      await until(async () => {
        const made = (await readdir(dir)).find((name) => name.includes('.new-'));
        return made !== undefined && (await readdir(join(dir, made))).includes('base');
      });
      child.kill('SIGKILL');
      await exit;
      expect(await readdir(dir)).not.toContain('postgres-18');

      const opened = await openEmbeddedPostgres(dir);
      expect(await query(opened, (sql) => sql`select 1 as one`)).toEqual([{ one: 1 }]);
      await opened.close();
      await (await openEmbeddedPostgres(dir)).close(); // the orphan of the first may have been writing before
      expect((await readdir(dir)).filter((name) => name.includes('.new-'))).toEqual([]);
    },
    20_000,
  );

  test('the database of another major version is not passed over', async () => {
    const dir = await anEmptyDir();
    await mkdir(join(dir, 'postgres-17'));
    await expect(openEmbeddedPostgres(dir)).rejects.toThrow('another PostgreSQL');
  });
});

describe('one process', () => {
  test('what was written is there after close and reopen', async () => {
    const dir = await aDataDir();
    const first = await openEmbeddedPostgres(dir);
    await query(first, (sql) => sql`create table kept as select 'yes' as word`);
    await first.close();
    const second = await openEmbeddedPostgres(dir);
    expect(await query(second, (sql) => sql`select word from kept`)).toEqual([{ word: 'yes' }]);
    await second.close();
  });

  test('a folder whose path is longer than a socket address works', async () => {
    const dir = join(await anEmptyDir(), 'deep'.repeat(40));
    await mkdir(dir);
    await run('cp', ['-a', `${template}/postgres-18`, dir]);
    const opened = await openEmbeddedPostgres(dir);
    const { socketDir } = opened.connection;
    try {
      expect(socketDir.length).toBeLessThan(90);
      expect(await query(opened, (sql) => sql`select 1 as one`)).toEqual([{ one: 1 }]);
      await rm(socketDir); // as cleaning the temporary files does: the next process finds the server all the same
      const other = await openEmbeddedPostgres(dir);
      expect(other.connection).toEqual(opened.connection);
      await other.close();
    } finally {
      await opened.close();
      await rm(socketDir, { force: true });
    }
  });

  test.runIf(isRoot)('as root, PostgreSQL runs as somebody else', async () => {
    const dir = await aDataDir();
    const opened = await openEmbeddedPostgres(dir);
    const { stdout } = await run('ps', ['-o', 'uid=', '-p', `${await postmasterPid(dir)}`]);
    expect(Number(stdout)).toBe((await stat(join(dir, 'postgres-18'))).uid);
    expect(Number(stdout)).not.toBe(0);
    await opened.close();
  });

  test.runIf(isRoot)('as root, files that a backup left to root are handed over', async () => {
    const dir = await aDataDir();
    await run('chown', ['-R', '0:0', dir]);
    const opened = await openEmbeddedPostgres(dir);
    expect(await query(opened, (sql) => sql`select 1 as one`)).toEqual([{ one: 1 }]);
    await opened.close();
  });

  test.runIf(isRoot)('as root, a data folder that is closed to others lets PostgreSQL through', async () => {
    const dir = await aDataDir();
    await run('chmod', ['700', dir]);
    const opened = await openEmbeddedPostgres(dir);
    expect(await query(opened, (sql) => sql`select 1 as one`)).toEqual([{ one: 1 }]);
    await opened.close();
    expect((await stat(dir)).mode & 0o777).toBe(0o710);
  });

  test('a reason for which PostgreSQL cannot start is told at once, with its log', async () => {
    const dir = await aDataDir();
    await rm(join(dir, 'postgres-18/global'), { recursive: true });
    await expect(openEmbeddedPostgres(dir)).rejects.toThrow(
      /did not start.*postgres-18\.log:\n.*pg_control/s,
    );
  });
});

describe('PostgreSQL dies', () => {
  test('a killed server is started again within seconds, with all that was committed', async () => {
    const dir = await aDataDir();
    const opened = await openEmbeddedPostgres(dir);
    const { socketDir, port, user, database } = opened.connection;
    const pool = postgres({ host: socketDir, port, user, database, max: 2, onnotice: () => {} });
    await pool`create table kept as select generate_series(1, 1000) as n`;
    const pid = (await postmasterPid(dir)) as number;
    process.kill(pid, 'SIGKILL');
    // Connections to the killed server may answer for another moment.
    await until(async () => ![null, pid].includes(await postmasterPid(dir)));
    await until(() =>
      pool`select count(*)::int as n from kept`.then(
        ([row]) => row?.n === 1000,
        () => false,
      ),
    );
    await pool.end();
    await opened.close();
    expect(await isRunning(dir)).toBe(false);
  }, 15_000);

  test.skipIf(long.skip)(
    `of two processes that see it die both have their place again, and the last to leave stops it${long.why}`,
    async () => {
      const dir = await aDataDir();
      const opened = await openEmbeddedPostgres(dir);
      const other = await anotherProcess(dir);
      process.kill((await postmasterPid(dir)) as number, 'SIGKILL');
      await until(() =>
        query(opened, (sql) => placesIn(sql)).then(
          (n) => n === 2,
          () => false,
        ),
      );
      await opened.close();
      expect(await isRunning(dir)).toBe(true);
      await other.close();
      expect(await isRunning(dir)).toBe(false);
    },
    15_000,
  );

  test.skipIf(long.skip)(
    `close() right after a kill leaves nothing running${long.why}`,
    async () => {
      const dir = await aDataDir();
      for (const pauseMs of [0, 30, 150]) {
        const opened = await openEmbeddedPostgres(dir);
        process.kill((await postmasterPid(dir)) as number, 'SIGKILL');
        await sleep(pauseMs);
        await opened.close();
        expect(await isRunning(dir)).toBe(false);
      }
    },
    15_000,
  );

  test.skipIf(long.skip)(
    `the number of a killed server that another process has now is no obstacle${long.why}`,
    async () => {
      const dir = await aDataDir();
      const opened = await openEmbeddedPostgres(dir);
      const owner = await stat(join(dir, 'postgres-18'));
      const file = join(dir, 'postgres-18/postmaster.pid');
      const socketLock = join(dir, 'postgres-18/.s.PGSQL.5432.lock');
      const left = [await readFile(file, 'utf8'), await readFile(socketLock, 'utf8')] as const;
      await opened.close();
      // Of the same user, as PostgreSQL overlooks the processes of others anyway.
      const stranger = spawn('sleep', ['60'], isRoot ? { uid: owner.uid, gid: owner.gid } : {});
      for (const [i, path] of [file, socketLock].entries()) {
        const child = spawn(
          'sh',
          ['-c', 'cat > "$1"', 'sh', path],
          isRoot ? { uid: owner.uid, gid: owner.gid } : {},
        );
        child.stdin.end((left[i] as string).replace(/^\d+/, `${stranger.pid}`));
        await once(child, 'exit');
      }
      const again = await openEmbeddedPostgres(dir);
      expect(await query(again, (sql) => sql`select 1 as one`)).toEqual([{ one: 1 }]);
      await again.close();
      expect(stranger.exitCode ?? stranger.signalCode).toBe(null);
      stranger.kill();
    },
    15_000,
  );
});

describe('several processes', () => {
  test('a killed process leaves the server running; the next joins it and stops it', async () => {
    const dir = await aDataDir();
    const other = await anotherProcess(dir);
    const pid = await postmasterPid(dir);
    const exit = once(other.child, 'exit');
    other.child.kill('SIGKILL');
    await exit;
    expect(await isRunning(dir)).toBe(true);
    const opened = await openEmbeddedPostgres(dir);
    expect(await postmasterPid(dir)).toBe(pid);
    await opened.close();
    expect(await isRunning(dir)).toBe(false);
  }, 15_000);

  test('the first to leave does not stop the server, the last does', async () => {
    const dir = await aDataDir();
    const other = await anotherProcess(dir);
    const opened = await openEmbeddedPostgres(dir);
    await other.close();
    expect(await query(opened, (sql) => sql`select 1 as one`)).toEqual([{ one: 1 }]);
    await opened.close();
    expect(await isRunning(dir)).toBe(false);
  }, 15_000);

  test.skipIf(long.skip)(
    `an open that meets a leave gets a server that stays${long.why}`,
    async () => {
      const dir = await aDataDir();
      let opened = await openEmbeddedPostgres(dir);
      for (let round = 0; round < 10; round++) {
        const leaving = opened;
        const left = sleep(round % 2 === 0 ? 0 : round * 4).then(() => leaving.close());
        const next = await openEmbeddedPostgres(dir);
        await left;
        expect(await query(next, (sql) => sql`select 1 as one`)).toEqual([{ one: 1 }]);
        opened = next;
      }
      await opened.close();
      expect(await isRunning(dir)).toBe(false);
    },
    20_000,
  );

  test.skipIf(long.skip)(
    `of many that leave at the same moment one stops the server${long.why}`,
    async () => {
      const dir = await aDataDir();
      for (let round = 0; round < 3; round++) {
        const all = await Promise.all(Array.from({ length: 5 }, () => openEmbeddedPostgres(dir)));
        expect(await query(all[0] as EmbeddedPostgres, placesIn)).toBe(5);
        await Promise.all(all.map((one) => one.close()));
        expect(await isRunning(dir)).toBe(false);
      }
    },
    20_000,
  );
});

async function placesIn(sql: postgres.Sql): Promise<number> {
  const [row] = await sql`
    select count(*)::int as n from pg_locks
    where locktype = 'advisory' and granted and mode = 'ShareLock' and database <>
      (select oid from pg_database where datname = current_database())`;
  return row?.n;
}

/**
 * A TCP proxy in front of PostgreSQL that can stop at the commit of one certain transaction, before the server
 * gets it or before the client hears of it, and that can cut all connections. Knows of the protocol only that
 * statements are sent, and told to be done, as text that ends in a zero byte.
 */
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import type { DatabaseAddress } from '../../src/db/client.ts';

/** Where in a commit: `asked` before PostgreSQL gets it, `done` before the client gets the answer. */
export type Moment = 'asked' | 'done';

export interface DatabaseProxy {
  /** The same database by way of the proxy. */
  through(address: DatabaseAddress): DatabaseAddress;
  /**
   * Stops the next transaction with a statement that matches at its commit, once. Resolves when it is there;
   * the connection stands still until `release` or `cut`.
   */
  stopAtCommit(moment: Moment, statement: RegExp): Promise<void>;
  /** How many pieces clients have sent. */
  pieces(): number;
  /** Stops before the nth piece that clients send from now on, once. Resolves when it is there. */
  stopAtPiece(n: number): Promise<void>;
  /** What stands still goes on. */
  release(): void;
  /** Resets every connection; new ones go through again, unless they are refused. */
  cut(): void;
  /** Whether new connections are reset as well. */
  refuse(yes: boolean): void;
  close(): Promise<void>;
}

interface Trap {
  moment: Moment;
  statement: RegExp;
  sprung: () => void;
}

const commitText = /(?:^|[^a-z])commit\0/i;
const committedText = 'COMMIT\0';
/** Of what a transaction sent; its last statements are what counts. */
const keptChars = 64 * 1024;

export async function databaseProxy(server: DatabaseAddress): Promise<DatabaseProxy> {
  const links = new Set<Link>();
  const traps: Trap[] = [];
  let isRefusing = false;
  let pieces = 0;
  let countdown: { left: number; sprung: () => void } | null = null;

  const listener = createServer((client) => {
    if (isRefusing) {
      client.resetAndDestroy();
      return;
    }
    const link = linkOf(client, connectTo(server), {
      isPieceTrap() {
        pieces++;
        if (!countdown || --countdown.left > 0) return false;
        countdown.sprung();
        countdown = null;
        return true;
      },
      isTrap(moment, said) {
        const at = traps.findIndex((trap) => trap.moment === moment && trap.statement.test(said));
        traps.splice(at, at < 0 ? 0 : 1)[0]?.sprung();
        return at >= 0;
      },
    });
    links.add(link);
    client.once('close', () => links.delete(link));
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  const { port } = listener.address() as AddressInfo;

  return {
    through: (address) => ({ url: urlOf(address, port) }),
    stopAtCommit: (moment, statement) =>
      new Promise<void>((resolve) => {
        traps.push({ moment, statement, sprung: resolve });
      }),
    pieces: () => pieces,
    stopAtPiece: (n) =>
      new Promise<void>((resolve) => {
        countdown = { left: n, sprung: resolve };
      }),
    release() {
      for (const link of links) link.release();
    },
    cut() {
      for (const link of links) link.cut();
    },
    refuse(yes) {
      isRefusing = yes;
    },
    async close() {
      for (const link of links) link.cut();
      await new Promise((resolve) => listener.close(resolve));
    },
  };
}

interface Link {
  release(): void;
  cut(): void;
}

interface Traps {
  /** Asked before each piece that the client sends. */
  isPieceTrap(): boolean;
  /** Asked at each commit, with the text that the transaction sent so far. */
  isTrap(moment: Moment, said: string): boolean;
}

function linkOf(client: Socket, server: Socket, { isTrap, isPieceTrap }: Traps): Link {
  let said = '';
  let commitIsUnderWay = false;
  let held: (() => void)[] = [];
  let isHeld = false;
  const pass = (to: Socket, chunk: Buffer) => {
    if (isHeld) held.push(() => to.write(chunk));
    else to.write(chunk);
  };
  client.on('data', (chunk) => {
    isHeld ||= isPieceTrap();
    said = (said + chunk.toString('latin1')).slice(-keptChars);
    commitIsUnderWay = commitText.test(chunk.toString('latin1'));
    if (commitIsUnderWay) isHeld ||= isTrap('asked', said);
    pass(server, chunk);
  });
  server.on('data', (chunk) => {
    // Before it may come what is left of the answer to the statement before.
    if (commitIsUnderWay && chunk.includes(committedText)) {
      isHeld ||= isTrap('done', said);
      said = '';
      commitIsUnderWay = false;
    }
    pass(client, chunk);
  });
  for (const [one, other] of [
    [client, server],
    [server, client],
  ] as const) {
    one.on('error', () => other.destroy());
    one.on('close', () => other.destroy());
  }
  return {
    release() {
      isHeld = false;
      for (const go of held.splice(0)) go();
      held = [];
    },
    cut() {
      server.destroy();
      client.resetAndDestroy();
    },
  };
}

function connectTo(address: DatabaseAddress): Socket {
  if (!('url' in address)) return connect(`${address.socketDir}/.s.PGSQL.${address.port}`);
  const { hostname, port } = new URL(address.url);
  return connect(Number(port || 5432), hostname);
}

function urlOf(address: DatabaseAddress, port: number): string {
  if (!('url' in address)) return `postgres://${address.user}@127.0.0.1:${port}/${address.database}`;
  const url = new URL(address.url);
  url.host = `127.0.0.1:${port}`;
  return url.href;
}

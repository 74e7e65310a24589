/** All addresses of a host, as the system knows them. */
import { lookup } from 'node:dns/promises';
import { isIP } from 'node:net';

/** Gives addresses as text, at least one. @throws the host is unknown */
export type Resolve = (host: string) => Promise<readonly string[]>;

export const systemResolve: Resolve = async (host) => {
  const found = await lookup(host, { all: true, order: 'verbatim' });
  return found.map(({ address }) => address);
};

/** An address as a host is itself; a zone is of no use to others. */
export function addressesOf(host: string, resolve: Resolve): Promise<readonly string[]> {
  return isIP(host) > 0 ? Promise.resolve([host]) : resolve(host);
}

/** Of getaddrinfo and of c-ares: the name server, or the way to it, is what failed. */
const passing = new Set([
  'EAI_AGAIN',
  'EAI_MEMORY',
  'EAI_SYSTEM',
  'ETIMEOUT',
  'ETIMEDOUT',
  'ESERVFAIL',
  'EREFUSED',
  'ECONNREFUSED',
  'EMFILE',
  'ENFILE',
  'ENOMEM',
]);

/** Whether the same host may be known in a moment. */
export function mayBeKnownLater(error: unknown): boolean {
  return passing.has((error as NodeJS.ErrnoException | null)?.code ?? '');
}

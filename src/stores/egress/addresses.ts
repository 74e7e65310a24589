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

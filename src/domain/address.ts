/**
 * Addresses as bytes, and which of them lead out to the public internet. Text forms are for people: what is allowed
 * is decided on the bytes, since one address can be written in many ways, and one can lie inside another.
 */
import { isIP } from 'node:net';

/** 4 bytes or 16. */
export type Address = Uint8Array;

export interface Network {
  readonly address: Address;
  /** Leading bits that count. */
  readonly bits: number;
}

/** Null when the text is no address. A zone (`fe80::1%lo`) is left out: it says where, not who. */
export function addressOf(text: string): Address | null {
  const [plain = ''] = text.split('%');
  if (isIP(plain) === 4) return Uint8Array.from(plain.split('.').map(Number));
  return isIP(plain) === 6 ? sixteenBytes(plain) : null;
}

/** `10.0.0.0/8`, or one address; null when it is neither. */
export function networkOf(text: string): Network | null {
  const [before = '', prefix] = text.split('/');
  const address = before.includes('%') ? null : addressOf(before);
  if (!address) return null;
  const whole = address.length * 8;
  if (prefix === undefined) return { address, bits: whole };
  return /^\d{1,3}$/.test(prefix) && Number(prefix) <= whole ? { address, bits: Number(prefix) } : null;
}

/** Whether the network holds the address; one of the other family it never does. */
export function isIn(address: Address, { address: base, bits }: Network): boolean {
  if (address.length !== base.length) return false;
  for (let n = 0; n * 8 < bits; n++) {
    const mask = 0xff & (0xff00 >> Math.min(8, bits - n * 8));
    if (((address[n] ?? 0) & mask) !== ((base[n] ?? 0) & mask)) return false;
  }
  return true;
}

/** The IPv4 address that an IPv6 one stands for (mapped, NAT64, 6to4), or the address itself. */
export function innermost(address: Address): Address {
  const found = embedding.find(({ network }) => isIn(address, network));
  return found ? address.subarray(found.at, found.at + 4) : address;
}

/**
 * Whether the address belongs to the public internet by the registries of special addresses (RFC 6890 and after).
 * Everything that is not known to be public is not.
 */
export function isPublic(address: Address): boolean {
  const inner = innermost(address);
  if (inner.length === 4) return !special4.some((network) => isIn(inner, network));
  return isIn(inner, global6) && !special6.some((network) => isIn(inner, network));
}

const network = (text: string): Network => {
  const found = networkOf(text);
  if (!found) throw new Error(`Not a network: ${text}`);
  return found;
};

/** Where in an address of 16 bytes one of 4 lies: RFC 4291 2.5.5, RFC 6052, RFC 3056. */
const embedding = [
  { network: network('::ffff:0:0/96'), at: 12 },
  { network: network('64:ff9b::/96'), at: 12 },
  { network: network('2002::/16'), at: 2 },
];

const special4 = [
  '0.0.0.0/8', // this network
  '10.0.0.0/8',
  '100.64.0.0/10', // shared by carriers
  '127.0.0.0/8',
  '169.254.0.0/16', // link-local, metadata services
  '172.16.0.0/12',
  '192.0.0.0/24',
  '192.0.2.0/24', // documentation
  '192.88.99.0/24', // 6to4 relays, abandoned
  '192.168.0.0/16',
  '198.18.0.0/15', // benchmarks
  '198.51.100.0/24',
  '203.0.113.0/24',
  '224.0.0.0/4', // multicast
  '240.0.0.0/4', // reserved, broadcast
].map(network);

const global6 = network('2000::/3');

const special6 = [
  '2001::/23', // Teredo, ORCHID and the like
  '2001:db8::/32', // documentation
  '3fff::/20',
].map(network);

function sixteenBytes(text: string): Address {
  const dotted = /^(.*:)(\d+)\.(\d+)\.(\d+)\.(\d+)$/.exec(text);
  const [, head = '', a, b, c, d] = dotted ?? [];
  const pair = (high: unknown, low: unknown) => (Number(high) * 256 + Number(low)).toString(16);
  const hexadecimal = dotted ? `${head}${pair(a, b)}:${pair(c, d)}` : text;
  const [before = '', after] = hexadecimal.split('::');
  const groups = (part: string) =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const [left, right] = [groups(before), groups(after ?? '')];
  const middle = after === undefined ? [] : Array<number>(8 - left.length - right.length).fill(0);
  return Uint8Array.from([...left, ...middle, ...right].flatMap((group) => [group >> 8, group & 0xff]));
}

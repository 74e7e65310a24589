/** Which hosts an operator means: names, addresses and networks, each with a port if wanted. */
import { type Address, innermost, isIn, type Network, networkOf } from './address.ts';

export type HostRule = {
  /** Null: any. */
  readonly port: number | null;
} & (
  | { readonly network: Network }
  /** In lower case; `*.example.org` is every name below, and not example.org itself. */
  | { readonly name: string }
);

/** A host as it is asked for, and one address that it has. */
export interface Destination {
  /** In lower case, without a dot at its end. */
  host: string;
  port: number;
  address: Address;
}

const namePattern = /^(?:\*\.)?[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?(?:\.[a-z0-9_](?:[a-z0-9_-]*[a-z0-9_])?)*$/;

/** `mirror.example.org`, `*.example.org`, `10.1.0.0/16`, `127.0.0.1:8080`, `[fd00::/8]:80`; null: none of them. */
export function hostRuleOf(text: string): HostRule | null {
  const whole = networkOf(text);
  if (whole) return { network: whole, port: null };
  const [, bracketed, plain = '', portText] = /^(?:\[([^\]]+)\]|([^:[\]]+))(?::(\d{1,5}))?$/.exec(text) ?? [];
  const port = portText === undefined ? null : Number(portText);
  if (port !== null && (port < 1 || port > 65_535)) return null;
  const network = networkOf(bracketed ?? plain);
  if (network) return { network, port };
  const name = plain.toLowerCase().replace(/\.$/, '');
  // Digits and dots alone would be an address that is none.
  return namePattern.test(name) && !/^[\d.]+$/.test(name) ? { name, port } : null;
}

/** Whether the rule is about this destination. An address inside another (mapped, NAT64, 6to4) counts as well. */
export function isMeant(rule: HostRule, { host, port, address }: Destination): boolean {
  if (rule.port !== null && rule.port !== port) return false;
  if ('network' in rule) return [address, innermost(address)].some((one) => isIn(one, rule.network));
  return rule.name.startsWith('*.') ? host.endsWith(rule.name.slice(1)) : host === rule.name;
}

/** As the host of a URL is compared. */
export function hostOf(url: URL): string {
  const { hostname } = url;
  return hostname
    .replace(/^\[|\]$/g, '')
    .replace(/\.$/, '')
    .toLowerCase();
}

/**
 * The URL that everybody takes the text for, without its fragment; null: there is none. What parsers read differently
 * is not read at all: control characters, spaces, and \ for /.
 */
export function parseUrl(text: string, base?: URL): URL | null {
  if (/[\x00-\x20\x7f\\]/.test(text) || text === '') return null;
  const url = URL.parse(text, base?.href);
  if (url) url.hash = '';
  return url;
}

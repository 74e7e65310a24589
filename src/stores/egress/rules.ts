/** Where the service may connect to when a user names a URL: the operator's lists, and the public internet. */
import { type Address, isPublic } from '../../domain/address.ts';
import {
  type Destination,
  type HostRule,
  hostOf,
  hostRuleOf,
  isMeant,
  parseUrl,
} from '../../domain/host-rule.ts';

/** As the settings have them. */
export interface EgressSettings {
  schemes: readonly string[];
  ports: readonly number[];
  /** Hosts, addresses and networks that are let through although they are not public; one with a port opens that too. */
  allow: readonly string[];
  /** The same; they win. */
  deny: readonly string[];
  /** How many redirects are followed. */
  redirects: number;
  /** For one transfer as a whole. */
  timeoutMs: number;
}

export interface Rules {
  /** A URL whose scheme and form are allowed; null: it must not be used. */
  parse(text: string, base?: URL): URL | null;
  /** Whether one may connect to this address for that URL. Asked of every address that its host has. */
  permits(url: URL, address: Address): boolean;
}

export function egressRules({ schemes, ports, ...lists }: EgressSettings): Rules {
  const allow = rulesOf(lists.allow);
  const deny = rulesOf(lists.deny);
  const open = new Set(ports);

  return {
    parse(text, base) {
      const url = parseUrl(text, base);
      if (!url || !schemes.includes(url.protocol.slice(0, -1))) return null;
      if (url.username || url.password || url.hostname === '') return null;
      return url;
    },
    permits(url, address) {
      const destination: Destination = { host: hostOf(url), port: portOf(url), address };
      if (deny.some((rule) => isMeant(rule, destination))) return false;
      const allowing = allow.filter((rule) => isMeant(rule, destination));
      const isOpen = open.has(destination.port) || allowing.some((rule) => rule.port === destination.port);
      return isOpen && (allowing.length > 0 || isPublic(address));
    },
  };
}

export function portOf(url: URL): number {
  return url.port === '' ? (url.protocol === 'https:' ? 443 : 80) : Number(url.port);
}

function rulesOf(texts: readonly string[]): HostRule[] {
  return texts.map((text) => {
    const rule = hostRuleOf(text);
    if (!rule) throw new Error(`Not a host, an address or a network: ${text}`);
    return rule;
  });
}

/** How single settings are read. Each throws an Error whose message goes on after the variable's name. */
import { isIP } from 'node:net';

const units: Record<string, number> = { '': 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40 };

/** Bytes: a whole number, with KiB, MiB, GiB or TiB behind it if wanted. */
export function parseByteSize(text: string): number {
  const m = /^(\d+)\s*(|[KMGT]iB)$/.exec(text);
  const bytes = m ? Number(m[1]) * (units[m[2] ?? ''] ?? 1) : Number.NaN;
  if (!Number.isSafeInteger(bytes) || bytes < 1)
    throw new Error('is a number of bytes from 1, such as 1048576 or 10 GiB');
  return bytes;
}

/** How much of something there may be: 0 is none at all. */
export function parseAmount(text: string, unit: 'BYTES' | 'COUNT'): number {
  if (text === '0') return 0;
  return unit === 'BYTES' ? parseByteSize(text) : parseInteger(text, 0, Number.MAX_SAFE_INTEGER);
}

export function parseInteger(text: string, min: number, max: number): number {
  const value = /^\d+$/.test(text) ? Number(text) : Number.NaN;
  if (!(value >= min && value <= max)) throw new Error(`is a whole number from ${min} to ${max}`);
  return value;
}

const durations: Record<string, number> = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds: a number with ms, s, m, h or d behind it. */
export function parseDuration(text: string, minMs: number, maxMs: number): number {
  const m = /^(\d+(?:\.\d+)?)\s*(ms|s|m|h|d)$/.exec(text);
  const ms = m ? Math.round(Number(m[1]) * (durations[m[2] ?? ''] ?? 1)) : Number.NaN;
  if (!(ms >= minMs && ms <= maxMs))
    throw new Error(
      `is a duration from ${shownDuration(minMs)} to ${shownDuration(maxMs)}, such as 500ms, 2s or 5m`,
    );
  return ms;
}

function shownDuration(ms: number): string {
  const unit = Object.keys(durations).findLast((name) => ms % (durations[name] ?? 1) === 0) ?? 'ms';
  return `${ms / (durations[unit] ?? 1)}${unit}`;
}

/** Names of custom properties: 1 to 255 characters, any that text can hold. */
export function parsePropertyName(text: string): string {
  const length = [...text].length;
  if (length < 1 || length > 255 || text.includes('\0') || !text.isWellFormed())
    throw new Error('is the name of a property: 1 to 255 characters');
  return text;
}

/** Names of stores: they stand in URLs, rows and labels of metrics. */
export function parseStoreId(text: string): string {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$/.test(text))
    throw new Error('is the name of a store: 1 to 64 letters, digits and . _ -, a letter or digit first');
  return text;
}

/** 0 lets the system choose. */
export function parsePort(text: string): number {
  return parseInteger(text, 0, 65_535);
}

export function parseBoolean(text: string): boolean {
  if (/^(true|yes|on|1)$/i.test(text)) return true;
  if (/^(false|no|off|0)$/i.test(text)) return false;
  throw new Error('is true or false');
}

export function parseUrl(text: string, protocols: readonly string[]): string {
  const url = URL.canParse(text) ? new URL(text) : null;
  if (!url || !protocols.includes(url.protocol))
    throw new Error(`is a URL that begins with ${protocols.join(' or ')}//`);
  return text;
}

/** An address of a service. What gets us in stands in settings of its own, where it is not printed. */
export function parseServiceUrl(text: string): string {
  const url = new URL(parseUrl(text, ['http:', 'https:']));
  if (url.username || url.password || url.search || url.hash)
    throw new Error('is a URL without a user, ? and #');
  return text.replace(/\/+$/, '');
}

/** A comma list of these, each once. */
export function parseChoices<T extends string>(text: string, choices: readonly T[]): readonly T[] {
  const found = text.split(',').map((item) => choices.find((choice) => choice === item.trim()));
  const known = found.filter((choice) => choice !== undefined);
  if (known.length < found.length) throw new Error(`is a comma list of ${choices.join(', ')}`);
  return Object.freeze([...new Set(known)]);
}

export function parseText(text: string): string {
  if (text === '') throw new Error('is empty');
  return text;
}

/** '*', or origins such as https://panel.example.org. */
export function parseOrigins(text: string): readonly string[] | '*' {
  if (text === '*') return '*';
  return text.split(',').map((item) => {
    const origin = item.trim();
    if (!URL.canParse(origin) || new URL(origin).origin !== origin) {
      throw new Error('is * or a comma list of origins such as https://panel.example.org');
    }
    return origin;
  });
}

/** Addresses and networks such as 10.0.0.1 and 10.1.0.0/16. */
export function parseNetworks(text: string): readonly string[] {
  return text.split(',').map((item) => {
    const [address = '', prefix] = item.trim().split('/');
    const bits = isIP(address) === 6 ? 128 : 32;
    const isNetwork =
      isIP(address) > 0 && (prefix === undefined || (/^\d{1,3}$/.test(prefix) && Number(prefix) <= bits));
    if (!isNetwork) throw new Error('is a comma list of addresses or networks such as 10.0.0.1, 10.1.0.0/16');
    return item.trim();
  });
}

/** Whether only this machine can reach the host. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);
}

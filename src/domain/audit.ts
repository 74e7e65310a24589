/**
 * The audit log: who changed what, or was not let. An entry is made in the transaction of the change, of what stood
 * there before and after, without secrets, and is never changed. Who reads which entries is decided here, too.
 */
import { createHash } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import type { Caller } from './caller.ts';
import type { Instant } from './image.ts';
import type { PropertyProtection } from './property-protection.ts';
import { withoutSecretsOfUrl } from './task.ts';

/** By a token; by a link that somebody made; the service by itself; an operator on the machine. */
export const actorKinds = ['token', 'link', 'service', 'operator'] as const;
export type ActorKind = (typeof actorKinds)[number];

/** Who acts. */
export interface Actor {
  readonly kind: ActorKind;
  /** Of a link: who made it. Of the service: for whom it works, if for anybody. Of an operator: the login. */
  readonly user: string | null;
  readonly project: string | null;
  readonly roles: readonly string[];
  /** Of the robot token that it came with, where it did. */
  readonly robot?: string | null;
  /** Of the request that it began with. */
  readonly requestId: string | null;
}

export function actorOf({ user, project, roles, grant, ...caller }: Caller): Actor {
  const requestId = caller.requestId ?? null;
  if (!grant) {
    return { kind: 'token', user, project, roles, robot: caller.robot?.tokenId ?? null, requestId };
  }
  const { by } = grant;
  return { kind: 'link', user: by?.user ?? null, project: by?.project ?? null, roles: [], requestId };
}

/** The service, at work for itself, or for somebody who asked before. */
export function serviceFor(whom: Partial<Actor> = {}): Actor {
  const { user = null, project = null, requestId = null } = whom;
  return { kind: 'service', user, project, roles: [], requestId };
}

/** Whoever runs a command on the machine. */
export function operator(login: string | null): Actor {
  return { kind: 'operator', user: login, project: null, roles: [], requestId: null };
}

/** What the log speaks of. */
export const auditObjectTypes = [
  'image',
  'metadefNamespace',
  'project',
  'token',
  'index',
  'catalog',
] as const;
export type AuditObjectType = (typeof auditObjectTypes)[number];

export interface AuditedObject {
  readonly type: AuditObjectType;
  /** Null where there is only one, or none was named. */
  readonly id: string | null;
  /** What it was called then. */
  readonly name?: string | null;
  /** The project that it belonged to before: whoever is in it reads the entry. */
  readonly owner: string | null;
}

export const imageObject = ({ id, name, owner }: { id: string; name: string | null; owner: string | null }) =>
  ({ type: 'image', id, name, owner }) as const satisfies AuditedObject;

/** A robot token; its secret is nowhere in it. */
export const tokenObject = ({ id, name, project }: { id: string; name: string; project: string }) =>
  ({ type: 'token', id, name, owner: project }) as const satisfies AuditedObject;

export const auditResults = ['done', 'failed', 'denied'] as const;
export type AuditResult = (typeof auditResults)[number];

/** One field: what stood there before and after, null where nothing did. */
export interface AuditChange {
  /** `name`, or with what is in it: `properties.os_distro`, `members.blue`, `copies.fast`. */
  field: string;
  before: unknown;
  after: unknown;
}

export interface NewAuditEntry {
  by: Actor;
  /** A mutation, by its name in the schema, or what else can happen: `finishUpload`. */
  action: string;
  object: AuditedObject;
  /** Left out: done. */
  result?: AuditResult;
  changes?: readonly AuditChange[];
  /** Why it failed or was denied. */
  message?: string | null;
  /** How often: more than once only for what was denied. */
  times?: number;
}

export interface AuditEntry extends Required<Omit<NewAuditEntry, 'object'>> {
  id: number;
  at: Instant;
  object: Required<AuditedObject>;
}

type Fields = Readonly<Record<string, unknown>>;

/**
 * What is different. `before` null: it is new, and what is empty is not spoken of; `after` null: it is gone; otherwise
 * only the fields of `after` count. What is in a field that is a map is compared one by one.
 */
export function changesOf(before: object | null, after: object | null): AuditChange[] {
  const [old, now] = [(before ?? {}) as Fields, (after ?? {}) as Fields];
  return Object.keys(after ?? before ?? {}).flatMap((field) => fieldChanges(field, old[field], now[field]));
}

function fieldChanges(field: string, before: unknown, after: unknown): AuditChange[] {
  if (!isMap(before) && !isMap(after)) return changeOf(field, before, after);
  const [old, now] = [isMap(before) ? before : {}, isMap(after) ? after : {}];
  return [...new Set([...Object.keys(old), ...Object.keys(now)])].flatMap((name) =>
    changeOf(`${field}.${name}`, own(old, name), own(now, name)),
  );
}

const own = (map: Fields, name: string) => (Object.hasOwn(map, name) ? map[name] : null);

function changeOf(field: string, before: unknown, after: unknown): AuditChange[] {
  const [old, now] = [whatIs(before), whatIs(after)];
  if (isDeepStrictEqual(old, now)) return [];
  return [{ field, before: kept(field, old), after: kept(field, now) }];
}

const isMap = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Nothing is null, however it is said. */
function whatIs(value: unknown): unknown {
  const isEmpty = value === undefined || (Array.isArray(value) && value.length === 0);
  return isEmpty ? null : value;
}

/** Characters of JSON: what a deletion of much, or a change of everything, may take in the log. */
const entryMax = 256 * 1024;

/** The same, with no values but names from where they are too many. */
export function bounded(changes: readonly AuditChange[]): AuditChange[] {
  let left = entryMax;
  return changes.map((change) => {
    left -= JSON.stringify(change).length;
    return left >= 0 ? change : { field: change.field, before: '...', after: '...' };
  });
}

/** Long enough for every text but descriptions and the like, and for every list of tags. */
const [textMax, jsonMax] = [1024, 40_000];
const secretName =
  /(^|[^a-z])(password|passwd|passphrase|secret|token|credential|(private|api|access)_?key)s?$/i;

/** A value as the log keeps it: without secrets, and cut where it is long. */
function kept(field: string, value: unknown): unknown {
  if (value === null) return null;
  const shown = withoutSecrets(field, value);
  if (typeof shown === 'string') return cut(shown, textMax);
  const json = JSON.stringify(shown);
  return json.length > jsonMax ? cut(json, textMax) : shown;
}

function withoutSecrets(name: string, value: unknown): unknown {
  if (secretName.test(name) && value !== null && typeof value !== 'boolean') return '***';
  if (typeof value === 'string') return withoutSecretsOfText(value);
  if (Array.isArray(value)) return value.map((item) => withoutSecrets(name, item));
  if (!isMap(value)) return value;
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, withoutSecrets(key, item)]));
}

const urls = /\b[a-z][a-z0-9+.-]{0,20}:\/\/[^\s"'<>]+/gi;

/** Of URLs in it nothing that may be a secret, as in the input of a task. */
export function withoutSecretsOfText(text: string): string {
  if (!text.includes('://')) return text;
  return text.replace(urls, (url) => (/[@?#]/.test(url) ? withoutSecretsOfUrl(url) : url));
}

/** The beginning, and what tells the whole from any other. */
function cut(text: string, max: number): string {
  if (text.length <= max) return text;
  const digest = createHash('sha256').update(text).digest('hex');
  return `${text.slice(0, max).toWellFormed()}... (${Buffer.byteLength(text)} bytes, sha256 ${digest})`;
}

/** The changes of an entry as this caller reads them: without those of properties that are hidden from it. */
export function shownChanges(
  protection: PropertyProtection | null,
  caller: Caller,
  { changes }: AuditEntry,
): readonly AuditChange[] {
  if (protection === null) return changes;
  return changes.filter(({ field }) => {
    const name = /^properties\.(.*)$/s.exec(field)?.[1];
    return name === undefined || protection.may(caller, 'read', name);
  });
}

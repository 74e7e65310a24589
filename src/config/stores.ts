/** The section `stores`: where bytes are kept, one entry a store, each checked by its type. */
import { join, resolve } from 'node:path';
import { z } from 'zod';
import { checkCredentials, credentials, serviceUrl, text } from './keystone.ts';
import { parseBoolean, parseByteSize, parseDuration, parseInteger, parseStoreId } from './parse.ts';
import { keys, one } from './shape.ts';

const yesOrNo = one(parseBoolean);
const duration = one((value) => parseDuration(value, 10, 3_600_000));
const byteSize = (min: number, max: number) =>
  one((value) => {
    const bytes = parseByteSize(value);
    if (bytes < min || bytes > max) throw new Error(`is a number of bytes from ${min} to ${max}`);
    return bytes;
  });

/** What every store may say. */
const common = {
  id: one(parseStoreId),
  description: text.optional(),
  default: yesOrNo.optional(),
  weight: one((value) => parseInteger(value, 0, 1_000_000)).default(0),
  parallel: one((value) => parseInteger(value, 1, 10_000)).default(64),
  connectTimeout: duration.default(5_000),
  answerTimeout: duration.default(30_000),
  idleTimeout: duration.default(60_000),
};

const file = keys({
  type: z.literal('file'),
  ...common,
  path: text.optional(),
  paths: z
    .array(keys({ path: text, priority: one((value) => parseInteger(value, 0, 1_000_000)).default(0) }), {
      error: 'is a list of { path, priority }',
    })
    .min(1, { error: 'names at least one directory' })
    .optional(),
  sparse: yesOrNo.default(false),
}).superRefine(({ path, paths }, context) => {
  if ((path === undefined) === (paths === undefined)) problem(context, [], 'has either path or paths');
});

const swift = keys({
  type: z.literal('swift'),
  ...common,
  authUrl: serviceUrl,
  ...credentials,
  region: text.optional(),
  interface: one((value) => {
    if (!/^(public|internal|admin)$/.test(value)) throw new Error('is public, internal or admin');
    return value as 'public' | 'internal' | 'admin';
  }).default('public'),
  container: one((value) => {
    if (!/^[^/]{1,256}$/.test(value))
      throw new Error('is the name of a container: 1 to 256 characters, no /');
    return value;
  }),
  largeObjectSize: byteSize(1, 5 * 2 ** 30).default(5 * 2 ** 30),
  segmentSize: byteSize(2 ** 20, 5 * 2 ** 30).default(2 * 2 ** 30),
}).superRefine(checkCredentials);

const s3 = keys({
  type: z.literal('s3'),
  ...common,
  endpoint: serviceUrl,
  region: text.default('us-east-1'),
  bucket: one((value) => {
    if (!/^[A-Za-z0-9][A-Za-z0-9._-]{1,254}$/.test(value)) throw new Error('is the name of a bucket');
    return value;
  }),
  accessKeyId: text,
  secretAccessKey: text,
  forcePathStyle: yesOrNo.default(true),
});

const http = keys({ type: z.literal('http'), ...common }).superRefine((store, context) => {
  if (store.default) problem(context, ['default'], 'cannot be said of a store that is only read');
});

const types = { file, s3, swift, http };

const store = z.discriminatedUnion('type', [file, s3, swift, http], {
  error: ({ code }) =>
    code === 'invalid_union' ? `is one of ${Object.keys(types).join(', ')}` : 'is a store: { id, type, ... }',
});

export const storesSection = z
  .array(store, { error: 'is a list of stores: { id, type, ... }' })
  .superRefine((stores, context) => checkTogether(stores as readonly unknown[], context), {
    when: () => true,
  })
  .transform((stores) => Object.freeze(stores.map((one) => Object.freeze(one))));

type StoreEntry = z.infer<typeof storesSection>[number];
type Timeout = 'connectTimeout' | 'answerTimeout' | 'idleTimeout';
/** `paths` takes the place of `path`, and durations are called by their unit. */
type Effective<T> = Omit<T, Timeout | 'path' | 'paths' | 'default'> & {
  default: boolean;
  connectTimeoutMs: number;
  answerTimeoutMs: number;
  idleTimeoutMs: number;
} & (T extends { type: 'file' } ? { paths: readonly { path: string; priority: number }[] } : unknown);
type EachEffective<T> = T extends unknown ? Effective<T> : never;

/** A store as it is opened. */
export type StoreSettings = EachEffective<StoreEntry>;

/** What only shows when one looks at all of them; some may have mistakes of their own. */
function checkTogether(stores: readonly unknown[], context: z.RefinementCtx): void {
  const seen = new Map<unknown, number>();
  let chosen: number | null = null;
  if (!Array.isArray(stores)) return;
  stores.forEach((entry: unknown, n) => {
    const { id, default: isDefault } = (entry ?? {}) as { id?: unknown; default?: unknown };
    if (typeof id === 'string' && seen.has(id))
      problem(context, [n, 'id'], `is also that of stores[${seen.get(id)}]`);
    if (!seen.has(id)) seen.set(id, n);
    if (isDefault !== true) return;
    if (chosen !== null)
      problem(context, [n, 'default'], `is said of stores[${chosen}] already; one store is`);
    chosen ??= n;
  });
  const isOnlyRead = (entry: unknown) => (entry as { type?: unknown } | null)?.type === 'http';
  if (stores.length > 0 && stores.every(isOnlyRead))
    problem(context, [], 'has no store that can be written to');
}

function problem(context: z.RefinementCtx, path: PropertyKey[], message: string): void {
  context.addIssue({ code: 'custom', path, message });
}

const usualId = 'file';

/** Of the stores that will be in effect, those that can be written to. */
export function writableIds(entries: readonly StoreEntry[]): readonly string[] {
  if (entries.length === 0) return [usualId];
  return entries.filter(({ type }) => type !== 'http').map(({ id }) => id);
}

/** The stores that are in effect: without the section the one below the data directory. Paths are absolute. */
export function effectiveStores(
  entries: readonly StoreEntry[],
  { dataDir, folder }: { dataDir: string; folder: string },
): readonly StoreSettings[] {
  const path = join(dataDir, 'images');
  const found = entries.length > 0 ? entries : storesSection.parse([{ type: 'file', id: usualId, path }]);
  const usual = found.find((entry) => entry.default) ?? found.find((entry) => entry.type !== 'http');
  return Object.freeze(found.map((entry) => Object.freeze(effective(entry, entry === usual, folder))));
}

function effective(entry: StoreEntry, isDefault: boolean, folder: string): StoreSettings {
  const { connectTimeout, answerTimeout, idleTimeout, ...rest } = entry;
  const timeouts = {
    connectTimeoutMs: connectTimeout,
    answerTimeoutMs: answerTimeout,
    idleTimeoutMs: idleTimeout,
  };
  if (rest.type !== 'file') return { ...rest, default: isDefault, ...timeouts };
  const { path, paths, ...file } = rest;
  const all = paths ?? [{ path: path ?? '', priority: 0 }];
  const absolute = all.map((one) => ({ ...one, path: resolve(folder, one.path) }));
  return { ...file, default: isDefault, ...timeouts, paths: absolute };
}

/**
 * Environment and settings file -> one typed, frozen Config: the only reader of process.env. Every mistake is
 * reported at once, with its name or place.
 */

import { dirname, join, resolve } from 'node:path';
import { didYouMean } from '../domain/did-you-mean.ts';
import type { FormatPolicy } from '../domain/inspection.ts';
import { type MetadefMode, metadefModes } from '../domain/metadef/metadef.ts';
import {
  isLoopback,
  parseBoolean,
  parseByteSize,
  parseChoices,
  parseInteger,
  parseNetworks,
  parseOrigins,
  parsePort,
  parseUrl,
} from './parse.ts';
import {
  type AuditConfig,
  type ImportsConfig,
  isSecretName,
  type KeystoneConfig,
  type LimitsConfig,
  type LocationsConfig,
  type OidcConfig,
  type QuotasConfig,
  readSections,
  type ScrubConfig,
  type SearchConfig,
  type Sections,
  type SignaturesConfig,
} from './sections.ts';
import { effectiveSignatures } from './signatures.ts';
import { effectiveStores, type StoreSettings } from './stores.ts';
import { codeOf, readSettingsFile, type SettingsFile } from './yaml.ts';

export const logLevels = ['fatal', 'error', 'warn', 'info', 'debug', 'trace', 'silent'] as const;
export type LogLevel = (typeof logLevels)[number];

/** How callers are known. */
export const authMethods = ['tokens', 'keystone', 'oidc'] as const;
export type AuthMethod = (typeof authMethods)[number];

export interface Config {
  /** Absolute; null: there is none. */
  readonly settingsFile: string | null;
  /** Null: the embedded PostgreSQL in the data directory. */
  readonly databaseUrl: string | null;
  readonly host: string;
  readonly port: number;
  /** Base of absolute links, without a slash at its end; null: from the request. */
  readonly publicUrl: string | null;
  /** Absolute. */
  readonly dataDir: string;
  /** At least one. */
  readonly auth: readonly AuthMethod[];
  readonly tokensFile: string;
  /** True: nobody named the tokens file, so that it is made when it is missing. */
  readonly tokensFileIsOurs: boolean;
  /** Bytes. */
  readonly imageSizeMax: number;
  /** Origins of front ends; '*' for all. */
  readonly corsOrigins: readonly string[] | '*';
  /** Addresses and networks whose X-Forwarded-* are believed. */
  readonly trustedProxies: readonly string[];
  readonly drainSeconds: number;
  /** Server processes on this machine. */
  readonly workers: number;
  /** Whether the server also does queued work; otherwise `vitrine work` does, somewhere. */
  readonly tasks: boolean;
  /** What becomes of images that break a metadata definition. */
  readonly metadefs: MetadefMode;
  readonly logLevel: LogLevel;
  readonly introspection: boolean;
  readonly graphiql: boolean;
  readonly search: SearchConfig;
  /** At least one; exactly one is the default. */
  readonly stores: readonly StoreSettings[];
  /** Null: the settings name no identity service. */
  readonly keystone: KeystoneConfig | null;
  /** Null: the settings name no issuer of JWTs. */
  readonly oidc: OidcConfig | null;
  readonly imports: ImportsConfig;
  readonly scrub: ScrubConfig;
  readonly audit: AuditConfig;
  readonly quotas: QuotasConfig;
  readonly formats: FormatPolicy;
  readonly signatures: SignaturesConfig;
  readonly limits: LimitsConfig;
  readonly locations: LocationsConfig;
  /** What is said in place of the built-in rules. */
  readonly policy: Sections['policy'];
  /** Null: who may change an image may do anything with its properties. */
  readonly propertyProtection: Sections['propertyProtection'];
}

/** What is wrong with the settings: one line each, with the variable's name or the place in the file. */
export class ConfigError extends Error {
  readonly problems: readonly string[];
  constructor(problems: readonly string[]) {
    super(
      `The settings have ${problems.length === 1 ? 'a mistake' : `${problems.length} mistakes`}:\n  ${problems.join('\n  ')}`,
    );
    this.problems = problems;
  }
}

/** A setting as the environment has it: how it is read, and whether it may be printed. */
interface Setting<T> {
  parse(text: string): T;
  secret?: boolean;
}

const text: Setting<string> = { parse: (value) => value };
const oneOf = <T extends string>(choices: readonly T[]): Setting<T> => ({
  parse(value) {
    const found = choices.find((c) => c === value);
    if (found === undefined) throw new Error(`is one of ${choices.join(', ')}`);
    return found;
  },
});

const settings = {
  VITRINE_CONFIG: text,
  DATABASE_URL: {
    parse: (value) => parseUrl(value, ['postgres:', 'postgresql:']),
    secret: true,
  } as Setting<string>,
  VITRINE_HOST: text,
  VITRINE_PORT: { parse: parsePort } as Setting<number>,
  VITRINE_PUBLIC_URL: { parse: (value) => parseUrl(value, ['http:', 'https:']) } as Setting<string>,
  VITRINE_DATA_DIR: text,
  VITRINE_AUTH: { parse: (value) => parseChoices(value, authMethods) } as Setting<readonly AuthMethod[]>,
  VITRINE_TOKENS_FILE: text,
  VITRINE_IMAGE_SIZE_MAX: { parse: parseByteSize } as Setting<number>,
  VITRINE_CORS_ORIGINS: { parse: parseOrigins } as Setting<readonly string[] | '*'>,
  VITRINE_TRUSTED_PROXIES: { parse: parseNetworks } as Setting<readonly string[]>,
  VITRINE_DRAIN_SECONDS: { parse: (value) => parseInteger(value, 0, 86_400) } as Setting<number>,
  VITRINE_WORKERS: { parse: (value) => parseInteger(value, 1, 16) } as Setting<number>,
  VITRINE_TASKS: { parse: parseBoolean } as Setting<boolean>,
  VITRINE_METADEFS: oneOf(metadefModes),
  VITRINE_LOG_LEVEL: oneOf(logLevels),
  VITRINE_INTROSPECTION: { parse: parseBoolean } as Setting<boolean>,
  VITRINE_GRAPHIQL: { parse: parseBoolean } as Setting<boolean>,
};
type Settings = typeof settings;
type SettingName = keyof Settings;
type Values = { [K in SettingName]?: Settings[K] extends Setting<infer T> ? T : never };

/** An empty variable is as if it were not set. @throws ConfigError every mistake at once */
export function readConfig(env: Record<string, string | undefined>, workingDir: string): Config {
  const problems: string[] = [];
  const values: Record<string, unknown> = {};
  for (const [name, setting] of Object.entries(settings) as [SettingName, Setting<unknown>][]) {
    const given = env[name]?.trim();
    if (!given) continue;
    try {
      values[name] = setting.parse(given);
    } catch (error) {
      const shown = setting.secret ? '' : ` (it is ${JSON.stringify(given)})`;
      problems.push(`${name} ${(error as Error).message}${shown}`);
    }
  }
  for (const name of Object.keys(env)) {
    if (name.startsWith('VITRINE_') && !Object.hasOwn(settings, name)) problems.push(unknownSetting(name));
  }
  const found = findSettingsFile(env, workingDir, problems);
  const before = problems.length;
  const sections = readSections(found?.file ?? null, problems);
  // A section that has a mistake is not missing.
  if (problems.length === before) problems.push(...missingSections(values as Values, sections));
  if (problems.length > 0) throw new ConfigError(problems);
  const config = configOf(values as Values, workingDir);
  const folder = found ? dirname(found.path) : workingDir;
  const stores = effectiveStores(sections.stores, { dataDir: config.dataDir, folder });
  const signatures = effectiveSignatures(sections.signatures, folder);
  return Object.freeze({ settingsFile: found?.path ?? null, ...config, ...sections, stores, signatures });
}

/** What the ways of knowing callers need to be told. */
function missingSections({ VITRINE_AUTH: auth = [] }: Values, sections: Sections): string[] {
  const needs = {
    keystone: 'its url, and who we are there',
    oidc: 'an issuer and an audience',
  } as const;
  return (['keystone', 'oidc'] as const)
    .filter((name) => auth.includes(name) && sections[name] === null)
    .map(
      (name) =>
        `VITRINE_AUTH has ${name}, but the settings file has no section ${name}: it names ${needs[name]} (docs/identity.md)`,
    );
}

const defaultSettingsFile = 'vitrine.yaml';

/** The file that VITRINE_CONFIG names, which has to be there, or the one of the working directory, if it is there. */
function findSettingsFile(
  env: Record<string, string | undefined>,
  workingDir: string,
  problems: string[],
): { path: string; file: SettingsFile } | null {
  const named = env.VITRINE_CONFIG?.trim();
  const name = named || defaultSettingsFile;
  const path = resolve(workingDir, name);
  try {
    return { path, file: readSettingsFile(path, { name, env }) };
  } catch (error) {
    const code = codeOf(error);
    if (named) problems.push(`VITRINE_CONFIG names ${name}, which cannot be read (${code})`);
    else if (code !== 'ENOENT') problems.push(`${name} cannot be read (${code})`);
    return null;
  }
}

function unknownSetting(name: string): string {
  const meant = didYouMean(name, Object.keys(settings));
  return `${name} is not a setting${meant ? `; did you mean ${meant}?` : ''}`;
}

type FromEnvironment = Omit<Config, 'settingsFile' | keyof Sections>;

function configOf(values: Values, workingDir: string): FromEnvironment {
  const host = values.VITRINE_HOST ?? '127.0.0.1';
  const isLocal = isLoopback(host);
  const dataDir = resolve(workingDir, values.VITRINE_DATA_DIR ?? 'data');
  const tokensFile = values.VITRINE_TOKENS_FILE;
  return {
    databaseUrl: values.DATABASE_URL ?? null,
    host,
    port: values.VITRINE_PORT ?? 9292,
    publicUrl: values.VITRINE_PUBLIC_URL?.replace(/\/+$/, '') ?? null,
    dataDir,
    auth: values.VITRINE_AUTH ?? ['tokens'],
    tokensFile: tokensFile ? resolve(workingDir, tokensFile) : join(dataDir, 'tokens.json'),
    tokensFileIsOurs: !tokensFile,
    imageSizeMax: values.VITRINE_IMAGE_SIZE_MAX ?? 2 ** 40,
    corsOrigins: values.VITRINE_CORS_ORIGINS ?? [],
    trustedProxies: values.VITRINE_TRUSTED_PROXIES ?? [],
    drainSeconds: values.VITRINE_DRAIN_SECONDS ?? 30,
    workers: values.VITRINE_WORKERS ?? 1,
    tasks: values.VITRINE_TASKS ?? true,
    metadefs: values.VITRINE_METADEFS ?? 'warn',
    logLevel: values.VITRINE_LOG_LEVEL ?? 'info',
    introspection: values.VITRINE_INTROSPECTION ?? isLocal,
    graphiql: values.VITRINE_GRAPHIQL ?? isLocal,
  };
}

/** The effective settings, for people: without passwords and the like. */
export function printableConfig(config: Config): Record<string, unknown> {
  const { databaseUrl, ...rest } = config;
  return {
    databaseUrl: databaseUrl === null ? null : withoutPassword(databaseUrl),
    ...(withoutSecrets(rest) as object),
  };
}

/** A copy with *** for what has a secret's name, however deep and wherever it came from. */
export function withoutSecrets(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutSecrets);
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, held]) => {
      return [name, typeof held === 'string' && isSecretName(name) ? '***' : withoutSecrets(held)];
    }),
  );
}

function withoutPassword(url: string): string {
  const parsed = new URL(url);
  if (parsed.password) parsed.password = '***';
  if (parsed.searchParams.has('password')) parsed.searchParams.set('password', '***');
  return parsed.href;
}

import { expect, test } from 'vitest';
import { ConfigError, printableConfig, readConfig, withoutSecrets } from '../../src/config/config.ts';

const read = (env: Record<string, string>) => readConfig(env, '/srv');

function problems(env: Record<string, string>): readonly string[] {
  try {
    read(env);
    return [];
  } catch (error) {
    if (error instanceof ConfigError) return error.problems;
    throw error;
  }
}

test('nothing has to be set', () => {
  expect(read({})).toMatchObject({
    databaseUrl: null,
    host: '127.0.0.1',
    port: 9292,
    publicUrl: null,
    dataDir: '/srv/data',
    tokensFile: '/srv/data/tokens.json',
    tokensFileIsOurs: true,
    imageSizeMax: 2 ** 40,
    corsOrigins: [],
    drainSeconds: 30,
    introspection: true,
    graphiql: true,
  });
  expect(Object.isFrozen(read({}))).toBe(true);
});

test('what is set is read, with units and lists', () => {
  const config = read({
    DATABASE_URL: 'postgres://u:secret@db/v',
    VITRINE_HOST: '0.0.0.0',
    VITRINE_PORT: '80',
    VITRINE_PUBLIC_URL: 'https://images.example.org/',
    VITRINE_DATA_DIR: 'there',
    VITRINE_TOKENS_FILE: '/etc/tokens.json',
    VITRINE_IMAGE_SIZE_MAX: '10 GiB',
    VITRINE_CORS_ORIGINS: 'https://a.example.org, http://b.example.org:8080',
    VITRINE_TRUSTED_PROXIES: '10.0.0.1, 10.1.0.0/16',
  });
  expect(config).toMatchObject({
    dataDir: '/srv/there',
    tokensFile: '/etc/tokens.json',
    tokensFileIsOurs: false,
    publicUrl: 'https://images.example.org',
    imageSizeMax: 10 * 2 ** 30,
    corsOrigins: ['https://a.example.org', 'http://b.example.org:8080'],
    trustedProxies: ['10.0.0.1', '10.1.0.0/16'],
    introspection: false,
    graphiql: false,
  });
  expect(JSON.stringify(printableConfig(config))).not.toContain('secret');
});

test('every mistake is reported at once, with its name, and secrets are not repeated', () => {
  const found = problems({
    DATABASE_URL: 'mysql://u:secret@db/v',
    VITRINE_PORT: '99999',
    VITRINE_AUTH: 'none',
    VITRINE_IMAGE_SIZE_MAX: '10 GB',
    VITRINE_CORS_ORIGINS: 'https://a.example.org/path',
    VITRINE_TRUSTED_PROXIES: 'somewhere',
    VITRINE_DRAIN_SECONDS: '-1',
    VITRINE_INTROSPECTION: 'maybe',
    VITRINE_PROT: '80',
  });
  expect(found.map((line) => line.split(' ')[0])).toEqual([
    'DATABASE_URL',
    'VITRINE_PORT',
    'VITRINE_AUTH',
    'VITRINE_IMAGE_SIZE_MAX',
    'VITRINE_CORS_ORIGINS',
    'VITRINE_TRUSTED_PROXIES',
    'VITRINE_DRAIN_SECONDS',
    'VITRINE_INTROSPECTION',
    'VITRINE_PROT',
  ]);
  expect(found.join()).not.toContain('secret');
  expect(found.at(-1)).toContain('did you mean VITRINE_PORT?');
});

test('an empty variable is as if it were not set', () => {
  expect(read({ VITRINE_PORT: '', DATABASE_URL: ' ' })).toMatchObject({ port: 9292, databaseUrl: null });
});

test('secrets are printed as stars, wherever they stand', () => {
  const stores = [{ id: 's3', secretAccessKey: 'x', accessKeyId: 'y' }, { password: 'x' }];
  expect(withoutSecrets({ stores, tokensFile: '/t', password: null })).toEqual({
    stores: [{ id: 's3', secretAccessKey: '***', accessKeyId: 'y' }, { password: '***' }],
    tokensFile: '/t',
    password: null,
  });
});

/** The house: which room may import which. The arrows of ARCHITECTURE.md, held. */
import { readdir, readFile } from 'node:fs/promises';
import { dirname, join, normalize, relative } from 'node:path';
import { expect, test } from 'vitest';

const src = join(import.meta.dirname, '../src');

const floor = {
  domain: [],
  search: ['domain'],
  bytes: ['domain'],
  cloud: ['domain'],
  convert: ['domain', 'cloud'],
  stores: ['domain', 'cloud'],
  trust: ['domain', 'cloud'],
  db: ['domain', 'search'],
};
const belowActions = ['domain', 'search', 'bytes', 'cloud', 'convert', 'stores', 'trust', 'db'];
const belowDoors = [...belowActions, 'actions', 'auth', 'http', 'version.ts'];

/** Room -> rooms it may import, besides itself. */
const arrows: Record<string, string[]> = {
  ...floor,
  config: ['domain'],
  actions: belowActions,
  auth: ['domain', 'cloud'],
  http: ['domain'],
  graphql: belowDoors,
  rest: belowDoors,
  transfer: belowDoors,
  tasks: belowDoors,
  client: [],
  'version.ts': [],
  // Wiring: the one place that knows all rooms, and the commands that start it.
  'server.ts': [...belowDoors, 'config', 'graphql', 'rest', 'transfer', 'tasks'],
  admin: [...belowDoors, 'config', 'server.ts'],
  'main.ts': ['admin', 'config', 'version.ts'],
};

async function sources(): Promise<string[]> {
  const entries = await readdir(src, { recursive: true });
  return entries.filter((name) => name.endsWith('.ts') && !name.startsWith(join('client', 'gen')));
}

const roomOf = (path: string) => normalize(path).split('/')[0] ?? '';
const importPattern = /(?:^|\n)\s*(?:import|export)\b[^;'"]*?from\s*'(\.[^']+)'|import\s*\(?\s*'(\.[^']+)'/g;

async function importsOf(file: string): Promise<string[]> {
  const text = await readFile(join(src, file), 'utf8');
  const found = [...text.matchAll(importPattern)].map((m) => m[1] ?? m[2] ?? '');
  return found.map((target) => relative(src, join(src, dirname(file), target)));
}

test('imports point down the house, never up and never from door to door', async () => {
  const wrong: string[] = [];
  for (const file of await sources()) {
    const room = roomOf(file);
    for (const target of await importsOf(file)) {
      const other = roomOf(target);
      if (other === '..' || other === room) continue;
      if (!arrows[room]?.includes(other)) wrong.push(`${file} -> ${target}`);
    }
  }
  expect(wrong).toEqual([]);
});

test('every file says at its top what it is for', async () => {
  const silent: string[] = [];
  for (const file of await sources()) {
    const text = await readFile(join(src, file), 'utf8');
    if (!/^(#!.*\n)?\/\*\*/.test(text)) silent.push(file);
  }
  expect(silent).toEqual([]);
});

test('only the settings read the environment', async () => {
  const readers: string[] = [];
  for (const file of await sources()) {
    const text = await readFile(join(src, file), 'utf8');
    if (text.includes('process.env') && !['config', 'main.ts'].includes(roomOf(file))) readers.push(file);
  }
  // The temporary directory of this process is set there, not read.
  expect(readers).toEqual(['admin/serve.ts']);
});

test('only one copy of graphql is installed', async () => {
  const lock = JSON.parse(await readFile(join(src, '../package-lock.json'), 'utf8'));
  const copies = Object.keys(lock.packages).filter((path) => path.endsWith('node_modules/graphql'));
  expect(copies).toEqual(['node_modules/graphql']);
});

test('the lock file names no registry and no machine', async () => {
  const lock = await readFile(join(src, '../package-lock.json'), 'utf8');
  expect(lock).not.toMatch(/"resolved"/);
  expect(lock).not.toMatch(/file:/);
});

/** How PostgreSQL reads the values of properties: as numbers, booleans and versions. */
import { afterAll, beforeAll, expect, inject, test } from 'vitest';
import { type Database, openDatabase } from '../../src/db/client.ts';
import { aDatabase } from '../support/database.ts';

let db: Database;
let drop: () => Promise<void>;
beforeAll(async () => {
  const database = await aDatabase(inject('database'));
  drop = database.drop;
  db = openDatabase(database.address);
});
afterAll(async () => {
  await db.close();
  await drop();
});

async function read<T>(reading: 'number' | 'boolean' | 'version', values: string[]): Promise<T[]> {
  const text = `select vitrine_${reading}(v) as read from unnest($1::text[]) with ordinality as t (v, n) order by n`;
  return (await db.query<{ read: T }>(text, [values])).map((row) => row.read);
}

const chain = [
  '1.0~',
  '1.0~rc1',
  '1.0-alpha',
  '1.0-alpha.1',
  '1.0-alpha.beta',
  '1.0-beta',
  '1.0-beta.2',
  '1.0-beta.11',
  '1.0-rc.1',
  '1.0rc2',
  '1.0',
  '1.0-1~bpo12',
  '1.0-1',
  '1.0-1ubuntu1',
  '1.0-1ubuntu1.1',
  '1.0-1ubuntu10',
  '1.0-a',
  '1.0+dfsg-1',
  '1.0a',
  '1.0.0',
  '1.0.1a1',
  '1.0.1',
  '1.0.2k',
  '1.9',
  '1.10',
  '7.9.2009',
  '9.9-rc1',
  '9.9',
  '9.10',
  '12',
  '15-SP5',
  '15 SP6',
  '22.04',
  '22.04 LTS',
  '22.10',
  '20240101',
  '20240101.10',
  '99999999999999999999999',
  '1:0.1',
  '2:0.0.1',
];

test('versions sort part by part, numbers as numbers, pre-releases before releases', async () => {
  const keys = await read<string>('version', chain);
  expect(keys).not.toContain(null);
  expect(keys).toEqual([...keys].sort((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b))));
  expect(new Set(keys).size).toBe(chain.length);
});

test('versions that differ only in how they are written are equal', async () => {
  for (const same of [
    ['22.04', '22.4', 'v22.04', '0:22.4', '22_4'.replace('_', '.'), '22.004.'],
    ['1.0-1', '1.0_1', '1.0 1', '1.0-01'],
    ['1.0rc1', '1.0-rc1', '1.0.RC1', '1.0_rc.1'],
    ['1.0~', '1.0.~', '1.0~~'],
  ]) {
    expect(new Set(await read('version', same)).size, same.join(' ')).toBe(1);
  }
});

test('what is no version is read as none', async () => {
  const texts = [
    '',
    'noble',
    'v',
    '-1',
    '.5',
    '1/2',
    '1.0\n',
    'ä1',
    '1ä',
    '1:x',
    ' 1',
    '1'.repeat(91),
    '1.'.repeat(128),
  ];
  expect(await read('version', texts)).toEqual(texts.map(() => null));
});

test('numbers have sign, decimals and exponent, and nothing else', async () => {
  const good: [string, number][] = [
    ['0', 0],
    ['-1', -1],
    ['+2.50', 2.5],
    ['.5', 0.5],
    ['5.', 5],
    ['1e3', 1000],
    ['1E-2', 0.01],
    ['0.1', 0.1],
    ['123456789012345678901234567890', 1.2345678901234568e29],
    ['1e-999', 0],
    ['-1e-999', 0],
    ['0e999', 0],
    ['9007199254740993', 9007199254740992],
  ];
  expect(
    await read(
      'number',
      good.map(([text]) => text),
    ),
  ).toEqual(good.map(([, number]) => number));
  const bad = [
    '',
    ' 1',
    '1 ',
    '1,5',
    '0x10',
    'NaN',
    'Infinity',
    'inf',
    '1e999',
    '1e',
    '.',
    '-',
    '1_000',
    '٣',
    '1\n',
  ];
  expect(await read('number', bad)).toEqual(bad.map(() => null));
});

test('booleans are what OpenStack writes, in any case', async () => {
  expect(await read('boolean', ['true', 'YES', 'On', '1'])).toEqual([true, true, true, true]);
  expect(await read('boolean', ['False', 'no', 'OFF', '0'])).toEqual([false, false, false, false]);
  expect(await read('boolean', ['', 't', 'y', ' true', '2', 'ja'])).toEqual(Array(6).fill(null));
});

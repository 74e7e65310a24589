/** What people do with python-openstackclient, with the program itself. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { someBytes } from '../support/bytes.ts';
import { type CommandLine, commandLine } from '../support/clients.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { only } from '../support/size.ts';

const here = only({ from: 'ci', programs: ['openstack'] });
const bytes = someBytes(300_000);

describe.skipIf(here.skip)(`openstackclient${here.why}`, () => {
  let server: TestServer;
  let file: string;
  let line: CommandLine;
  beforeAll(async () => {
    server = await aServer();
    line = commandLine(server, 'openstack');
    file = join(server.dataDir, 'disk.raw');
    writeFileSync(file, bytes);
  });
  afterAll(async () => {
    line?.close();
    await server?.stop();
  });

  const image = (...args: string[]) => line.call(['blue'], 'image', ...args);
  const shown = async (name: string) => JSON.parse(await image('show', name, '-f', 'json'));
  const create = (name: string, ...more: string[]) =>
    image('create', name, '--disk-format', 'raw', '--container-format', 'bare', '--file', file, ...more);
  const names = async (...filters: string[]) =>
    JSON.parse(await image('list', ...filters, '-f', 'json')).map(({ Name }: { Name: string }) => Name);

  test('creates with a file, and lists with filters and in an order', async () => {
    await create('one', '--property', 'os_distro=debian', '--tag', 'a', '--private');
    await create('two', '--property', 'os_distro=debian', '--min-disk', '5');
    expect(await shown('one')).toMatchObject({ status: 'active', size: bytes.length, visibility: 'private' });
    expect(await names('--property', 'os_distro=debian', '--sort', 'name:desc')).toEqual(['two', 'one']);
    expect(await names('--private')).toEqual(['one']);
    expect(await names('--tag', 'a')).toEqual(['one']);
    expect(await names('--name', 'two', '--status', 'active')).toEqual(['two']);
    // It sorts what came by itself: the newest is what came.
    expect(await names('--limit', '1', '--sort', 'name:asc')).toEqual(['two']);
    expect(await names('--marker', 'two')).toEqual(['one']);
  });

  test('sets and unsets fields, properties and tags', async () => {
    await create('set');
    await image(
      'set',
      'set',
      '--property',
      'a=b',
      '--tag',
      'x',
      '--tag',
      'y',
      '--min-ram',
      '64',
      '--protected',
    );
    expect(await shown('set')).toMatchObject({
      properties: { a: 'b' },
      tags: ['x', 'y'],
      min_ram: 64,
      protected: true,
    });
    await image('unset', 'set', '--property', 'a', '--tag', 'x');
    const after = await shown('set');
    expect([after.properties.a, after.tags]).toEqual([undefined, ['y']]);
    await expect(image('delete', 'set')).rejects.toThrow();
    await image('set', 'set', '--unprotected', '--name', 'other');
    await image('delete', 'other');
    expect(await names('--name', 'other')).toEqual([]);
  });

  test('saves what was sent', async () => {
    await create('saved');
    const copy = join(server.dataDir, 'copy.raw');
    await image('save', '--file', copy, 'saved');
    expect(readFileSync(copy).equals(bytes)).toBe(true);
  });

  test('deactivates and activates', async () => {
    await create('off');
    await image('set', 'off', '--deactivate');
    expect(await shown('off')).toMatchObject({ status: 'deactivated' });
    await image('set', 'off', '--activate');
    expect(await shown('off')).toMatchObject({ status: 'active' });
  });
});

/** What people do with python-glanceclient, with the program itself. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { someBytes } from '../support/bytes.ts';
import { type Client, type CommandLine, commandLine, recordOf, rowsOf } from '../support/clients.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { only } from '../support/size.ts';
import { until } from '../support/until.ts';

const here = only({ from: 'ci', programs: ['glance'] });
const bytes = someBytes(300_000);
const formats = ['--disk-format', 'raw', '--container-format', 'bare'];

describe.skipIf(here.skip)(`the command line of Glance${here.why}`, () => {
  let server: TestServer;
  let line: CommandLine;
  let file: string;
  beforeAll(async () => {
    server = await aServer();
    line = commandLine(server, 'glance');
    file = join(server.dataDir, 'disk.raw');
    writeFileSync(file, bytes);
  });
  afterAll(async () => {
    line?.close();
    await server?.stop();
  });

  const glance: Client = (...call) => line.call(...call);

  const blue = (...args: string[]) => glance(['blue'], ...args);
  const admin = (...args: string[]) => glance(['admin'], ...args);
  const shown = async (id: string) => recordOf(await blue('image-show', id));
  const idOf = (table: string) => recordOf(table).id ?? '';
  const names = async (...filters: string[]) =>
    rowsOf(await blue('image-list', ...filters)).map(([, name]) => name);

  test('creates with a file, lists with filters and in an order, and deletes', async () => {
    const make = async (name: string, ...more: string[]) =>
      recordOf(await blue('image-create', '--name', name, ...formats, '--file', file, ...more));
    const one = await make('one', '--property', 'os_distro=debian', '--tag', 'a');
    expect(one).toMatchObject({
      status: 'active',
      size: `${bytes.length}`,
      os_distro: 'debian',
      tags: '["a"]',
    });
    await make('two', '--property', 'os_distro=debian', '--visibility', 'private');
    const byName = ['--sort', 'name:desc'];
    expect(await names('--property-filter', 'os_distro=debian', ...byName)).toEqual(['two', 'one']);
    expect(await names('--visibility', 'private', ...byName)).toEqual(['two']);
    expect(await names('--tag', 'a', '--limit', '1')).toEqual(['one']);
    await blue(
      'image-update',
      one.id ?? '',
      '--property',
      'x=y',
      '--remove-property',
      'os_distro',
      '--name',
      'uno',
    );
    expect(await shown(one.id ?? '')).toMatchObject({ name: 'uno', x: 'y' });
    await blue('image-delete', one.id ?? '');
    await expect(blue('image-show', one.id ?? '')).rejects.toMatchObject({
      stderr: expect.stringMatching(/No image .* was found/),
    });
  });

  test('stages and imports, and shows the task; what it downloads is the same', async () => {
    const id = idOf(await blue('image-create', '--name', 'staged', ...formats));
    expect(await shown(id)).toMatchObject({ status: 'queued' });
    await blue('image-stage', '--file', file, id);
    expect(await shown(id)).toMatchObject({ status: 'uploading' });
    await blue('image-import', '--import-method', 'glance-direct', id);
    await until(async () => (await shown(id)).status === 'active');
    expect(rowsOf(await blue('image-tasks', id))).toMatchObject([['', 'success', expect.any(String)]]);
    const copy = join(server.dataDir, 'copy.raw');
    await blue('image-download', '--file', copy, id);
    expect(readFileSync(copy).equals(bytes)).toBe(true);
    expect(rowsOf(await admin('task-list'))).toHaveLength(1);
  });

  test('imports in one step', async () => {
    const options = ['--import-method', 'glance-direct', '--file', file, '--name', 'at once'];
    const id = idOf(await blue('image-create-via-import', ...formats, ...options));
    await until(async () => (await shown(id)).status === 'active');
  });

  test('shares with a project, which accepts', async () => {
    const id = idOf(await blue('image-create', '--name', 'shared', ...formats, '--file', file));
    await blue('member-create', id, 'red');
    const red = (...args: string[]) => glance(['red'], ...args);
    expect(rowsOf(await red('image-list'))).toEqual([]);
    expect(
      rowsOf(await red('image-list', '--member-status', 'pending', '--visibility', 'shared')),
    ).toHaveLength(1);
    await red('member-update', id, 'red', 'accepted');
    expect(rowsOf(await red('image-list'))).toMatchObject([[id, 'shared']]);
    expect(rowsOf(await blue('member-list', '--image-id', id))).toEqual([[id, 'red', 'accepted']]);
    await blue('member-delete', id, 'red');
    await expect(red('image-show', id)).rejects.toThrow();
  });

  test('deactivates and reactivates', async () => {
    const id = idOf(await blue('image-create', '--name', 'off', ...formats, '--file', file));
    await blue('image-deactivate', id);
    const download = blue('image-download', '--file', join(server.dataDir, 'off.raw'), id);
    await expect(download).rejects.toMatchObject({ stderr: expect.stringContaining('deactivated') });
    await blue('image-reactivate', id);
    expect(await shown(id)).toMatchObject({ status: 'active' });
  });

  test('reads what the service says of itself', async () => {
    expect(recordOf(await blue('import-info'))['import-methods']).toContain('web-download');
    expect(recordOf(await blue('stores-info')).stores).toBe('[{"id": "file", "default": "true"}]');
    expect(recordOf(await admin('stores-info', '--detail')).stores).toContain('"type": "file"');
    await blue('usage');
  });

  test('writes a namespace with properties, objects and tags, and takes it away', async () => {
    await admin('md-namespace-create', 'N', '--display-name', 'D', '--visibility', 'public');
    const changed = recordOf(await admin('md-namespace-update', 'N', '--description', 'x'));
    expect(changed).toMatchObject({ description: 'x', display_name: 'D' });
    await admin('md-property-create', 'N', '--name', 'p', '--title', 'P', '--schema', '{"type": "string"}');
    expect(recordOf(await admin('md-property-update', 'N', 'p', '--title', 'Q'))).toMatchObject({
      title: 'Q',
    });
    expect(rowsOf(await blue('md-property-list', 'N'))).toEqual([['p', 'Q', 'string']]);
    const object = '{"properties": {"a": {"title": "A", "type": "integer"}}}';
    await admin('md-object-create', 'N', '--name', 'o', '--schema', object);
    await admin('md-object-update', 'N', 'o', '--schema', '{"description": "z"}');
    expect(rowsOf(await blue('md-object-list', 'N'))).toEqual([['o', 'z']]);
    await admin('md-tag-create', 'N', '--name', 't');
    await admin('md-tag-create-multiple', 'N', '--names', 'b,a');
    expect(
      rowsOf(await blue('md-tag-list', 'N'))
        .flat()
        .sort(),
    ).toEqual(['a', 'b']);
    await admin('md-resource-type-associate', 'N', '--name', 'R', '--prefix', 'p_');
    expect(recordOf(await blue('md-namespace-show', 'N'))).toMatchObject({
      properties: '["p"]',
      objects: '["o"]',
    });
    await expect(blue('md-namespace-delete', 'N')).rejects.toThrow();
    await admin('md-namespace-delete', 'N');
    await expect(blue('md-namespace-show', 'N')).rejects.toThrow();
  });
});

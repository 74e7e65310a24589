/** The definitions that come with the service, and files that others have written. */
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { Ajv } from 'ajv';
import { describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { readNamespaceFiles, shippedFolder } from '../../../src/actions/metadef/read-files.ts';
import { ValidationError } from '../../../src/domain/errors.ts';
import { checkerOf } from '../../../src/domain/metadef/check.ts';
import { documentFromJson, jsonFromDocument } from '../../../src/domain/metadef/json-form.ts';
import { differences, type LoadMode, mergedDocument } from '../../../src/domain/metadef/merge.ts';
import { imageResourceType, type NamespaceDocument } from '../../../src/domain/metadef/metadef.ts';

const shipped = await readNamespaceFiles([shippedFolder]);
const files = (await readdir(shippedFolder)).filter((name) => name.endsWith('.yaml'));
const validate = new Ajv({ allowUnionTypes: true }).compile(
  JSON.parse(await readFile(join(shippedFolder, 'namespace.schema.json'), 'utf8')),
);

describe('the shipped vocabulary', () => {
  test.each(files)('%s is what the JSON schema says', async (name) => {
    const json = parse(await readFile(join(shippedFolder, name), 'utf8'));
    validate(json);
    expect(validate.errors).toBeNull();
  });

  test.each(shipped)('$document.namespace is the same when it is written and read again', ({ document }) => {
    expect(documentFromJson(jsonFromDocument(document))).toEqual(document);
  });

  const onImages = shipped.flatMap(({ document }) => {
    const image = document.resourceTypes.find((one) => one.resourceType === imageResourceType);
    if (!image) return [];
    const all = [...document.properties, ...document.objects.flatMap((object) => object.properties)];
    return all.map((property) => ({ name: (image.prefix ?? '') + property.name, property }));
  });

  test('defines no name of image properties twice', () => {
    const names = onImages.map(({ name }) => name);
    expect(names.filter((name, i) => names.indexOf(name) !== i)).toEqual([]);
  });

  test('has defaults that its own definitions allow', () => {
    const wrong = onImages.filter(({ property }) => {
      const value = property.default;
      return value !== undefined && typeof value !== 'object' && checkerOf(property)(String(value)) !== null;
    });
    expect(wrong.map(({ name }) => name)).toEqual([]);
  });

  test.each([
    ...['hw_architecture', 'hw_cpu_policy', 'hw_disk_bus', 'hw_firmware_type', 'hw_machine_type'],
    ...['hw_mem_page_size', 'hw_numa_nodes', 'hw_numa_cpus.0', 'hw_rng_model', 'hw_scsi_model'],
    ...['hw_tpm_model', 'hw_video_model', 'hw_vif_model', 'hw_watchdog_action', 'hw_viommu_model'],
    ...['img_config_drive', 'img_hv_type', 'hypervisor_type', 'img_hv_requested_version', 'img_signature'],
    ...['os_distro', 'os_version', 'os_type', 'os_admin_user', 'os_require_quiesce', 'os_secure_boot'],
    ...['kernel_id', 'ramdisk_id', 'instance_uuid', 'base_image_ref', 'image_type', 'owner_id'],
    ...[
      'os_encrypt_format',
      'os_encrypt_key_id',
      'os_encrypt_key_deletion_policy',
      'cinder_encryption_key_id',
    ],
    ...[
      'image_build_date',
      'replace_frequency',
      'hotfix_hours',
      'uuid_validity',
      'provided_until',
      'os_purpose',
    ],
    ...['patchlevel', 'maintained_until', 'image_source', 'image_original_user', 'license_included'],
  ])('knows %s', (name) => expect(onImages.map((one) => one.name)).toContain(name));

  test.each([
    ['hw_cpu_cores', '4', null],
    ['hw_cpu_cores', '0', 'OUT_OF_RANGE'],
    ['hw_boot_menu', 'Yes', null],
    ['hw_boot_menu', 'si', 'WRONG_TYPE'],
    ['hw_vif_model', 'virtio', null],
    ['hw_vif_model', 'virto', 'NOT_IN_ENUM'],
    ['hw_mem_page_size', '2MB', null],
    ['hw_mem_page_size', 'huge', 'PATTERN_MISMATCH'],
    ['hw_tpm_version', '2.0', null],
    ['img_signature_certificate_uuid', '0f6e2a0e-3c1f-4f0e-9d55-2f5b2c1f8a11', null],
    ['img_signature_certificate_uuid', 'x', 'PATTERN_MISMATCH'],
    ['uuid_validity', 'last-3', null],
    ['os_distro', 'ubuntu', null],
  ])('%s takes %s: %s', (name, value, code) => {
    const found = onImages.find((one) => one.name === name);
    if (!found) throw new Error(`${name} is not defined.`);
    expect(checkerOf(found.property)(value)?.code ?? null).toBe(code);
  });
});

/** As Glance's own files are written. */
const glance = {
  namespace: 'OS::Test::Glance',
  display_name: 'Test',
  description: 'A test.',
  visibility: 'public',
  protected: true,
  resource_type_associations: [
    { name: 'OS::Glance::Image', prefix: 'hw_' },
    { name: 'OS::Cinder::Volume', prefix: 'hw_', properties_target: 'image' },
  ],
  properties: {
    policy: { title: 'Policy', description: '', type: 'string', enum: ['a', 'b', 'a'] },
    count: { title: 'Count', type: 'integer', enum: [1, 2], default: 1, readonly: true },
    features: { title: 'F', type: 'array', operators: ['<or>'], items: { type: 'string', enum: ['x', 'y'] } },
  },
  objects: [
    { name: 'o', description: 'O.', required: ['v'], properties: { v: { title: 'V', type: 'number' } } },
  ],
  tags: [{ name: 't2' }, { name: 't1' }],
  created_at: '2014-09-19T13:31:37Z',
  self: '/v2/metadefs/namespaces/OS::Test::Glance',
};

test("a file of Glance's becomes a namespace: sorted, typed, nothing twice, nothing lost", () => {
  const document = documentFromJson(glance);
  expect(document).toMatchObject({ displayName: 'Test', protected: true, owner: null, tags: ['t1', 't2'] });
  expect(document.properties).toEqual([
    { name: 'count', title: 'Count', type: 'integer', enum: ['1', '2'], default: 1, readOnly: true },
    {
      name: 'features',
      title: 'F',
      type: 'array',
      operators: ['<or>'],
      itemsType: 'string',
      itemsEnum: ['x', 'y'],
    },
    { name: 'policy', title: 'Policy', description: '', type: 'string', enum: ['a', 'b'] },
  ]);
  const again = jsonFromDocument(document) as typeof glance;
  expect(again.properties.count).toEqual({
    title: 'Count',
    type: 'integer',
    enum: [1, 2],
    default: 1,
    readonly: true,
  });
  expect(again.resource_type_associations).toEqual(
    [...glance.resource_type_associations].sort((a, b) => (a.name < b.name ? -1 : 1)),
  );
});

const nested = (depth: number): unknown => (depth === 0 ? 1 : { a: nested(depth - 1) });

test.each<[string, object, string]>([
  ['a key that nobody knows', { proprties: {} }, 'proprties'],
  ['a $ref in place of a definition', { properties: { p: { $ref: '#/x' } } }, 'properties.p.$ref'],
  [
    'a $ref deep in a default',
    { properties: { p: { title: 'P', type: 'object', default: { a: [{ $ref: 'x' }] } } } },
    'properties.0.default',
  ],
  [
    'a default without end',
    { properties: { p: { title: 'P', type: 'object', default: nested(40) } } },
    'properties.0.default',
  ],
  [
    'items that nest',
    { properties: { p: { title: 'P', type: 'array', items: { type: 'array', items: {} } } } },
    'properties.p.items.items',
  ],
  ['a definition without a title', { properties: { p: { type: 'string' } } }, 'properties.p.title'],
  ['a type that is none', { properties: { p: { title: 'P', type: 'text' } } }, 'properties.p.type'],
  [
    'a pattern that RE2 does not know',
    { properties: { p: { title: 'P', type: 'string', pattern: '(?=a)' } } },
    'properties.0.pattern',
  ],
  [
    'a range that is empty',
    { properties: { p: { title: 'P', type: 'integer', minimum: 2, maximum: 1 } } },
    'properties.0.maximum',
  ],
  [
    'an enum that is empty',
    { properties: { p: { title: 'P', type: 'string', enum: [] } } },
    'properties.0.enum',
  ],
  [
    'something required that is not there',
    { objects: [{ name: 'o', required: ['x'], properties: {} }] },
    'objects.0.required.0',
  ],
  ['a name of 81 characters', { namespace: 'n'.repeat(81) }, 'namespace'],
  ['a description of 501 characters', { description: 'd'.repeat(501) }, 'description'],
  ['a tag twice', { tags: [{ name: 't' }, { name: 't' }] }, 'tags.1'],
  ['a NUL', { display_name: 'a\0b' }, 'displayName'],
])('%s is refused, and where it is', (_name, change, path) => {
  let refused: unknown;
  try {
    documentFromJson({ namespace: 'n', ...change });
  } catch (error) {
    refused = error;
  }
  expect(refused).toBeInstanceOf(ValidationError);
  expect((refused as ValidationError).issues.map((issue) => issue.path.join('.'))).toContain(path);
});

describe('loading a file over a namespace', () => {
  const before: NamespaceDocument = documentFromJson({
    ...glance,
    owner: 'blue',
    description: 'Mine.',
    properties: {
      policy: { title: 'My policy', type: 'string' },
      mine: { title: 'Mine', type: 'string' },
    },
    tags: [{ name: 'mine' }],
  });
  const file = documentFromJson(glance);
  const after = (mode: LoadMode) => {
    const merged = mergedDocument(before, file, mode);
    if (!merged) return null;
    const titles = Object.fromEntries(merged.properties.map(({ name, title }) => [name, title]));
    return { titles, tags: merged.tags, description: merged.description, owner: merged.owner };
  };

  test('leaves it alone', () => expect(after('new')).toBeNull());
  test('with merge adds what it lacks', () => {
    expect(after('merge')).toEqual({
      titles: { count: 'Count', features: 'F', mine: 'Mine', policy: 'My policy' },
      tags: ['mine', 't1', 't2'],
      description: 'Mine.',
      owner: 'blue',
    });
  });
  test('with prefer-new also changes what differs', () => {
    expect(after('prefer-new')).toEqual({
      titles: { count: 'Count', features: 'F', mine: 'Mine', policy: 'Policy' },
      tags: ['mine', 't1', 't2'],
      description: 'A test.',
      owner: 'blue',
    });
  });
  test('with overwrite makes it what the file says', () => {
    expect(after('overwrite')).toEqual({
      titles: { count: 'Count', features: 'F', policy: 'Policy' },
      tags: ['t1', 't2'],
      description: 'A test.',
      owner: 'blue',
    });
  });
  test.each(['merge', 'prefer-new', 'overwrite'] as const)(
    'with %s a second time changes nothing',
    (mode) => {
      const merged = mergedDocument(before, file, mode);
      expect(merged && mergedDocument(merged, file, mode)).toBeNull();
    },
  );
  test('is shown beforehand, a line for each part', () => {
    expect(differences(before, file)).toEqual([
      '~ description',
      '- property mine',
      '~ property policy',
      '- tag mine',
      '+ property count',
      '+ property features',
      '+ tag t1',
      '+ tag t2',
    ]);
    expect(differences(file, file)).toEqual([]);
    expect(differences(undefined, file)).toEqual(['+ namespace']);
  });
});

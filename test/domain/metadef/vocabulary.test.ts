import { describe, expect, test } from 'vitest';
import { callerWith } from '../../../src/domain/caller.ts';
import { metadefLimits } from '../../../src/domain/metadef/fields.ts';
import type { MetadefDefinition, MetadefVisibility } from '../../../src/domain/metadef/metadef.ts';
import { type ImageNamespace, vocabularyOf } from '../../../src/domain/metadef/vocabulary.ts';

const at = '2026-01-01T00:00:00.000000Z';
const times = { createdAt: at, updatedAt: at };

interface Plain {
  name: string;
  prefix?: string;
  visibility?: MetadefVisibility;
  owner?: string;
  properties?: Record<string, Partial<MetadefDefinition>>;
  objects?: Record<string, { required?: string[]; properties: Record<string, Partial<MetadefDefinition>> }>;
}

/** A namespace for images, as the database gives it. */
function namespace({
  name,
  prefix = '',
  visibility = 'public',
  owner,
  properties = {},
  objects = {},
}: Plain) {
  const property =
    (objectId: string | null) =>
    ([of, definition]: [string, Partial<MetadefDefinition>]) => ({
      id: `${name}/${objectId}/${of}`,
      namespaceId: name,
      objectId,
      name: of,
      title: of,
      type: 'string' as const,
      ...definition,
      ...times,
    });
  return {
    namespace: {
      id: name,
      namespace: name,
      displayName: null,
      description: null,
      visibility,
      owner: owner ?? null,
      protected: false,
      revision: 1,
      ...times,
    },
    prefix,
    objects: Object.entries(objects).map(([id, { required = [] }]) => ({
      id,
      namespaceId: name,
      name: id,
      description: null,
      required,
      ...times,
    })),
    properties: [
      ...Object.entries(properties).map(property(null)),
      ...Object.entries(objects).flatMap(([id, object]) =>
        Object.entries(object.properties).map(property(id)),
      ),
    ],
  } satisfies ImageNamespace;
}

const blue = callerWith({ user: 'b', project: 'blue', roles: ['member'] });
const red = callerWith({ user: 'r', project: 'red', roles: ['member'] });
const admin = callerWith({ user: 'a', project: 'admin', roles: ['admin'] });

describe('of several definitions of one name', () => {
  const vocabulary = vocabularyOf([
    namespace({ name: 'z-public', prefix: 'x_', properties: { y: {} } }),
    namespace({ name: 'a-public', properties: { x_y: {} } }),
    namespace({ name: 'b-red', visibility: 'private', owner: 'red', properties: { x_y: {} } }),
    namespace({ name: 'a-green', visibility: 'private', owner: 'green', properties: { x_y: {} } }),
  ]);
  const found = (caller: typeof blue) => vocabulary.find(caller, 'x_y')?.namespace.namespace;

  test('the one of the own project is before public ones', () => expect(found(red)).toBe('b-red'));
  test('public ones go by the names of their namespaces', () => expect(found(blue)).toBe('a-public'));
  test('an admin has public ones before those of other projects', () =>
    expect(found(admin)).toBe('a-public'));
});

test('what only another project defines is no definition, and no suggestion either', () => {
  const vocabulary = vocabularyOf([
    namespace({
      name: 'n',
      visibility: 'private',
      owner: 'red',
      properties: { secret_name: { enum: ['x'] } },
    }),
  ]);
  expect(vocabulary.find(blue, 'secret_name')).toBeNull();
  expect(vocabulary.issueOf(blue, 'secret_name', 'y')).toBeNull();
  expect(vocabulary.issueOf(blue, 'secret_nam', 'y')).toBeNull();
  expect(vocabulary.issueOf(red, 'secret_nam', 'y')).toMatchObject({ suggestion: 'secret_name' });
  expect(vocabulary.issueOf(admin, 'secret_name', 'y')).toMatchObject({ code: 'NOT_IN_ENUM' });
});

describe('a name that no definition has', () => {
  const vocabulary = vocabularyOf([
    namespace({
      name: 'n',
      prefix: 'hw_',
      properties: { cpu_policy: {}, disk1: {}, 'numa_cpus.0': {}, abc: {} },
    }),
  ]);
  const meant = (name: string) => vocabulary.issueOf(blue, name, 'x')?.suggestion ?? null;

  test.each([
    ['hw_cpu_polic', 'a letter left out'],
    ['hw_cpu_policyy', 'a letter too many'],
    ['hw_cpu_policu', 'a wrong letter'],
    ['hw_cpu_ploicy', 'two letters swapped'],
    ['HW_CPU_POLICY', 'another case'],
    ['hw-cpu_policy', 'a wrong sign'],
  ])('%s, with %s, is a likely typo', (name) => expect(meant(name)).toBe('hw_cpu_policy'));

  test.each([
    ['hw_cpu_poli', 'two edits away'],
    ['hw_disk2', 'other only in its digits'],
    ['hw_numa_cpus.17', 'other only in its digits'],
    ['my_own_name', 'something else'],
    ['hw_a', 'short'],
    ['', 'empty'],
  ])('%s, which is %s, is left alone', (name) => expect(meant(name)).toBeNull());

  test('that is endless is looked at for no time', () => expect(meant('x'.repeat(60_000))).toBeNull());
});

test('what is required is missed where others of its object or namespace stand', () => {
  const vocabulary = vocabularyOf([
    namespace({
      name: 'software',
      prefix: 'sw_',
      properties: { license: { required: true }, vendor: {} },
      objects: { mysql: { required: ['version'], properties: { version: {}, port: { type: 'integer' } } } },
    }),
  ]);
  const codes = (properties: Record<string, string>) =>
    vocabulary.issuesOf(blue, properties).map(({ property, code }) => `${property} ${code}`);
  expect(codes({})).toEqual([]);
  expect(codes({ other: 'x' })).toEqual([]);
  expect(codes({ sw_port: '3306' })).toEqual(['sw_version MISSING']);
  expect(codes({ sw_port: 'x', sw_version: '8' })).toEqual(['sw_port WRONG_TYPE']);
  expect(codes({ sw_vendor: 'x' })).toEqual(['sw_license MISSING']);
  expect(codes({ sw_vendor: 'x', sw_port: '1' })).toEqual(['sw_license MISSING', 'sw_version MISSING']);
});

test('a message names the definition, what is allowed, and never grows with the value', () => {
  const values = Array.from({ length: metadefLimits.values }, (_, i) => `value-${i}-${'x'.repeat(200)}`);
  const vocabulary = vocabularyOf([namespace({ name: 'N', properties: { p: { enum: values } } })]);
  const issue = vocabulary.issueOf(blue, 'p', 'y'.repeat(60_000));
  expect(issue?.message).toContain('(N)');
  expect(issue?.message).toContain('and 980 more');
  expect(issue?.message.length).toBeLessThan(2_500);
});

/** Metadata definitions where images are: what a property means, what is wrong with it, and what that stops. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Database } from '../../src/db/client.ts';
import { anImage } from '../support/an-image.ts';
import { aServer, type TestServer } from '../support/server.ts';

const field = 'ValidationError { issues { path code message suggestion } }';
const written = `image { id revision properties { name value issues { code } } } issues { property code message suggestion }`;

type Properties = Record<string, string>;
const listOf = (properties: Properties) =>
  Object.entries(properties).map(([name, value]) => ({ name, value }));

async function create(server: TestServer, properties: Properties, token = server.tokenOf('blue')) {
  const { data, errors } = await server.raw(
    token,
    `mutation ($input: CreateImageInput!) { createImage(input: $input) { __typename ... on CreateImagePayload { ${written} } ... on ${field} } }`,
    { input: { properties: listOf(properties) } },
  );
  expect(errors).toEqual([]);
  return data.createImage;
}

async function update(server: TestServer, input: object) {
  const { data, errors } = await server.raw(
    server.tokenOf('blue'),
    `mutation ($input: UpdateImageInput!) { updateImage(input: $input) { __typename ... on UpdateImagePayload { ${written} } ... on ${field} } }`,
    { input },
  );
  expect(errors).toEqual([]);
  return data.updateImage;
}

async function define(server: TestServer, namespace: string, more: object): Promise<void> {
  const { data } = await server.raw(
    server.tokenOf('admin'),
    'mutation ($input: CreateMetadefNamespaceInput!) { createMetadefNamespace(input: $input) { __typename } }',
    { input: { namespace, resourceTypes: [{ resourceType: 'OS::Glance::Image', prefix: 'my_' }], ...more } },
  );
  expect(data.createMetadefNamespace.__typename).toBe('CreateMetadefNamespacePayload');
}

describe('with warnings', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await aServer();
    await define(server, 'red-only', {
      owner: 'red',
      properties: [{ name: 'secret_level', title: 'Level', type: 'INTEGER', maximum: 3 }],
    });
    await define(server, 'for-all', {
      visibility: 'PUBLIC',
      properties: [
        { name: 'count', title: 'Count', type: 'INTEGER', minimum: 1 },
        { name: 'ratio', title: 'Ratio', type: 'NUMBER' },
        { name: 'flag', title: 'Flag', type: 'BOOLEAN' },
        { name: 'list', title: 'List', type: 'ARRAY', itemsType: 'STRING' },
        { name: 'level', title: 'Level', type: 'STRING', enum: ['low', 'high'] },
      ],
    });
  });
  afterAll(() => server.stop());

  test('an image is written, and told what is wrong with it', async () => {
    const result = await create(server, { my_count: '0', my_level: 'hgih', os_distr: 'ubuntu', other: 'x' });
    expect(result.issues).toEqual([
      {
        property: 'my_count',
        code: 'OUT_OF_RANGE',
        message: 'my_count takes a whole number of 1 or more (for-all); it is "0".',
        suggestion: null,
      },
      {
        property: 'my_level',
        code: 'NOT_IN_ENUM',
        message: 'my_level takes one of low, high (for-all); it is "hgih". Did you mean high?',
        suggestion: 'high',
      },
      {
        property: 'os_distr',
        code: 'UNKNOWN_NAME',
        message: 'No definition knows os_distr; did you mean os_distro?',
        suggestion: 'os_distro',
      },
    ]);
    expect(result.image.properties).toEqual([
      { name: 'my_count', value: '0', issues: [{ code: 'OUT_OF_RANGE' }] },
      { name: 'my_level', value: 'hgih', issues: [{ code: 'NOT_IN_ENUM' }] },
      { name: 'os_distr', value: 'ubuntu', issues: [{ code: 'UNKNOWN_NAME' }] },
      { name: 'other', value: 'x', issues: [] },
    ]);
  });

  test('an update is told what is wrong with the image as it then stands', async () => {
    const { image } = await create(server, { my_count: '0' });
    const renamed = await update(server, { id: image.id, name: 'other' });
    expect(renamed.issues).toMatchObject([{ property: 'my_count' }]);
    const mended = await update(server, { id: image.id, setProperties: listOf({ my_count: '2' }) });
    expect(mended.issues).toEqual([]);
  });

  test('what another project defines is neither a definition nor a warning', async () => {
    const image = '{ properties { name definition { id } issues { code } } }';
    const id = await anImage(server.app, { visibility: 'public', properties: { my_secret_level: '9' } });
    const seen = async (token: string) =>
      (await server.raw(token, `{ image(id: "${id}") ${image} }`)).data.image.properties[0];
    expect(await seen(server.tokenOf('blue'))).toMatchObject({ definition: null, issues: [] });
    expect(await seen(server.tokenOf('red'))).toMatchObject({ issues: [{ code: 'OUT_OF_RANGE' }] });
    expect((await create(server, { my_secret_leve: 'x' })).issues).toEqual([]);
    expect((await create(server, { my_secret_leve: 'x' }, server.tokenOf('red'))).issues).toMatchObject([
      { code: 'UNKNOWN_NAME', suggestion: 'my_secret_level' },
    ]);
    const { data } = await server.raw(
      server.tokenOf('blue'),
      '{ imagePropertyNames(prefix: "my_secret_level") { name definition { id } } }',
    );
    expect(data.imagePropertyNames).toEqual([{ name: 'my_secret_level', definition: null }]);
  });

  test('a definition that changes is seen at once, and no image is the worse for it', async () => {
    const { image } = await create(server, { my_level: 'low' });
    const { data } = await server.raw(
      server.tokenOf('admin'),
      `mutation {
        updateMetadefProperty(input: { namespace: "for-all", name: "level",
          property: { name: "level", title: "L", type: STRING, enum: ["high"] } }) { __typename }
      }`,
    );
    expect(data.updateMetadefProperty.__typename).toBe('UpdateMetadefPropertyPayload');
    const after = await server.raw(
      server.tokenOf('blue'),
      `{ image(id: "${image.id}") { properties { value definition { enum } issues { code } } } }`,
    );
    expect(after.data.image.properties).toEqual([
      { value: 'low', definition: { enum: ['high'] }, issues: [{ code: 'NOT_IN_ENUM' }] },
    ]);
  });

  test('a property, its definition and its usage are found from each other', async () => {
    for (const value of ['4', '4', '8']) {
      await anImage(server.app, { owner: 'green', properties: { hw_cpu_cores: value } });
    }
    const { data, errors } = await server.raw(
      server.tokenOf('green'),
      `{ metadefNamespace(namespace: "OS::Compute::VirtCPUTopology") { property(name: "cpu_cores") {
          nameOn flavor: nameOn(resourceType: "OS::Nova::Flavor") none: nameOn(resourceType: "x")
          usage(limit: 1) { property attribute buckets { value count } otherCount missingCount } } }
        capabilities: metadefNamespace(namespace: "OS::Compute::HostCapabilities") {
          properties(first: 1) { nodes { usage { missingCount } } } } }`,
    );
    expect(errors).toEqual([]);
    expect(data.metadefNamespace.property).toMatchObject({
      nameOn: 'hw_cpu_cores',
      flavor: 'hw:cpu_cores',
      none: null,
      usage: {
        property: 'hw_cpu_cores',
        attribute: null,
        buckets: [{ value: '4', count: 2 }],
        otherCount: 1,
      },
    });
    expect(data.capabilities.properties.nodes[0].usage).toBeNull();
    const foreign = await server.raw(
      server.tokenOf('red'),
      '{ metadefNamespace(namespace: "OS::Compute::VirtCPUTopology") { property(name: "cpu_cores") { usage { buckets { count } } } } }',
    );
    expect(foreign.data.metadefNamespace.property.usage.buckets).toEqual([]);
  });

  test('a page of images costs the same number of statements with 25 images as with one', async () => {
    const properties = {
      ...{ hw_cpu_cores: '4', hw_disk_bus: 'virtio', os_distro: 'debian', os_version: '12' },
      ...{ hw_boot_menu: 'x', my_count: '3', my_level: 'high', hw_cpu_policy: 'shared' },
    };
    for (let i = 0; i < 25; i++) await anImage(server.app, { owner: 'blue', name: 'counted', properties });
    const counted = server.app.db as { query: Database['query']; search: Database['search'] };
    const { query, search } = counted;
    const statementsFor = async (first: number) => {
      let statements = 0;
      counted.query = (...args) => {
        statements++;
        return query(...args);
      };
      counted.search = (...args) => {
        statements++;
        return search(...args);
      };
      try {
        const { data, errors } = await server.raw(
          server.tokenOf('blue'),
          `{ images(first: ${first}, where: { name: { eq: "counted" } }) { nodes { properties { name value issues { message }
            definition { title nameOn namespace { namespace tags resourceTypes { prefix } } object { name }
              usage(limit: 2) { buckets { count } missingCount } } } } } }`,
        );
        expect(errors).toEqual([]);
        expect(data.images.nodes).toHaveLength(first);
        expect(
          data.images.nodes.at(-1).properties.filter((p: { definition: unknown }) => p.definition),
        ).toHaveLength(8);
      } finally {
        Object.assign(counted, { query, search });
      }
      return statements;
    };
    // The least of some, since what the server does by the clock is counted too.
    const leastFor = async (first: number) => {
      const counts: number[] = [];
      for (let n = 0; n < 3; n++) counts.push(await statementsFor(first));
      return Math.min(...counts);
    };
    const one = await leastFor(1);
    expect(await leastFor(25)).toBe(one);
    expect(one).toBeLessThan(12);
  });

  describe('a search', () => {
    beforeAll(async () => {
      const owner = 'green';
      await anImage(server.app, {
        owner,
        name: 'a',
        properties: { my_count: '04', my_flag: 'Yes', my_list: 'x, y' },
      });
      await anImage(server.app, {
        owner,
        name: 'b',
        properties: { my_count: '10', my_flag: '0', my_list: '["y", "z"]' },
      });
      await anImage(server.app, {
        owner,
        name: 'c',
        properties: { my_count: 'n/a', my_flag: 'perhaps', my_list: 'xy' },
      });
      await anImage(server.app, {
        owner,
        name: 'd',
        properties: { my_ratio: '1e1', my_list: '<or> z <or> x' },
      });
    });
    const find = async (search: string, who = 'green') => {
      const { data, errors } = await server.raw(
        server.tokenOf(who),
        'query ($search: String!) { images(search: $search, orderBy: [{ field: NAME, direction: ASC }]) { nodes { name } } }',
        { search },
      );
      expect(errors).toEqual([]);
      return data.images.nodes.map((image: { name: string }) => image.name).join('');
    };

    test.each([
      ['my_count:4', 'a'],
      ['my_count:4,10', 'ab'],
      ['my_count:>5', 'b'],
      ['my_count:1..9', 'a'],
      ['my_count:!=4', 'b'],
      ['my_count:n/a', 'c'],
      ['my_count:0*', 'a'],
      ['my_ratio:10', 'd'],
      ['my_flag:true', 'a'],
      ['my_flag:off', 'b'],
      ['my_flag:!=1', 'b'],
      ['my_flag:true,off', 'ab'],
      ['my_flag:!=true,off', ''],
      ['my_flag:perhaps', 'c'],
      ['my_list:y', 'ab'],
      ['my_list:x,z', 'abd'],
      ['my_list:=xy', 'c'],
      ['my_list:!=y', 'cd'],
      ['-my_list:y has:my_list', 'cd'],
      ['my_list:*y', 'ac'],
    ])('%s follows the definitions', async (search, names) => expect(await find(search)).toBe(names));

    test('is what parseSearch says', async () => {
      const parse = async (search: string, token: string | null) => {
        const { data } = await server.raw(
          token,
          'query ($s: String!) { parseSearch(search: $s) { ok where orderBy errors { message } } }',
          { s: search },
        );
        return data.parseSearch;
      };
      const token = server.tokenOf('green');
      expect((await parse('my_count:4', token)).where).toEqual({
        properties: [{ name: 'my_count', number: { eq: 4 } }],
      });
      expect((await parse('my_list:a,b', token)).where).toEqual({
        properties: [{ name: 'my_list', elements: { hasAny: ['a', 'b'] } }],
      });
      expect((await parse('sort:-my_count', token)).orderBy).toEqual([
        { field: 'PROPERTY', direction: 'DESC', property: 'my_count', as: 'NUMBER' },
      ]);
      expect((await parse('my_count:<x', token)).ok).toBe(false);
      // Definitions of others are not theirs to search by.
      expect((await parse('my_secret_level:4', token)).where).toEqual({
        properties: [{ name: 'my_secret_level', text: { eq: '4' } }],
      });
      expect((await parse('my_secret_level:4', server.tokenOf('red'))).where).toEqual({
        properties: [{ name: 'my_secret_level', number: { eq: 4 } }],
      });
    });

    test('puts numbers in the order of numbers', async () => {
      const { data } = await server.raw(
        server.tokenOf('green'),
        '{ images(search: "has:my_count sort:my_count") { nodes { name } } }',
      );
      expect(data.images.nodes.map((image: { name: string }) => image.name)).toEqual(['a', 'b', 'c']);
    });
  });
});

describe('with enforcement', () => {
  let server: TestServer;
  beforeAll(async () => {
    server = await aServer({ env: { VITRINE_METADEFS: 'enforce' } });
    await define(server, 'software', {
      visibility: 'PUBLIC',
      objects: [
        {
          name: 'db',
          required: ['version'],
          properties: [
            { name: 'version', title: 'V', type: 'STRING' },
            { name: 'port', title: 'P', type: 'INTEGER' },
          ],
        },
      ],
    });
  });
  afterAll(() => server.stop());

  test('every property that breaks its definition is refused, with its place and what was meant', async () => {
    const result = await create(server, {
      name_of_mine: 'x',
      hw_firmware_type: 'uefy',
      hw_cpu_cores: 'four',
      hw_disk_buss: 'virtio',
    });
    expect(result).toEqual({
      __typename: 'ValidationError',
      issues: [
        {
          path: ['input', 'properties', '1', 'value'],
          code: 'NOT_IN_ENUM',
          message: expect.stringMatching(
            /^hw_firmware_type takes one of .*uefi.* \(OS::Compute::\w+\); it is "uefy"/,
          ),
          suggestion: 'uefi',
        },
        {
          path: ['input', 'properties', '2', 'value'],
          code: 'WRONG_TYPE',
          message: expect.stringContaining('takes a whole number'),
          suggestion: null,
        },
        {
          path: ['input', 'properties', '3', 'name'],
          code: 'UNKNOWN_NAME',
          message: expect.stringContaining('did you mean hw_disk_bus'),
          suggestion: 'hw_disk_bus',
        },
      ],
    });
    const { data } = await server.raw(
      server.tokenOf('blue'),
      '{ images { totalCount } service { metadefMode } }',
    );
    expect(data).toEqual({ images: { totalCount: 0 }, service: { metadefMode: 'ENFORCE' } });
  });

  test('what an object requires is reported and does not stop anything', async () => {
    const result = await create(server, { my_port: '5432' });
    expect(result.issues).toMatchObject([{ property: 'my_version', code: 'MISSING' }]);
  });

  test('what stood there before does not keep an image from being changed', async () => {
    const id = await anImage(server.app, { properties: { hw_cpu_cores: 'many', os_type: 'linux' } });
    const kept = await update(server, { id, setProperties: listOf({ os_type: 'windows' }) });
    expect(kept.issues).toMatchObject([{ property: 'hw_cpu_cores', code: 'WRONG_TYPE' }]);
    const anew = await update(server, {
      id,
      properties: listOf({ hw_cpu_cores: 'many', os_distro: 'debian' }),
    });
    expect(anew.__typename).toBe('UpdateImagePayload');
    const refused = await update(server, {
      id,
      setProperties: listOf({ os_type: 'lynux', hw_cpu_cores: 'more' }),
    });
    expect(refused.issues).toMatchObject([
      { path: ['input', 'setProperties', '0', 'value'], suggestion: 'linux' },
      { path: ['input', 'setProperties', '1', 'value'], code: 'WRONG_TYPE' },
    ]);
    const { data } = await server.raw(
      server.tokenOf('blue'),
      `{ image(id: "${id}") { revision property(name: "os_distro") } }`,
    );
    expect(data.image).toEqual({ revision: 3, property: 'debian' });
  });
});

test('when definitions are off nothing is looked at, and they can be read all the same', async () => {
  const server = await aServer({ env: { VITRINE_METADEFS: 'off' } });
  try {
    const result = await create(server, { hw_cpu_cores: 'many' });
    expect(result).toMatchObject({ issues: [], image: { properties: [{ issues: [] }] } });
    const { data } = await server.raw(
      server.tokenOf('blue'),
      '{ images { nodes { properties { definition { type } } } } service { metadefMode } }',
    );
    expect(data.images.nodes[0].properties[0].definition).toEqual({ type: 'INTEGER' });
    expect(data.service.metadefMode).toBe('OFF');
  } finally {
    await server.stop();
  }
});

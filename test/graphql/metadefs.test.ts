/** Namespaces of metadata definitions over GraphQL: their rules, their parts, who sees and who writes them. */
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { aServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await aServer();
});
afterAll(() => server.stop());

const content = `properties { nodes { name title type enum minimum default } } objects { nodes { name required properties { nodes { name } } } }
  tags resourceTypes { prefix propertiesTarget resourceType { name } }`;
const whole = `id namespace displayName description visibility protected owner revision ${content}`;

/** Sends a mutation with an input; gives its result. */
async function write(field: string, input: object, token = server.tokenOf('admin')) {
  const type = field.charAt(0).toUpperCase() + field.slice(1);
  const payload = field.startsWith('delete') ? 'id' : `namespace { ${whole} }`;
  const { data, errors } = await server.raw(
    token,
    `mutation ($input: ${type}Input!) { ${field}(input: $input) { __typename ... on ${type}Payload { ${payload} }
      ... on Error { code message } ... on ConflictError { currentRevision }
      ${/^(remove|delete)/.test(field) ? '' : '... on ValidationError { issues { path code message } }'} } }`,
    { input },
  );
  expect(errors).toEqual([]);
  return data[field];
}

let count = 0;
/** A namespace of a new name. */
async function aNamespace(input: object = {}): Promise<string> {
  const namespace = `test-${++count}`;
  const made = await write('createMetadefNamespace', { namespace, ...input });
  expect(made.__typename).toBe('CreateMetadefNamespacePayload');
  return namespace;
}

async function read(namespace: string, token = server.tokenOf('admin')) {
  const { data, errors } = await server.raw(
    token,
    `query ($n: String!) { metadefNamespace(namespace: $n) { ${whole} } }`,
    {
      n: namespace,
    },
  );
  expect(errors).toEqual([]);
  return data.metadefNamespace;
}

const everything = {
  displayName: 'All',
  description: 'Everything in it.',
  visibility: 'PUBLIC',
  resourceTypes: [
    { resourceType: 'OS::Glance::Image', prefix: 'all_' },
    { resourceType: 'OS::Nova::Flavor' },
  ],
  properties: [
    { name: 'b', title: 'B', type: 'INTEGER', minimum: 1.5, default: { any: ['json'] } },
    { name: 'a', title: 'A', type: 'STRING', enum: ['x', 'y'] },
  ],
  objects: [{ name: 'o', required: ['p'], properties: [{ name: 'p', title: 'P', type: 'BOOLEAN' }] }],
  tags: ['t2', 't1'],
};

describe('a namespace', () => {
  test('is created with everything in it, and read as it was written', async () => {
    const namespace = await aNamespace(everything);
    expect(await read(namespace)).toMatchObject({
      namespace,
      displayName: 'All',
      visibility: 'PUBLIC',
      protected: false,
      owner: 'admin',
      revision: 1,
      properties: {
        nodes: [
          { name: 'a', enum: ['x', 'y'], minimum: null, default: null },
          { name: 'b', type: 'INTEGER', enum: null, minimum: 1.5, default: { any: ['json'] } },
        ],
      },
      objects: { nodes: [{ name: 'o', required: ['p'], properties: { nodes: [{ name: 'p' }] } }] },
      tags: ['t1', 't2'],
      resourceTypes: [
        { prefix: 'all_', resourceType: { name: 'OS::Glance::Image' } },
        { prefix: null, resourceType: { name: 'OS::Nova::Flavor' } },
      ],
    });
  });

  test('is private and of the own project when nothing else is said', async () => {
    expect(await read(await aNamespace())).toMatchObject({ visibility: 'PRIVATE', owner: 'admin', tags: [] });
  });

  test('keeps its id and what is in it when it is renamed', async () => {
    const namespace = await aNamespace(everything);
    const before = await read(namespace);
    const renamed = await write('updateMetadefNamespace', { namespace, rename: `${namespace}-new` });
    expect(renamed.namespace).toEqual({ ...before, namespace: `${namespace}-new`, revision: 2 });
    expect(await read(namespace)).toBeNull();
  });

  test('takes lists as a whole, and what stays the same keeps its id', async () => {
    const namespace = await aNamespace(everything);
    const ids = async () => {
      const { data } = await server.raw(
        server.tokenOf('admin'),
        `{ metadefNamespace(namespace: "${namespace}") { properties { nodes { id name updatedAt: id } } } }`,
      );
      return new Map<string, string>(
        data.metadefNamespace.properties.nodes.map((p: { id: string; name: string }) => [p.name, p.id]),
      );
    };
    const before = await ids();
    const updated = await write('updateMetadefNamespace', {
      namespace,
      properties: [
        { name: 'a', title: 'A', type: 'STRING', enum: ['x', 'y'] },
        { name: 'c', title: 'C', type: 'STRING' },
      ],
      tags: [],
    });
    expect(updated.namespace).toMatchObject({ revision: 2, tags: [], displayName: 'All' });
    expect(updated.namespace.objects.nodes).toHaveLength(1);
    const after = await ids();
    expect([...after.keys()]).toEqual(['a', 'c']);
    expect(after.get('a')).toBe(before.get('a'));
  });

  test('that is told what it says already stays at its revision', async () => {
    const namespace = await aNamespace(everything);
    const same = await write('updateMetadefNamespace', { namespace, ...everything });
    expect(same.namespace.revision).toBe(1);
  });

  test('loses displayName and description to null, and nothing else', async () => {
    const namespace = await aNamespace(everything);
    const cleared = await write('updateMetadefNamespace', {
      namespace,
      displayName: null,
      description: null,
    });
    expect(cleared.namespace).toMatchObject({ displayName: null, description: null, visibility: 'PUBLIC' });
    const refused = await write('updateMetadefNamespace', {
      namespace,
      visibility: null,
      tags: null,
      rename: null,
    });
    expect(refused.issues.map((issue: { path: string[] }) => issue.path.join('.')).sort()).toEqual([
      'input.rename',
      'input.tags',
      'input.visibility',
    ]);
  });

  test('is only changed at the revision that was read, when one is given', async () => {
    const namespace = await aNamespace();
    expect(
      await write('updateMetadefNamespace', { namespace, ifRevision: 7, displayName: 'x' }),
    ).toMatchObject({
      code: 'REVISION_MISMATCH',
      currentRevision: 1,
    });
    expect(await write('deleteMetadefNamespace', { namespace, ifRevision: 2 })).toMatchObject({
      code: 'REVISION_MISMATCH',
    });
    expect(await write('deleteMetadefNamespace', { namespace, ifRevision: 1 })).toMatchObject({
      __typename: 'DeleteMetadefNamespacePayload',
    });
  });

  test('takes everything in it along when it is deleted', async () => {
    const namespace = await aNamespace(everything);
    const { id } = await read(namespace);
    const gone = await write('deleteMetadefNamespace', { namespace });
    expect(gone).toEqual({ __typename: 'DeleteMetadefNamespacePayload', id });
    expect(await read(namespace)).toBeNull();
    const counts = await server.app.db.query<{ n: number }>(
      `select count(*)::int as n from metadef_properties p where not exists (
        select from metadef_namespaces n where n.id = p.namespace_id)`,
      [],
    );
    expect(counts[0]?.n).toBe(0);
  });

  test.each([
    ['deleteMetadefNamespace', {}],
    ['updateMetadefNamespace', { properties: [] }],
    ['updateMetadefNamespace', { objects: [{ name: 'o', properties: [] }] }],
    ['updateMetadefNamespace', { tags: ['t1'] }],
    ['updateMetadefNamespace', { resourceTypes: [] }],
    ['removeMetadefProperty', { name: 'a' }],
    ['removeMetadefObject', { name: 'o' }],
    ['removeMetadefTag', { tag: 't1' }],
    ['removeMetadefResourceTypeAssociation', { resourceType: 'OS::Nova::Flavor' }],
  ])('that is protected loses nothing by %s with %j', async (field, input) => {
    const namespace = await aNamespace({ ...everything, protected: true });
    expect(await write(field, { namespace, ...input })).toMatchObject({ code: 'PROTECTED' });
    expect(await read(namespace)).toMatchObject({ revision: 1, tags: ['t1', 't2'] });
  });

  test('that is protected can be added to, and can be made unprotected and emptied at once', async () => {
    const namespace = await aNamespace({ ...everything, protected: true });
    expect(await write('addMetadefTag', { namespace, tag: 't3' })).toMatchObject({
      namespace: { revision: 2 },
    });
    const emptied = await write('updateMetadefNamespace', {
      namespace,
      protected: false,
      tags: [],
      properties: [],
    });
    expect(emptied.namespace).toMatchObject({ protected: false, tags: [], properties: { nodes: [] } });
  });

  test('of a name that is taken is a conflict, whoever comes first of many at once', async () => {
    const namespace = `race-${++count}`;
    const results = await Promise.all(
      Array.from({ length: 8 }, (_, i) =>
        write('createMetadefNamespace', { namespace, displayName: `D${i}`, tags: [`t${i}`] }),
      ),
    );
    const won = results.filter((result) => result.namespace);
    expect(won).toHaveLength(1);
    for (const result of results) if (!result.namespace) expect(result.code).toBe('ALREADY_EXISTS');
    expect((await read(namespace)).tags).toHaveLength(1);
  });

  test('renamed to one that is taken is a conflict, and nothing is changed', async () => {
    const [one, other] = [await aNamespace(), await aNamespace()];
    expect(
      await write('updateMetadefNamespace', { namespace: one, rename: other, displayName: 'x' }),
    ).toMatchObject({
      code: 'ALREADY_EXISTS',
    });
    expect(await read(one)).toMatchObject({ displayName: null, revision: 1 });
  });

  test('grows by one revision for each of many changes at once', async () => {
    const namespace = await aNamespace();
    const added = await Promise.all(
      Array.from({ length: 12 }, (_, i) => write('addMetadefTag', { namespace, tag: `t${i}` })),
    );
    for (const result of added) expect(result.__typename).toBe('AddMetadefTagPayload');
    expect(await read(namespace)).toMatchObject({ revision: 13 });
  });
});

describe('what is wrong with an input', () => {
  const property = (more: object) => ({ properties: [{ name: 'p', title: 'P', type: 'STRING', ...more }] });

  test.each<[string, object, string]>([
    ['an empty name', { namespace: '' }, 'namespace'],
    ['a name of 81 characters', { namespace: 'n'.repeat(81) }, 'namespace'],
    ['a NUL', { namespace: 'n\0' }, 'namespace'],
    ['a display name of 81', { displayName: 'n'.repeat(81) }, 'displayName'],
    ['a description of 501', { description: 'n'.repeat(501) }, 'description'],
    ['an empty owner', { owner: '' }, 'owner'],
    ['a property without a name', property({ name: '' }), 'properties.0.name'],
    ['a property of a long name', property({ name: 'n'.repeat(81) }), 'properties.0.name'],
    [
      'a property twice',
      { properties: ['p', 'p'].map((name) => ({ name, title: 'P', type: 'STRING' })) },
      'properties.1',
    ],
    ['a pattern that looks ahead', property({ pattern: '(?!a)' }), 'properties.0.pattern'],
    ['a pattern that repeats too often', property({ pattern: '((a{99}){99}){99}' }), 'properties.0.pattern'],
    ['a pattern without end', property({ pattern: 'a'.repeat(1001) }), 'properties.0.pattern'],
    [
      'a pattern that becomes a large program',
      property({ pattern: '(.?){1000}'.repeat(3) }),
      'properties.0.pattern',
    ],
    ['a name that programs lose', property({ name: '__proto__' }), 'properties.0.name'],
    ['a range the wrong way round', property({ minLength: 3, maxLength: 2 }), 'properties.0.maxLength'],
    ['a negative length', property({ minLength: -1 }), 'properties.0.minLength'],
    ['an enum of nothing', property({ enum: [] }), 'properties.0.enum'],
    ['a $ref', property({ default: { $ref: '#/definitions/x' } }), 'properties.0.default'],
    [
      'a default that nests',
      property({ default: JSON.parse('['.repeat(30) + ']'.repeat(30)) }),
      'properties.0.default',
    ],
    ['a default that is large', property({ default: 'x'.repeat(20_000) }), 'properties.0.default'],
    [
      'an object that requires what it has not',
      { objects: [{ name: 'o', required: ['x'] }] },
      'objects.0.required.0',
    ],
    [
      'a wrong property of an object',
      { objects: [{ name: 'o', ...property({ title: '' }) }] },
      'objects.0.properties.0.title',
    ],
    ['an empty tag', { tags: ['a', ''] }, 'tags.1'],
    [
      'a resource type twice',
      { resourceTypes: [{ resourceType: 'a' }, { resourceType: 'a' }] },
      'resourceTypes.1',
    ],
    [
      'a prefix of 81',
      { resourceTypes: [{ resourceType: 'a', prefix: 'p'.repeat(81) }] },
      'resourceTypes.0.prefix',
    ],
  ])('is told with its path: %s', async (_name, input, path) => {
    const result = await write('createMetadefNamespace', { namespace: `bad-${++count}`, ...input });
    expect(result.code).toBe('INVALID_INPUT');
    expect(result.issues.map((issue: { path: string[] }) => issue.path.join('.'))).toEqual([`input.${path}`]);
  });

  test('is told all at once', async () => {
    const result = await write('createMetadefNamespace', {
      namespace: '',
      tags: [''],
      ...property({ title: '', enum: [] }),
    });
    expect(result.issues).toHaveLength(4);
  });
});

describe('one part of a namespace', () => {
  const property = { name: 'p', title: 'P', type: 'STRING' };

  test('is added, changed, renamed and removed, and the others stay', async () => {
    const namespace = await aNamespace(everything);
    const added = await write('addMetadefProperty', { namespace, property });
    expect(added.namespace).toMatchObject({ revision: 2 });
    const changed = await write('updateMetadefProperty', {
      namespace,
      name: 'p',
      property: { name: 'q', title: 'Q', type: 'INTEGER' },
    });
    expect(changed.namespace.properties.nodes.map((p: { name: string }) => p.name)).toEqual(['a', 'b', 'q']);
    const removed = await write('removeMetadefProperty', { namespace, name: 'q', ifRevision: 3 });
    expect(removed.namespace).toMatchObject({ revision: 4 });
    expect(removed.namespace.properties.nodes).toHaveLength(2);
  });

  test('of an object follows its name in what the object requires', async () => {
    const namespace = await aNamespace(everything);
    const at = { namespace, object: 'o' };
    const renamed = await write('updateMetadefProperty', {
      ...at,
      name: 'p',
      property: { ...property, name: 'r' },
    });
    expect(renamed.namespace.objects.nodes[0]).toMatchObject({
      required: ['r'],
      properties: { nodes: [{ name: 'r' }] },
    });
    await write('addMetadefProperty', { ...at, property });
    const removed = await write('removeMetadefProperty', { ...at, name: 'r' });
    expect(removed.namespace.objects.nodes[0]).toMatchObject({
      required: [],
      properties: { nodes: [{ name: 'p' }] },
    });
  });

  test('may have the name of one in an object, and of one in another namespace', async () => {
    const namespace = await aNamespace(everything);
    expect(await write('addMetadefProperty', { namespace, property })).toMatchObject({
      namespace: { revision: 2 },
    });
  });

  test('an object is added, said anew, and removed with what is in it', async () => {
    const namespace = await aNamespace();
    const object = { name: 'x', description: 'X.', required: ['p'], properties: [property] };
    expect(await write('addMetadefObject', { namespace, object })).toMatchObject({
      namespace: {
        objects: { nodes: [{ name: 'x', required: ['p'], properties: { nodes: [{ name: 'p' }] } }] },
      },
    });
    expect(
      await write('updateMetadefObject', { namespace, name: 'x', object: { name: 'y', properties: [] } }),
    ).toMatchObject({
      namespace: { objects: { nodes: [{ name: 'y', required: [], properties: { nodes: [] } }] } },
    });
    expect(await write('removeMetadefObject', { namespace, name: 'y' })).toMatchObject({
      namespace: { objects: { nodes: [] }, revision: 4 },
    });
  });

  test('a tag is added, renamed and removed', async () => {
    const namespace = await aNamespace({ tags: ['a'] });
    expect((await write('addMetadefTag', { namespace, tag: 'b' })).namespace.tags).toEqual(['a', 'b']);
    expect((await write('renameMetadefTag', { namespace, tag: 'b', rename: 'c' })).namespace.tags).toEqual([
      'a',
      'c',
    ]);
    expect((await write('removeMetadefTag', { namespace, tag: 'a' })).namespace.tags).toEqual(['c']);
  });

  test('an association is added, said otherwise, and taken back', async () => {
    const namespace = await aNamespace();
    const field = (verb: string) => `${verb}MetadefResourceTypeAssociation`;
    const at = { namespace, resourceType: 'Some::New::Type' };
    const of = (result: { namespace: { resourceTypes: object[] } }) => result.namespace.resourceTypes;
    expect(of(await write(field('add'), { ...at, prefix: 'x_' }))).toMatchObject([{ prefix: 'x_' }]);
    expect(of(await write(field('update'), { ...at, propertiesTarget: 'image' }))).toMatchObject([
      { prefix: null, propertiesTarget: 'image' },
    ]);
    expect(of(await write(field('remove'), at))).toEqual([]);
  });

  const missing = { namespace: 'nobody-has-this' };
  test.each<[string, object]>([
    ['addMetadefProperty', { ...missing, property }],
    ['updateMetadefProperty', { name: 'nope', property }],
    ['updateMetadefProperty', { object: 'nope', name: 'p', property }],
    ['removeMetadefProperty', { name: 'nope\0' }],
    ['removeMetadefProperty', { object: 'o', name: 'a' }],
    ['updateMetadefObject', { name: 'nope', object: { name: 'x' } }],
    ['removeMetadefObject', { name: 'nope' }],
    ['renameMetadefTag', { tag: 'nope', rename: 'x' }],
    ['removeMetadefTag', { tag: '\ud800' }],
    ['updateMetadefResourceTypeAssociation', { resourceType: 'nope' }],
    ['removeMetadefResourceTypeAssociation', { resourceType: 'nope' }],
    ['updateMetadefNamespace', { ...missing, rename: 'x' }],
    ['deleteMetadefNamespace', { namespace: 'a\0b' }],
  ])('that is not there is not found: %s with %j', async (field, input) => {
    const namespace = await aNamespace(everything);
    expect(await write(field, { namespace, ...input })).toMatchObject({ code: 'NOT_FOUND' });
    expect((await read(namespace)).revision).toBe(1);
  });

  test.each<[string, object]>([
    ['addMetadefProperty', { property: { ...property, name: 'a' } }],
    ['addMetadefProperty', { object: 'o', property }],
    ['updateMetadefProperty', { name: 'a', property: { ...property, name: 'b' } }],
    ['addMetadefObject', { object: { name: 'o' } }],
    ['addMetadefTag', { tag: 't1' }],
    ['renameMetadefTag', { tag: 't1', rename: 't2' }],
    ['addMetadefResourceTypeAssociation', { resourceType: 'OS::Nova::Flavor' }],
  ])('of a name that is taken is a conflict: %s with %j', async (field, input) => {
    const namespace = await aNamespace(everything);
    expect(await write(field, { namespace, ...input })).toMatchObject({ code: 'ALREADY_EXISTS' });
    expect((await read(namespace)).revision).toBe(1);
  });
});

describe('who sees and who writes', () => {
  const names = async (token: string) => {
    const { data } = await server.raw(
      token,
      '{ metadefNamespaces(where: { namespace: { startsWith: "see-" } }) { totalCount nodes { namespace } } }',
    );
    const found = data.metadefNamespaces.nodes.map((n: { namespace: string }) => n.namespace);
    expect(data.metadefNamespaces.totalCount).toBe(found.length);
    return found;
  };

  beforeAll(async () => {
    await write('createMetadefNamespace', { namespace: 'see-public', visibility: 'PUBLIC' });
    const red = { visibility: 'PRIVATE', owner: 'red' };
    const secret = { name: 'secret_property', title: 'Secret title', type: 'STRING', enum: ['secret-value'] };
    await write('createMetadefNamespace', {
      namespace: 'see-red',
      ...red,
      displayName: 'secret words',
      properties: [secret],
      objects: [{ name: 'secret_object', properties: [secret] }],
      tags: ['secret-tag'],
      resourceTypes: [
        { resourceType: 'Secret::Type' },
        { resourceType: 'OS::Glance::Image', prefix: 'red_' },
      ],
    });
  });

  test('private ones are of their project, and an admin sees all', async () => {
    expect(await names(server.tokenOf('blue'))).toEqual(['see-public']);
    expect(await names(server.tokenOf('red'))).toEqual(['see-public', 'see-red']);
    expect(await names(server.tokenOf('red', 'reader'))).toEqual(['see-public', 'see-red']);
    expect(await names(server.tokenOf('admin'))).toEqual(['see-public', 'see-red']);
  });

  test.each<[string, object]>([
    ['createMetadefNamespace', { namespace: 'see-mine' }],
    ['updateMetadefNamespace', { namespace: 'see-red', displayName: 'x' }],
    ['deleteMetadefNamespace', { namespace: 'see-red' }],
    ['addMetadefTag', { namespace: 'see-public', tag: 'x' }],
    ['removeMetadefProperty', { namespace: 'see-red', name: 'secret_property' }],
  ])('only an admin writes: %s', async (field, input) => {
    expect(await write(field, input, server.tokenOf('red'))).toMatchObject({ code: 'FORBIDDEN' });
  });

  test('without a token nothing is read', async () => {
    for (const query of [
      '{ metadefNamespaces { totalCount } }',
      '{ metadefNamespace(namespace: "see-public") { id } }',
      '{ metadefResourceTypes { name } }',
      '{ node(id: "MetadefResourceType:OS::Glance::Image") { id } }',
    ]) {
      const { errors } = await server.raw(null, query);
      expect(errors[0]?.extensions.code).toBe('UNAUTHENTICATED');
    }
  });

  test('what is private to another project is not there, whatever is asked', async () => {
    const token = server.tokenOf('admin');
    const { data } = await server.raw(
      token,
      `{ metadefNamespace(namespace: "see-red") { id properties { nodes { id } } objects { nodes { id properties { nodes { id } } } } } }`,
    );
    const { id, properties, objects } = data.metadefNamespace;
    const ids = [id, properties.nodes[0].id, objects.nodes[0].id, objects.nodes[0].properties.nodes[0].id];
    const result = '{ __typename ... on Error { code message } }';
    const questions = (n: string, nodes: string[]) => [
      `{ metadefNamespace(namespace: "${n}") { id } }`,
      ...nodes.map((node) => `{ node(id: "${node}") { id } }`),
      `{ node(id: "MetadefResourceType:${n === 'see-red' ? 'Secret::Type' : 'No::Type'}") { id } }`,
      `{ metadefNamespaces(where: { namespace: { eq: "${n}" } }) { totalCount nodes { id } } }`,
      `{ metadefNamespaces(where: { freeText: "${n === 'see-red' ? 'secret_property' : 'nobody_says_this'}" }) { totalCount nodes { id } } }`,
      `{ metadefNamespaces(where: { owner: { eq: "${n === 'see-red' ? 'red' : 'nobody'}" } }) { totalCount nodes { id } } }`,
      `{ metadefNamespaces(where: { resourceType: { eq: "${n === 'see-red' ? 'Secret::Type' : 'No::Type'}" } }) { totalCount } }`,
      `mutation { updateMetadefNamespace(input: { namespace: "${n}", displayName: "x" }) ${result} }`,
      `mutation { deleteMetadefNamespace(input: { namespace: "${n}" }) ${result} }`,
      `mutation { addMetadefTag(input: { namespace: "${n}", tag: "x" }) ${result} }`,
    ];
    const unknown = ids.map((one: string) => one.replace(/:.*/, ':00000000-0000-4000-8000-000000000000'));
    const answers = async (list: string[], n: string) =>
      Promise.all(
        list.map(async (text) => {
          const { status, data: answer, errors } = await server.raw(server.tokenOf('blue'), text);
          return JSON.stringify({ status, answer, errors }).replaceAll(n, 'NAME');
        }),
      );
    const foreign = await answers(questions('see-red', ids), 'see-red');
    expect(foreign).toEqual(await answers(questions('see-none', unknown), 'see-none'));
    const { data: types } = await server.raw(
      server.tokenOf('blue'),
      '{ metadefResourceTypes { name namespaces { totalCount } } }',
    );
    expect(JSON.stringify(types)).not.toContain('Secret');
    const image = types.metadefResourceTypes.find(
      (type: { name: string }) => type.name === 'OS::Glance::Image',
    );
    const { data: own } = await server.raw(
      server.tokenOf('red'),
      '{ metadefResourceTypes { name namespaces { totalCount } } }',
    );
    const ownImage = own.metadefResourceTypes.find(
      (type: { name: string }) => type.name === 'OS::Glance::Image',
    );
    expect(ownImage.namespaces.totalCount).toBe(image.namespaces.totalCount + 1);
  });
});

describe('lists', () => {
  test('find by every condition, and by words in names and titles inside, with prefix or without', async () => {
    await write('createMetadefNamespace', {
      namespace: 'find-me',
      displayName: 'Überschrift',
      visibility: 'PUBLIC',
      protected: true,
      resourceTypes: [{ resourceType: 'Find::Type', prefix: 'fm_' }],
      properties: [{ name: 'wheel_count', title: 'How many 100% wheels', type: 'INTEGER' }],
      objects: [{ name: 'Chassis' }],
      tags: ['Vehicle'],
    });
    const find = async (where: string) => {
      const { data, errors } = await server.raw(
        server.tokenOf('blue'),
        `{ metadefNamespaces(where: ${where}) { nodes { namespace } } }`,
      );
      expect(errors).toEqual([]);
      return data.metadefNamespaces.nodes.map((n: { namespace: string }) => n.namespace);
    };
    for (const words of [
      'überSCHRIFT',
      'fm_wheel',
      'wheel_count',
      '100%',
      'chassis vehicle',
      '\\"many 100%\\"',
    ]) {
      expect(await find(`{ freeText: "${words}" }`)).toEqual(['find-me']);
    }
    expect(await find('{ freeText: "chassis nothing" }')).toEqual([]);
    expect(await find('{ freeText: "100_" }')).toEqual([]);
    expect(await find('{ resourceType: { eq: "Find::Type" } }')).toEqual(['find-me']);
    expect(await find('{ protected: true, namespace: { matches: "^find-" } }')).toEqual(['find-me']);
    expect(
      await find(
        '{ and: [{ namespace: { startsWith: "find" } }, { not: { visibility: { eq: PRIVATE } } }] }',
      ),
    ).toEqual(['find-me']);
    expect(await find('{ namespace: { eq: "FIND-ME", ignoreCase: true } }')).toEqual(['find-me']);
    expect(await find('{ or: [] }')).toEqual([]);
    expect(await find('{ namespace: { startsWith: "find" }, owner: { isNull: true } }')).toEqual([]);
    expect(await find('{ namespace: { startsWith: "find" }, not: { owner: { eq: "x" } } }')).toEqual([
      'find-me',
    ]);
  });

  test('refuse a bad regular expression, a null operand and a forged cursor', async () => {
    for (const [args, code] of [
      ['where: { namespace: { matches: "(" } }', 'BAD_USER_INPUT'],
      ['where: { namespace: { eq: null } }', 'BAD_USER_INPUT'],
      ['after: "forged"', 'BAD_CURSOR'],
      ['first: 1001', 'BAD_USER_INPUT'],
    ]) {
      const { data, errors } = await server.raw(
        server.tokenOf('blue'),
        `{ metadefNamespaces(${args}) { totalCount } }`,
      );
      expect(data.metadefNamespaces).toBeNull();
      expect(errors[0]?.extensions.code).toBe(code);
    }
  });

  test.each([
    ['NAMESPACE', 'ASC'],
    ['NAMESPACE', 'DESC'],
    ['CREATED_AT', 'DESC'],
    ['UPDATED_AT', 'ASC'],
  ])('by %s %s are walked in pages, in both directions, without a gap', async (field, direction) => {
    const page = async (args: string) => {
      const { data } = await server.raw(
        server.tokenOf('admin'),
        `{ metadefNamespaces(orderBy: [{ field: ${field}, direction: ${direction} }], ${args}) {
          totalCount nodes { namespace } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } }`,
      );
      return data.metadefNamespaces;
    };
    const all = await page('first: 1000');
    const forward: string[] = [];
    for (let after: string | null = null; ; ) {
      const one = await page(`first: 7 ${after ? `after: "${after}"` : ''}`);
      expect(one.pageInfo.hasPreviousPage).toBe(after !== null);
      forward.push(...one.nodes.map((n: { namespace: string }) => n.namespace));
      after = one.pageInfo.endCursor;
      if (!one.pageInfo.hasNextPage) break;
    }
    expect(forward).toEqual(all.nodes.map((n: { namespace: string }) => n.namespace));
    expect(forward).toHaveLength(all.totalCount);
    const backward: string[] = [];
    for (let before: string | null = null; ; ) {
      const one = await page(`last: 9 ${before ? `before: "${before}"` : ''}`);
      expect(one.pageInfo.hasNextPage).toBe(before !== null);
      backward.unshift(...one.nodes.map((n: { namespace: string }) => n.namespace));
      before = one.pageInfo.startCursor;
      if (!one.pageInfo.hasPreviousPage) break;
    }
    expect(backward).toEqual(forward);
  });
});

test('a namespace with 1,000 properties is written at once, paged in both directions, and looked into by name', async () => {
  const properties = Array.from({ length: 1_000 }, (_, i) => ({
    name: `p${String(i).padStart(4, '0')}`,
    title: `Property ${i}`,
    type: 'STRING',
    enum: ['a', 'b'],
  }));
  const namespace = await aNamespace({ properties });
  const page = async (args: string) => {
    const { data } = await server.raw(
      server.tokenOf('admin'),
      `{ metadefNamespace(namespace: "${namespace}") { property(name: "p0777") { title } properties(${args}) {
        totalCount nodes { name } pageInfo { hasNextPage hasPreviousPage startCursor endCursor } } } }`,
    );
    expect(data.metadefNamespace.property.title).toBe('Property 777');
    return data.metadefNamespace.properties;
  };
  const found: string[] = [];
  for (let after: string | null = null; ; ) {
    const one = await page(`first: 300 ${after ? `after: "${after}"` : ''}`);
    expect(one.totalCount).toBe(1_000);
    expect(one.pageInfo.hasPreviousPage).toBe(after !== null);
    found.push(...one.nodes.map((p: { name: string }) => p.name));
    after = one.pageInfo.endCursor;
    if (!one.pageInfo.hasNextPage) break;
  }
  expect(found).toEqual(properties.map(({ name }) => name));
  const last = await page('last: 2');
  expect(last.nodes.map((p: { name: string }) => p.name)).toEqual(['p0998', 'p0999']);
  expect(last.pageInfo).toMatchObject({ hasNextPage: false, hasPreviousPage: true });
  const before = await page(`last: 1000 before: "${last.pageInfo.startCursor}"`);
  expect(before.nodes).toHaveLength(998);
  expect(before.pageInfo).toMatchObject({ hasNextPage: true, hasPreviousPage: false });
});

test('every node is found again by its id, with what it belongs to', async () => {
  const namespace = await aNamespace(everything);
  const { data } = await server.raw(
    server.tokenOf('admin'),
    `{ metadefNamespace(namespace: "${namespace}") { id properties { nodes { id } } objects { nodes { id } }
      resourceTypes { resourceType { id } } } }`,
  );
  const { id, properties, objects, resourceTypes } = data.metadefNamespace;
  const ids = [id, properties.nodes[0].id, objects.nodes[0].id, resourceTypes[0].resourceType.id];
  const { data: found } = await server.raw(
    server.tokenOf('admin'),
    `query ($ids: [ID!]!) { nodes(ids: $ids) { __typename id
      ... on MetadefNamespace { namespace } ... on MetadefProperty { of: namespace { namespace } object { name } nameOn }
      ... on MetadefObject { of: namespace { namespace } } ... on MetadefResourceType { name } } }`,
    { ids: [...ids, 'MetadefProperty:x', 'MetadefNamespace:\0', 'MetadefResourceType:\ud800'] },
  );
  expect(found.nodes).toEqual([
    { __typename: 'MetadefNamespace', id: ids[0], namespace },
    { __typename: 'MetadefProperty', id: ids[1], of: { namespace }, object: null, nameOn: 'all_a' },
    { __typename: 'MetadefObject', id: ids[2], of: { namespace } },
    { __typename: 'MetadefResourceType', id: ids[3], name: 'OS::Glance::Image' },
    null,
    null,
    null,
  ]);
});

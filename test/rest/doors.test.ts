/**
 * The same done by REST and by GraphQL: one project writes by one door, another by the other, and what is left and
 * what is listed is the same. What fails is printed with its seed, and as small as it can be made.
 */
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { rest, v21 } from '../support/rest.ts';
import { aServer, type TestServer } from '../support/server.ts';
import { sized } from '../support/size.ts';

let server: TestServer;
beforeAll(async () => {
  server = await aServer();
});
afterAll(() => server.stop());

/** Whoever writes by REST, and by GraphQL. */
const [byRest, byGraphql] = ['blue', 'green'] as const;

interface Fields {
  name?: string | null;
  visibility?: string;
  protected?: boolean;
  hidden?: boolean;
  minDisk?: number;
  minRam?: number;
  diskFormat?: string | null;
  tags?: string[];
}

const fields: fc.Arbitrary<Fields> = fc.record(
  {
    name: fc.constantFrom('a', 'b', 'b', '', null, '🐘', 'x'.repeat(255), 'x'.repeat(256)),
    visibility: fc.constantFrom('private', 'private', 'shared', 'community', 'public'),
    protected: fc.boolean(),
    hidden: fc.constantFrom(false, false, true),
    minDisk: fc.constantFrom(0, 1, 2 ** 31 - 1, -1),
    minRam: fc.constantFrom(0, 64, 128),
    diskFormat: fc.constantFrom('raw', 'qcow2', null),
    tags: fc.constantFrom([], ['t'], ['t', 'u', 't'], ['x'.repeat(256)]),
  },
  { requiredKeys: [] },
);

const word = fc.constantFrom('t', 'u', 'os_distro', 'weird "name"', '__proto__', 'os_glance_x', 'size');
const value = fc.constantFrom('', 'debian', '12', '{"a": [1]}');
/** Which of the images there are. */
const which = fc.nat({ max: 5 });

type Step =
  | { do: 'create'; fields: Fields; properties: Record<string, string> }
  | { do: 'update'; which: number; fields: Fields }
  | { do: 'setProperty'; which: number; name: string; value: string }
  | { do: 'removeProperty' | 'addTag' | 'removeTag'; which: number; name: string }
  | { do: 'upload' | 'deactivate' | 'reactivate' | 'delete' | 'share' | 'unshare'; which: number }
  | { do: 'answer'; which: number; status: string };

const step: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    do: fc.constant('create' as const),
    fields,
    properties: fc.dictionary(fc.constantFrom('os_distro', 'a_b'), value, { maxKeys: 2 }),
  }),
  fc.record({ do: fc.constant('update' as const), which, fields }),
  fc.record({ do: fc.constant('setProperty' as const), which, name: word, value }),
  fc.record({ do: fc.constantFrom('removeProperty', 'addTag', 'removeTag'), which, name: word }),
  fc.record({
    do: fc.constantFrom('upload', 'deactivate', 'reactivate', 'delete', 'share', 'unshare'),
    which,
  }),
  fc.record({
    do: fc.constant('answer' as const),
    which,
    status: fc.constantFrom('accepted', 'rejected', 'pending'),
  }),
);

/** How a step ended: done, or why not, as both doors can say it. */
type End = 'done' | 'invalid' | 'missing' | 'forbidden' | 'conflict' | 'too much';

/** An image, by its ids at both doors. */
interface Pair {
  rest: string;
  graphql: string;
}

const endOfStatus = (status: number): End => {
  const known: Record<number, End> = {
    400: 'invalid',
    403: 'forbidden',
    404: 'missing',
    409: 'conflict',
    413: 'too much',
  };
  return status < 300 ? 'done' : (known[status] ?? (`HTTP ${status}` as End));
};

const v2Names: Record<string, string> = {
  hidden: 'os_hidden',
  minDisk: 'min_disk',
  minRam: 'min_ram',
  diskFormat: 'disk_format',
};
const inV2 = (given: Fields) =>
  Object.entries(given).map(([name, held]) => [v2Names[name] ?? name, held] as const);

async function viaRest(what: Step, id: string): Promise<{ end: End; id: string }> {
  const call = (method: string, below = '', json?: unknown, as: string = byRest) =>
    rest(server, `${method} /v2/images${below}`, {
      as,
      json,
      ...(method === 'PATCH' && { headers: { 'content-type': v21 } }),
    });
  const patch = (...operations: object[]) => call('PATCH', `/${id}`, operations);
  const pointer = (name: string) => `/${name.replaceAll('~', '~0').replaceAll('/', '~1')}`;
  const run = () => {
    switch (what.do) {
      case 'create':
        return call('POST', '', {
          ...Object.fromEntries(inV2(what.fields)),
          ...what.properties,
          container_format: 'bare',
        });
      case 'update':
        return patch(
          ...inV2(what.fields).map(([name, held]) => ({ op: 'replace', path: pointer(name), value: held })),
        );
      case 'setProperty':
        return patch({ op: 'add', path: pointer(what.name), value: what.value });
      case 'removeProperty':
        return patch({ op: 'remove', path: pointer(what.name) });
      case 'addTag':
        return call('PUT', `/${id}/tags/${encodeURIComponent(what.name)}`);
      case 'removeTag':
        return call('DELETE', `/${id}/tags/${encodeURIComponent(what.name)}`);
      case 'upload':
        return put(id, byRest);
      case 'delete':
        return call('DELETE', `/${id}`);
      case 'share':
        return call('POST', `/${id}/members`, { member: 'red' });
      case 'unshare':
        return call('DELETE', `/${id}/members/red`);
      case 'answer':
        return call('PUT', `/${id}/members/red`, { status: what.status }, 'red');
      default:
        return call('POST', `/${id}/actions/${what.do}`);
    }
  };
  const { status, body } = await run();
  return { end: endOfStatus(status), id: what.do === 'create' ? body.id : id };
}

const put = (id: string, as: string) =>
  rest(server, `PUT /v2/images/${id}/file`, {
    as,
    headers: { 'content-type': 'application/octet-stream' },
    body: 'bytes',
  });

const enumerated = (given: Fields) => ({
  ...given,
  ...(given.visibility && { visibility: given.visibility.toUpperCase() }),
  ...(given.diskFormat && { diskFormat: given.diskFormat.toUpperCase() }),
});

async function viaGraphql(what: Step, id: string): Promise<{ end: End; id: string }> {
  if (what.do === 'upload') return { end: endOfStatus((await put(id, byGraphql)).status), id };
  const [field, input, as] = mutationOf(what, id);
  const type = `${field[0]?.toUpperCase()}${field.slice(1)}`;
  const created = field === 'createImage' ? '... on CreateImagePayload { image { id } }' : '';
  const text = `mutation ($input: ${type}Input!) {
    ${field}(input: $input) { __typename ${created} ... on Error { code message } }
  }`;
  const { data, errors } = await server.raw(server.tokenOf(as ?? byGraphql), text, { input });
  expect([text, errors]).toEqual([text, []]);
  const result = data[field];
  const ends: Record<string, End> = {
    ValidationError: 'invalid',
    NotFoundError: 'missing',
    ForbiddenError: 'forbidden',
    ConflictError: 'conflict',
    QuotaExceededError: 'too much',
  };
  return { end: ends[result.__typename] ?? 'done', id: result.image?.id ?? id };
}

function mutationOf(
  what: Exclude<Step, { do: 'upload' }>,
  id: string,
): [field: string, input: object, as?: string] {
  const member = { imageId: id, project: 'red' };
  switch (what.do) {
    case 'create': {
      const properties = Object.entries(what.properties).map(([name, held]) => ({ name, value: held }));
      return ['createImage', { ...enumerated(what.fields), properties, containerFormat: 'BARE' }];
    }
    case 'update':
      return ['updateImage', { id, ...enumerated(what.fields) }];
    case 'setProperty':
      return ['updateImage', { id, setProperties: [{ name: what.name, value: what.value }] }];
    case 'removeProperty':
      return ['updateImage', { id, removeProperties: [what.name] }];
    case 'addTag':
      return ['updateImage', { id, addTags: [what.name] }];
    case 'removeTag':
      return ['updateImage', { id, removeTags: [what.name] }];
    case 'delete':
      return ['deleteImage', { id }];
    case 'share':
      return ['addImageMember', member];
    case 'unshare':
      return ['removeImageMember', member];
    case 'answer':
      return ['respondToImageShare', { ...member, status: what.status.toUpperCase() }, 'red'];
    default:
      return [`${what.do}Image`, { id }];
  }
}

/** Where /v2 has a code of its own for the same refusal, on purpose (docs/compatibility.md). */
function isSameEnd(what: Step, viaOne: End, viaOther: End): boolean {
  if (viaOne === viaOther) return true;
  const isForbidden = viaOne === 'forbidden';
  // The names of a patch are looked at before the image is looked for.
  const isReserved = 'name' in what && /^(size|os_glance)/.test(what.name);
  if (isForbidden && viaOther === 'missing') return isReserved;
  // A name that nobody may write; what is protected, not shared, without data, or has its formats fixed.
  if (isForbidden && viaOther === 'invalid') return 'name' in what;
  if (isForbidden && viaOther === 'conflict') return true;
  // What is not there to be taken away is no error of GraphQL.
  if (what.do === 'removeTag') return viaOne === 'missing' && viaOther === 'done';
  return what.do === 'removeProperty' && viaOne === 'conflict' && viaOther === 'done';
}

/** All that both doors show of an image, without what tells the two apart. */
async function stateBy(project: string, id: string) {
  const { status, body } = await rest(server, `GET /v2/images/${id}`, { as: project });
  const { data } = await server.raw(
    server.tokenOf(project),
    `query ($id: ID!) { image(id: $id) {
      name kind status visibility diskFormat containerFormat size minDisk minRam checksum protected hidden tags
      revision properties { name value } digests { algorithm } members(first: 10) { nodes { project status } }
    } }`,
    { id },
  );
  const { id: _id, owner, self, file, created_at, updated_at, ...shown } = status === 200 ? body : { status };
  return { shown, image: data.image };
}

/** The same question at both doors. */
const questions: { query: string; args: string }[] = [
  { query: '', args: '' },
  {
    query: 'sort=name:asc',
    args: 'orderBy: [{field: NAME, direction: ASC}, {field: CREATED_AT, direction: ASC}]',
  },
  {
    query: 'sort=status:desc,name:asc',
    args: 'orderBy: [{field: STATUS, direction: DESC}, {field: NAME, direction: ASC}, {field: CREATED_AT, direction: DESC}]',
  },
  { query: 'name=b', args: 'where: {name: {eq: "b"}}' },
  { query: 'name=in:a,b', args: 'where: {name: {in: ["a", "b"]}}' },
  { query: 'tag=t&tag=u', args: 'where: {tags: {hasAll: ["t", "u"]}}' },
  { query: 'os_distro=debian', args: 'where: {properties: [{name: "os_distro", text: {eq: "debian"}}]}' },
  { query: 'os_hidden=true', args: 'where: {hidden: true}' },
  { query: 'visibility=community', args: 'where: {visibility: {eq: COMMUNITY}}' },
  { query: 'visibility=all', args: 'include: [COMMUNITY]' },
  { query: 'min_ram_min=100&protected=false', args: 'where: {minRam: {gte: 100}, protected: false}' },
  { query: 'size_max=5&disk_format=raw', args: 'where: {size: {lte: 5}, diskFormat: {eq: RAW}}' },
];

async function listsBy(pairs: readonly Pair[]): Promise<void> {
  const nameOf = (side: keyof Pair, id: string) => pairs.findIndex((pair) => pair[side] === id);
  for (const { query, args } of questions) {
    const { body } = await rest(server, `GET /v2/images?limit=1000&${query}`, { as: byRest });
    const { data, errors } = await server.raw(
      server.tokenOf(byGraphql),
      `{ images(first: 1000${args && `, ${args}`}) { nodes { id } } }`,
    );
    expect(errors).toEqual([]);
    const isOurs = (n: number) => n >= 0;
    const viaRestList = body.images.map(({ id }: { id: string }) => nameOf('rest', id)).filter(isOurs);
    const viaGraphqlList = data.images.nodes
      .map(({ id }: { id: string }) => nameOf('graphql', id))
      .filter(isOurs);
    expect([query, viaRestList]).toEqual([query, viaGraphqlList]);
  }
}

test(
  'the same steps by REST and by GraphQL end alike, leave the same images and the same lists',
  async () => {
    const lives = fc.asyncProperty(fc.array(step, { minLength: 10, maxLength: 30 }), async (steps) => {
      const pairs: Pair[] = [];
      for (const what of steps) {
        const at = what.do === 'create' ? pairs.length : what.which % Math.max(1, pairs.length);
        const pair = pairs[at];
        if (what.do !== 'create' && !pair) continue;
        const one = await viaRest(what, pair?.rest ?? '');
        const other = await viaGraphql(what, pair?.graphql ?? '');
        if (!isSameEnd(what, one.end, other.end)) expect([what, one.end]).toEqual([what, other.end]);
        if (what.do === 'create' && one.end === 'done') pairs.push({ rest: one.id, graphql: other.id });
      }
      for (const pair of pairs) {
        expect(await stateBy(byRest, pair.rest)).toEqual(await stateBy(byGraphql, pair.graphql));
      }
      await listsBy(pairs);
    });
    await fc.assert(lives, { numRuns: sized({ quick: 1, ci: 8, full: 2_000 }) });
  },
  sized({ quick: 90_000, ci: 300_000, full: 8 * 3_600_000 }),
);

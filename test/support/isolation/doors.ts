/**
 * The doors of the service, and what can be asked at each, by the rule of the policy that decides about it. A new door
 * is one more entry of `doors`; a rule that no door asks is told by the matrix.
 */
import type { RuleName } from '../../../src/domain/policy-rules.ts';
import type { TestServer } from '../server.ts';
import { askHttp, type HttpQuestion, isThingMissing } from './ask-http.ts';
import type { Verdict } from './oracle.ts';
import { restDoor } from './rest-door.ts';
import type { Thing } from './world.ts';

export interface Reply {
  verdict: Verdict;
  /** Everything that comes back, which differs in nothing from what comes back about a missing thing. */
  whole: string;
}

export interface Question {
  door: string;
  rule: RuleName;
  /** What is asked, where a door asks several things by one rule. */
  name: string;
  /** `project` is that of the token. */
  ask(server: TestServer, token: string | null, thing: Thing, project: string | null): Promise<Reply>;
}

/** What it changes, where it is let through, is no longer what it was. */
export const changes = (rule: RuleName) => !/^(get|download|fetch|tasks_api|stores_info)_/.test(rule);

async function askGraphql(server: TestServer, token: string | null, query: string): Promise<Reply> {
  const { text, whole } = await askHttp(server, token, {
    path: '/graphql',
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ query }),
  });
  const { data, errors } = JSON.parse(text);
  const code = errors?.[0]?.extensions?.code;
  if (code === 'UNAUTHENTICATED') return { verdict: 'unauthenticated', whole };
  if (code === 'FORBIDDEN') return { verdict: 'forbidden', whole };
  if (errors) throw new Error(`${query} is answered with ${text}`);
  const [found] = Object.values(data) as [
    { __typename?: string; code?: string; message?: string } | unknown[] | null,
  ];
  if (found === null || (Array.isArray(found) && found.every((one) => one === null))) {
    return { verdict: 'missing', whole };
  }
  const { code: failure, message = '' } = found as { code?: string; message?: string };
  if (failure === 'NOT_FOUND' && isThingMissing(message)) return { verdict: 'missing', whole };
  return { verdict: failure === 'FORBIDDEN' ? 'forbidden' : 'through', whole };
}

const graphql = (rule: RuleName, query: (thing: Thing) => string): Question => ({
  door: 'graphql',
  rule,
  name: query({ id: '', task: '', token: '', namespace: '' } as Thing)
    .replace(/\s+/g, ' ')
    .slice(0, 60),
  ask: (server, token, thing) => askGraphql(server, token, query(thing)),
});

const mutation = (rule: RuleName, field: string, input: (thing: Thing) => string): Question =>
  graphql(
    rule,
    (thing) => `mutation { ${field}(input: {${input(thing)}}) { __typename ... on Error { code message } } }`,
  );

const base64 = (text: string) => Buffer.from(text).toString('base64');

async function askBytes(server: TestServer, token: string | null, question: HttpQuestion): Promise<Reply> {
  const { status, whole } = await askHttp(server, token, question);
  if (status === 401) return { verdict: 'unauthenticated', whole };
  if (status === 404) return { verdict: 'missing', whole };
  return { verdict: status === 403 ? 'forbidden' : 'through', whole };
}

const bytes = (rule: RuleName, name: string, request: (thing: Thing) => HttpQuestion) => ({
  door: 'bytes',
  rule,
  name,
  ask: (server: TestServer, token: string | null, thing: Thing) => askBytes(server, token, request(thing)),
});

const file = (id: string, to = 'file') => `/v2/images/${id}/${to}`;
const send = (id: string, to: string) => ({
  path: file(id, to),
  method: 'PUT',
  headers: { 'content-type': 'application/octet-stream' },
  body: 'bytes',
});

export const doors: readonly Question[] = [
  graphql('get_image', ({ id }) => `{ image(id: "${id}") { id name tags properties { name value } } }`),
  graphql('get_image', ({ id }) => `{ image(id: "${id.toUpperCase()}") { can { update download } } }`),
  graphql('get_image', ({ id }) => `{ node(id: "${id}") { id __typename } }`),
  graphql('get_image', ({ id }) => `{ node(id: "Image:${id}") { id } }`),
  graphql('get_image', ({ id }) => `{ nodes(ids: ["${id}", "${id}"]) { id } }`),
  mutation('add_image', 'createImage', () => `owner: "blue"`),
  mutation('modify_image', 'updateImage', ({ id }) => `id: "${id}", addTags: ["x"]`),
  mutation('modify_image', 'updateImage', ({ id }) => `id: "${id}", ifRevision: 99`),
  mutation('modify_image', 'updateImage', ({ id }) => `id: "${id}", minDisk: -1`),
  mutation('change_image_owner', 'updateImage', ({ id }) => `id: "${id}", owner: "red"`),
  mutation('publicize_image', 'updateImage', ({ id }) => `id: "${id}", visibility: PUBLIC`),
  mutation('communitize_image', 'updateImage', ({ id }) => `id: "${id}", visibility: COMMUNITY`),
  mutation('delete_image', 'deleteImage', ({ id }) => `id: "${id}"`),
  mutation('upload_image', 'createUpload', ({ id }) => `imageId: "${id}"`),
  mutation('upload_image', 'createUpload', ({ id }) => `imageId: "${id}", store: "none", size: 5`),
  mutation('import_image', 'importImage', ({ id }) => `id: "${id}", method: {staged: true}`),
  mutation('copy_image', 'importImage', ({ id }) => `id: "${id}", method: {copy: true}`),
  mutation('delete_image_location', 'deleteImageCopy', ({ id }) => `imageId: "${id}", store: "file"`),
  mutation('deactivate', 'deactivateImage', ({ id }) => `id: "${id}"`),
  mutation('reactivate', 'reactivateImage', ({ id }) => `id: "${id}"`),
  mutation('add_member', 'addImageMember', ({ id }) => `imageId: "${id}", project: "red"`),
  mutation('delete_member', 'removeImageMember', ({ id }) => `imageId: "${id}", project: "green"`),
  mutation('modify_member', 'respondToImageShare', ({ id }) => `imageId: "${id}", status: ACCEPTED`),
  graphql('get_members', ({ id }) => `{ node(id: "ImageMember:${id}:green") { id } }`),
  graphql('get_task', ({ task }) => `{ task(id: "${task}") { id message } }`),
  graphql('get_task', ({ task }) => `{ node(id: "Task:${task}") { id } }`),
  graphql(
    'get_metadef_namespace',
    ({ namespace }) => `{ metadefNamespace(namespace: "${namespace}") { id } }`,
  ),
  graphql('get_metadef_namespace', ({ id }) => `{ node(id: "MetadefNamespace:${id}") { id } }`),
  mutation(
    'metadef_admin',
    'updateMetadefNamespace',
    ({ namespace }) => `namespace: "${namespace}", displayName: "x"`,
  ),
  mutation(
    'metadef_admin',
    'deleteMetadefNamespace',
    ({ namespace }) => `namespace: "${namespace}", ifRevision: 99`,
  ),
  mutation('metadef_admin', 'deleteMetadefNamespace', ({ namespace }) => `namespace: "${namespace}"`),
  graphql('get_audit_log', ({ id }) => `{ auditLog(where: {objectId: "${id}"}) { nodes { id } } }`),
  // Refused where it would be made: each of so many would stay.
  mutation(
    'add_token',
    'createToken',
    () => `name: "x", project: "blue", roles: ["reader"], imageFilter: {}`,
  ),
  graphql('get_token', ({ token }) => `{ node(id: "Token:${token}") { id __typename } }`),
  mutation('revoke_token', 'revokeToken', ({ token }) => `id: "${token}"`),
  graphql('manage_quotas', () => `{ quotas(project: "blue") { resource used } }`),
  bytes('download_image', 'GET file', ({ id }) => ({ path: file(id) })),
  bytes('download_deactivated_image', 'HEAD file', ({ id }) => ({ path: file(id), method: 'HEAD' })),
  bytes('download_image', 'GET a range', ({ id }) => ({ path: file(id), headers: { range: 'bytes=0-1' } })),
  bytes('upload_image', 'PUT file', ({ id }) => send(id, 'file')),
  bytes('upload_image', 'PUT stage', ({ id }) => send(id, 'stage')),
  bytes('upload_image', 'POST uploads (tus)', ({ id }) => ({
    path: '/uploads',
    method: 'POST',
    headers: {
      'tus-resumable': '1.0.0',
      'upload-length': '5',
      'upload-metadata': `image ${base64(id)}`,
    },
  })),
  ...restDoor,
];

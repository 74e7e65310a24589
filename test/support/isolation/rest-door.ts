/** What can be asked of images, tasks, stores and definitions at /v2, by the rule of the policy that decides about it. */
import type { RuleName } from '../../../src/domain/policy-rules.ts';
import { v20, v21 } from '../rest.ts';
import type { TestServer } from '../server.ts';
import { askHttp, type HttpQuestion, isThingMissing } from './ask-http.ts';
import type { Question, Reply } from './doors.ts';
import type { Thing } from './world.ts';

type Asked = (thing: Thing, project: string) => HttpQuestion;

async function askRest(server: TestServer, token: string | null, question: HttpQuestion): Promise<Reply> {
  const { status, text, whole } = await askHttp(server, token, question);
  if (status === 401) return { verdict: 'unauthenticated', whole };
  // The answer to HEAD has no words.
  if (question.method === 'HEAD') return { verdict: status === 404 ? 'missing' : 'through', whole };
  const { type = '', message = '' } = status >= 400 ? JSON.parse(text).error : {};
  if (type === 'NOT_FOUND' && isThingMissing(message)) return { verdict: 'missing', whole };
  return { verdict: type === 'FORBIDDEN' ? 'forbidden' : 'through', whole };
}

function rest(
  rule: RuleName,
  method: string,
  path: (thing: Thing, project: string) => string,
  body?: object,
) {
  const asked: Asked = (thing, project) => ({
    path: path(thing, project),
    method,
    ...(body && { headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }),
  });
  return questionOf(rule, asked);
}

function questionOf(rule: RuleName, asked: Asked): Question {
  const {
    method,
    path,
    body = '',
  } = asked({ id: '{id}', task: '{task}', namespace: '{namespace}' } as Thing, '{project}');
  return {
    door: 'v2',
    rule,
    name: `${method} ${path} ${body}`.trim(),
    ask: (server, token, thing, project) => askRest(server, token, asked(thing, project ?? 'green')),
  };
}

const image =
  (below = '') =>
  ({ id }: Thing) =>
    `/v2/images/${id}${below}`;
const namespace =
  (below = '') =>
  (thing: Thing) =>
    `/v2/metadefs/namespaces/${thing.namespace}${below}`;

const patch = (rule: RuleName, steps: readonly object[], headers: Record<string, string> = {}) =>
  questionOf(rule, (thing) => ({
    path: image()(thing),
    method: 'PATCH',
    headers: { 'content-type': v21, ...headers },
    body: JSON.stringify(steps),
  }));
const replace = (path: string, value: unknown) => [{ op: 'replace', path, value }];

const stale = { 'if-match': '"99-file"' };
const definition = { name: 'secret', title: 'x', type: 'string' };

export const restDoor: readonly Question[] = [
  rest('get_image', 'GET', image()),
  rest('get_image', 'HEAD', image()),
  rest('get_image', 'GET', ({ id }) => image()({ id: id.toUpperCase() } as Thing)),
  rest('get_image', 'GET', image('/tasks')),
  rest('get_image', 'GET', image('/members')),
  rest('get_image', 'GET', image('/members/green')),
  rest('add_image', 'POST', () => '/v2/images', { owner: 'blue' }),
  patch('modify_image', replace('/tags', ['x'])),
  patch('modify_image', replace('/min_disk', -1)),
  patch('modify_image', replace('/no_such_property', 'x')),
  patch('modify_image', []),
  patch('modify_image', replace('/tags', ['x']), stale),
  patch('modify_image', [{ add: '/x', value: 'y' }], { 'content-type': v20 }),
  rest('modify_image', 'PUT', image('/tags/x')),
  rest('modify_image', 'DELETE', image('/tags/x')),
  patch('change_image_owner', replace('/owner', 'red')),
  patch('publicize_image', replace('/visibility', 'public')),
  patch('communitize_image', replace('/visibility', 'community')),
  rest('delete_image', 'DELETE', image()),
  questionOf('delete_image', (thing) => ({ path: image()(thing), method: 'DELETE', headers: stale })),
  rest('import_image', 'POST', image('/import'), { method: { name: 'glance-direct' } }),
  rest('copy_image', 'POST', image('/import'), { method: { name: 'copy-image' }, all_stores: true }),
  rest('delete_image_location', 'DELETE', ({ id }) => `/v2/stores/file/${id}`),
  rest('delete_image_location', 'DELETE', ({ id }) => `/v2/stores/no-such-store/${id}`),
  rest('add_image_location', 'POST', image('/locations'), { url: 'http://127.0.0.1/x' }),
  rest('fetch_image_location', 'GET', image('/locations')),
  rest('deactivate', 'POST', image('/actions/deactivate')),
  rest('reactivate', 'POST', image('/actions/reactivate')),
  rest('add_member', 'POST', image('/members'), { member: 'red' }),
  rest('delete_member', 'DELETE', image('/members/green')),
  rest('modify_member', 'PUT', ({ id }, project) => `/v2/images/${id}/members/${project}`, {
    status: 'accepted',
  }),
  rest('tasks_api_access', 'GET', () => '/v2/tasks?limit=1'),
  rest('tasks_api_access', 'GET', ({ task }) => `/v2/tasks/${task}`),
  rest('tasks_api_access', 'POST', () => '/v2/tasks', { type: 'import' }),
  rest('stores_info_detail', 'GET', () => '/v2/info/stores/detail'),
  rest('get_metadef_namespace', 'GET', namespace()),
  rest('get_metadef_namespace', 'GET', namespace('/properties')),
  rest('get_metadef_namespace', 'GET', namespace('/properties/secret')),
  rest('get_metadef_namespace', 'GET', namespace('/objects')),
  rest('get_metadef_namespace', 'GET', namespace('/objects/secret')),
  rest('get_metadef_namespace', 'GET', namespace('/tags')),
  rest('get_metadef_namespace', 'GET', namespace('/tags/secret')),
  rest('get_metadef_namespace', 'GET', namespace('/resource_types')),
  questionOf('metadef_admin', (thing) => ({
    path: namespace()(thing),
    method: 'PUT',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify({ namespace: thing.namespace, display_name: 'x' }),
  })),
  rest('metadef_admin', 'DELETE', namespace()),
  rest('metadef_admin', 'POST', namespace('/properties'), { ...definition, name: 'x' }),
  rest('metadef_admin', 'PUT', namespace('/properties/secret'), definition),
  rest('metadef_admin', 'DELETE', namespace('/properties/secret')),
  rest('metadef_admin', 'DELETE', namespace('/properties')),
  rest('metadef_admin', 'POST', namespace('/objects'), { name: 'x' }),
  rest('metadef_admin', 'PUT', namespace('/objects/secret'), { name: 'x' }),
  rest('metadef_admin', 'DELETE', namespace('/objects/secret')),
  rest('metadef_admin', 'DELETE', namespace('/objects')),
  rest('metadef_admin', 'POST', namespace('/tags'), { tags: [{ name: 'x' }] }),
  rest('metadef_admin', 'POST', namespace('/tags/x')),
  rest('metadef_admin', 'PUT', namespace('/tags/x'), { name: 'y' }),
  rest('metadef_admin', 'DELETE', namespace('/tags/x')),
  rest('metadef_admin', 'DELETE', namespace('/tags')),
  rest('metadef_admin', 'POST', namespace('/resource_types'), { name: 'OS::Glance::Image' }),
  rest('metadef_admin', 'DELETE', namespace('/resource_types/OS::Glance::Image')),
];

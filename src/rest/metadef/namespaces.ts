/** Namespaces: listed, made, shown with all that is in them, said anew, taken away. */
import { pageSize } from '../../actions/list-images.ts';
import { listNamespaces as listNamespacesOf } from '../../actions/metadef/list-namespaces.ts';
import { associationsOf, readMetadefNamespace, withItsParts } from '../../actions/metadef/read-parts.ts';
import {
  createMetadefNamespace,
  deleteMetadefNamespace,
  updateMetadefNamespace,
} from '../../actions/metadef/write-namespace.ts';
import { documentFromJson } from '../../domain/metadef/json-form.ts';
import { metadefVisibilities } from '../../domain/metadef/metadef.ts';
import type { MetadefNamespaceFilter } from '../../search/metadef-filter.ts';
import { pageLink } from '../image/page-link.ts';
import { type Answer, type Ask, noContent, ok } from '../operation.ts';
import { choiceIn, directionIn, lastOf, limitIn } from '../query.ts';
import { requireWritten } from './body.ts';
import { metadefPath, namespaceInListJson, namespaceJson } from './metadef-json.ts';

const path = '/v2/metadefs/namespaces';
const sortKeys = { namespace: 'namespace', created_at: 'createdAt', updated_at: 'updatedAt' } as const;

export async function listNamespaces({ app, caller, query }: Ask): Promise<Answer> {
  const key = choiceIn(query, 'sort_key', Object.keys(sortKeys) as (keyof typeof sortKeys)[]) ?? 'created_at';
  const list = await listNamespacesOf(app, caller, {
    where: filterOf(query),
    orderBy: [{ field: sortKeys[key], direction: directionIn(query) }],
    page: { first: limitIn(query, pageSize), afterId: lastOf(query.marker) ?? null },
  });
  const associations = await associationsOf(app, list.namespaces);
  const last = list.namespaces.at(-1);
  const next = last && (await list.hasNextPage()) ? pageLink(path, query, last.namespace) : null;
  return ok({
    namespaces: list.namespaces.map((one) => namespaceInListJson(one, associations.get(one.id) ?? [])),
    first: pageLink(path, query, null),
    ...(next !== null && { next }),
    schema: '/v2/schemas/metadefs/namespaces',
  });
}

function filterOf(query: Ask['query']): MetadefNamespaceFilter {
  const visibility = choiceIn(query, 'visibility', metadefVisibilities);
  const types = lastOf(query.resource_types);
  return {
    ...(visibility && { visibility: { eq: visibility } }),
    ...(types !== undefined && { resourceType: { in: types.split(',').map((type) => type.trim()) } }),
  };
}

export async function addNamespace({ app, caller, json, baseUrl }: Ask): Promise<Answer> {
  const document = documentFromJson(requireWritten(json));
  const made = await createMetadefNamespace(app, caller, document);
  return {
    status: 201,
    body: namespaceJson(await withItsParts(app, made)),
    headers: { location: baseUrl + metadefPath(made.namespace) },
  };
}

export async function showNamespace({ app, caller, params, query }: Ask): Promise<Answer> {
  const whole = await readMetadefNamespace(app, caller, { namespace: params.namespace ?? '' });
  const type = lastOf(query.resource_type);
  const association = whole.associations.find(({ resourceType }) => resourceType === type);
  return ok(namespaceJson(whole, association?.prefix ?? ''));
}

/** What stands about the namespace itself: clients send back all they got, and what is in it has paths of its own. */
export async function changeNamespace({ app, caller, params, json }: Ask): Promise<Answer> {
  const { namespace: rename, displayName, description, ...said } = documentFromJson(requireWritten(json));
  const { namespace, ...row } = await updateMetadefNamespace(app, caller, {
    namespace: params.namespace ?? '',
    rename,
    displayName,
    description,
    visibility: said.visibility,
    protected: said.protected,
    ...(said.owner !== null && { owner: said.owner }),
  });
  const associations = await associationsOf(app, [{ namespace, ...row }]);
  return ok(namespaceInListJson({ namespace, ...row }, associations.get(row.id) ?? []));
}

export async function removeNamespace({ app, caller, params }: Ask): Promise<Answer> {
  await deleteMetadefNamespace(app, caller, { namespace: params.namespace ?? '' });
  return noContent;
}

/** Tags that a namespace offers. */
import {
  addMetadefTag,
  addMetadefTags,
  removeMetadefTag,
  renameMetadefTag,
} from '../../actions/metadef/change-tag.ts';
import { findMetadefTag, listMetadefTags } from '../../actions/metadef/read-parts.ts';
import { updateMetadefNamespace } from '../../actions/metadef/write-namespace.ts';
import { tagFromJson, tagsFromJson } from '../../domain/metadef/json-form.ts';
import { type Answer, type Ask, noContent, type Operation, ok } from '../operation.ts';
import { badRequest } from '../problem.ts';
import { requireWritten } from './body.ts';
import { metadefPath, tagInListJson, tagJson } from './metadef-json.ts';
import { pageOf } from './page.ts';

export async function listTags({ app, caller, params, query }: Ask): Promise<Answer> {
  const { namespace = '' } = params;
  const found = await listMetadefTags(app, caller, { namespace });
  const { items, links } = pageOf(found, query, metadefPath(namespace, 'tags'));
  return ok({ tags: items.map(tagInListJson), ...links, schema: '/v2/schemas/metadefs/tags' });
}

/** All tags at once: in place of those there, or beside them. */
export const tagsAtOnce: Operation = {
  body: 'json',
  action: 'updateMetadefNamespace',
  // One given twice is as one that is there already.
  statuses: { DUPLICATE: 409 },
  async run({ app, caller, params, headers, json }: Ask): Promise<Answer> {
    const { namespace = '' } = params;
    const tags = tagsFromJson(requireWritten(json));
    if (isAppended(headers['x-openstack-append'])) await addMetadefTags(app, caller, { namespace, tags });
    else await updateMetadefNamespace(app, caller, { namespace, tags });
    return { status: 201, body: { tags: tags.map((name) => tagInListJson({ name })) } };
  },
};

/** @throws HttpError 400 neither true nor false */
function isAppended(header: string | string[] | undefined): boolean {
  const text = [header ?? 'false'].flat().at(-1)?.toLowerCase();
  if (text !== 'true' && text !== 'false') throw badRequest('X-Openstack-Append is true or false.');
  return text === 'true';
}

export async function addTag({ app, caller, params, baseUrl }: Ask): Promise<Answer> {
  const { namespace = '', name = '' } = params;
  await addMetadefTag(app, caller, { namespace, tag: name });
  const tag = await findMetadefTag(app, caller, { namespace, name });
  const location = baseUrl + metadefPath(namespace, 'tags', name);
  return { status: 201, body: tagJson(tag), headers: { location } };
}

export async function showTag({ app, caller, params }: Ask): Promise<Answer> {
  const { namespace = '', name = '' } = params;
  return ok(tagJson(await findMetadefTag(app, caller, { namespace, name })));
}

export async function changeTag({ app, caller, params, json }: Ask): Promise<Answer> {
  const { namespace = '', name = '' } = params;
  const rename = tagFromJson(requireWritten(json));
  await renameMetadefTag(app, caller, { namespace, tag: name, rename });
  return ok(tagJson(await findMetadefTag(app, caller, { namespace, name: rename })));
}

export async function removeTag({ app, caller, params }: Ask): Promise<Answer> {
  const { namespace = '', name = '' } = params;
  await removeMetadefTag(app, caller, { namespace, tag: name });
  return noContent;
}

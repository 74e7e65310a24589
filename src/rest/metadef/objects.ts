/** Objects of a namespace, each with its properties. */
import {
  addMetadefObject,
  removeMetadefObject,
  updateMetadefObject,
} from '../../actions/metadef/change-object.ts';
import { findMetadefObject, listMetadefObjects } from '../../actions/metadef/read-parts.ts';
import { objectFromJson } from '../../domain/metadef/json-form.ts';
import { type Answer, type Ask, noContent, ok } from '../operation.ts';
import { badRequest } from '../problem.ts';
import { lastOf } from '../query.ts';
import { requireWritten } from './body.ts';
import { metadefPath, objectShown } from './metadef-json.ts';
import { pageOf } from './page.ts';

export async function listObjects({ app, caller, params, query }: Ask): Promise<Answer> {
  const { namespace = '' } = params;
  // As Glance has it, here alone.
  if (Number(lastOf(query.limit)) === 0) throw badRequest('limit is a whole number, from 1 on.');
  const found = await listMetadefObjects(app, caller, { namespace });
  const { items, links } = pageOf(found, query, metadefPath(namespace, 'objects'));
  const objects = items.map((object) => objectShown({ namespace }, object));
  return ok({ objects, ...links, schema: '/v2/schemas/metadefs/objects' });
}

export async function addObject({ app, caller, params, json, baseUrl }: Ask): Promise<Answer> {
  const { namespace = '' } = params;
  const object = objectFromJson(requireWritten(json));
  await addMetadefObject(app, caller, { namespace, object });
  const body = await shown({ app, caller }, namespace, object.name);
  const location = baseUrl + metadefPath(namespace, 'objects', object.name);
  return { status: 201, body, headers: { location } };
}

export async function showObject({ app, caller, params }: Ask): Promise<Answer> {
  return ok(await shown({ app, caller }, params.namespace ?? '', params.name ?? ''));
}

export async function changeObject({ app, caller, params, json }: Ask): Promise<Answer> {
  const { namespace = '', name = '' } = params;
  const object = objectFromJson(requireWritten(json));
  await updateMetadefObject(app, caller, { namespace, name, object });
  return ok(await shown({ app, caller }, namespace, object.name));
}

export async function removeObject({ app, caller, params }: Ask): Promise<Answer> {
  const { namespace = '', name = '' } = params;
  await removeMetadefObject(app, caller, { namespace, name });
  return noContent;
}

async function shown(
  { app, caller }: Pick<Ask, 'app' | 'caller'>,
  namespace: string,
  name: string,
): Promise<object> {
  return objectShown({ namespace }, await findMetadefObject(app, caller, { namespace, name }));
}

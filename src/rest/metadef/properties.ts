/** Properties that stand in a namespace itself. */
import {
  addMetadefProperty,
  removeMetadefProperty,
  updateMetadefProperty,
} from '../../actions/metadef/change-property.ts';
import { findMetadefProperty, listMetadefProperties } from '../../actions/metadef/read-parts.ts';
import { propertyFromJson } from '../../domain/metadef/json-form.ts';
import { type Answer, type Ask, noContent, ok } from '../operation.ts';
import { lastOf } from '../query.ts';
import { requireWritten } from './body.ts';
import { metadefPath, propertiesJson, propertyJson } from './metadef-json.ts';

export async function listProperties({ app, caller, params }: Ask): Promise<Answer> {
  const found = await listMetadefProperties(app, caller, { namespace: params.namespace ?? '' });
  return ok({ properties: propertiesJson(found) });
}

export async function addProperty({ app, caller, params, json, baseUrl }: Ask): Promise<Answer> {
  const { namespace = '' } = params;
  const given = propertyFromJson(requireWritten(json));
  const { property } = await addMetadefProperty(app, caller, { namespace, property: given });
  const location = baseUrl + metadefPath(namespace, 'properties', property.name);
  return { status: 201, body: propertyJson(property), headers: { location } };
}

/** By its name on a resource of `resource_type`, where one is said. */
export async function showProperty({ app, caller, params, query }: Ask): Promise<Answer> {
  const { namespace = '', name = '' } = params;
  const resourceType = lastOf(query.resource_type) ?? null;
  return ok(propertyJson(await findMetadefProperty(app, caller, { namespace, name, resourceType })));
}

export async function changeProperty({ app, caller, params, json }: Ask): Promise<Answer> {
  const { namespace = '', name = '' } = params;
  const given = propertyFromJson(requireWritten(json));
  const { property } = await updateMetadefProperty(app, caller, { namespace, name, property: given });
  return ok(propertyJson(property));
}

export async function removeProperty({ app, caller, params }: Ask): Promise<Answer> {
  const { namespace = '', name = '' } = params;
  await removeMetadefProperty(app, caller, { namespace, name });
  return noContent;
}

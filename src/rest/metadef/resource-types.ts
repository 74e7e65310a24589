/** Types of resources, and which of them a namespace is for. */
import { addMetadefAssociation, removeMetadefAssociation } from '../../actions/metadef/change-association.ts';
import { listMetadefAssociations, listMetadefResourceTypes } from '../../actions/metadef/read-parts.ts';
import { NotFoundError } from '../../domain/errors.ts';
import { associationFromJson } from '../../domain/metadef/json-form.ts';
import { type Answer, type Ask, noContent, ok } from '../operation.ts';
import { requireWritten } from './body.ts';
import { associationShown, metadefPath, resourceTypeJson } from './metadef-json.ts';

export async function listResourceTypes({ app, caller }: Ask): Promise<Answer> {
  const found = await listMetadefResourceTypes(app, caller);
  return ok({ resource_types: found.map(resourceTypeJson) });
}

export async function listAssociations({ app, caller, params }: Ask): Promise<Answer> {
  const found = await listMetadefAssociations(app, caller, { namespace: params.namespace ?? '' });
  return ok({ resource_type_associations: found.map(associationShown) });
}

export async function addAssociation({ app, caller, params, json, baseUrl }: Ask): Promise<Answer> {
  const { namespace = '' } = params;
  const given = associationFromJson(requireWritten(json));
  await addMetadefAssociation(app, caller, { namespace, ...given });
  const found = await listMetadefAssociations(app, caller, { namespace });
  const added = found.find(({ resourceType }) => resourceType === given.resourceType);
  if (!added) throw new NotFoundError(`Resource type ${given.resourceType} was removed again meanwhile.`);
  const location = baseUrl + metadefPath(namespace, 'resource_types', given.resourceType);
  return { status: 201, body: associationShown(added), headers: { location } };
}

export async function removeAssociation({ app, caller, params }: Ask): Promise<Answer> {
  const { namespace = '', name: resourceType = '' } = params;
  await removeMetadefAssociation(app, caller, { namespace, resourceType });
  return noContent;
}

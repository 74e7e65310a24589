/** Namespaces of metadata definitions, and what is in them, as /v2 shows them: what has no value is not there. */
import type { WholeNamespace, WholeObject } from '../../actions/metadef/read-parts.ts';
import { associationJson, definitionJson, objectJson } from '../../domain/metadef/json-form.ts';
import type {
  MetadefAssociation,
  MetadefNamespace,
  MetadefProperty,
  MetadefTag,
  NamedDefinition,
} from '../../domain/metadef/metadef.ts';
import { seconds } from '../image/image-json.ts';

const root = '/v2/metadefs/namespaces';

/** `below`: the names of the path after the namespace. */
export const metadefPath = (namespace: string, ...below: string[]) =>
  [root, ...[namespace, ...below].map(encodeURIComponent)].join('/');

interface Timed {
  createdAt: string;
  updatedAt: string;
}

const times = ({ createdAt, updatedAt }: Timed) => ({
  created_at: seconds(createdAt),
  updated_at: seconds(updatedAt),
});

/** What the namespace says of itself, and what it is for. */
export function namespaceInListJson(
  { namespace, displayName, description, visibility, owner, ...row }: MetadefNamespace,
  associations: readonly MetadefAssociation[],
): object {
  return {
    namespace,
    ...(displayName !== null && { display_name: displayName }),
    ...(description !== null && { description }),
    visibility,
    protected: row.protected,
    ...(owner !== null && { owner }),
    ...times(row),
    ...(associations.length > 0 && { resource_type_associations: associations.map(associationShown) }),
    self: metadefPath(namespace),
    schema: '/v2/schemas/metadefs/namespace',
  };
}

/** With all that is in it. The names of properties begin with `prefix`, as they do on the resource that has it. */
export function namespaceJson(
  { namespace, properties, objects, tags, associations }: WholeNamespace,
  prefix = '',
): object {
  return {
    ...namespaceInListJson(namespace, associations),
    ...(properties.length > 0 && { properties: propertiesJson(properties, prefix) }),
    ...(objects.length > 0 && { objects: objects.map((one) => objectShown(namespace, one, prefix)) }),
    ...(tags.length > 0 && { tags: tags.map(tagInListJson) }),
  };
}

export function propertiesJson(properties: readonly MetadefProperty[], prefix = ''): object {
  return Object.fromEntries(
    properties.map((property) => [prefix + property.name, definitionJson(definitionIn(property))]),
  );
}

export const propertyJson = (property: MetadefProperty) => ({
  name: property.name,
  ...definitionJson(definitionIn(property)),
});

/** Without what only we know of it. */
function definitionIn(property: MetadefProperty): NamedDefinition {
  const { id: _, namespaceId: _n, objectId: _o, createdAt: _c, updatedAt: _u, ...definition } = property;
  return definition;
}

export function objectShown(
  { namespace }: Pick<MetadefNamespace, 'namespace'>,
  { name, description, required, properties, ...row }: WholeObject,
  prefix = '',
): object {
  const content = {
    name,
    ...(description !== null && { description }),
    required: required.map((one) => prefix + one),
    properties: properties.map((one) => ({ ...definitionIn(one), name: prefix + one.name })),
  };
  return {
    ...objectJson(content),
    ...times(row),
    self: metadefPath(namespace, 'objects', name),
    schema: '/v2/schemas/metadefs/object',
  };
}

export const tagInListJson = ({ name }: Pick<MetadefTag, 'name'>) => ({ name });

export const tagJson = ({ name, ...row }: MetadefTag) => ({ name, ...times(row) });

export const associationShown = (row: MetadefAssociation) => ({
  ...associationJson({
    resourceType: row.resourceType,
    ...(row.prefix !== null && { prefix: row.prefix }),
    ...(row.propertiesTarget !== null && { propertiesTarget: row.propertiesTarget }),
  }),
  ...times(row),
});

export const resourceTypeJson = ({ name, ...row }: Timed & { name: string }) => ({ name, ...times(row) });

/** The schemas of namespaces of metadata definitions and of all that is in them; clients build their forms from them. */
import { limits } from '../../domain/fields.ts';
import { metadefLimits } from '../../domain/metadef/fields.ts';
import { metadefTypes, metadefVisibilities } from '../../domain/metadef/metadef.ts';
import { type JsonSchema, listSchema, pageSchema, readOnly, text } from './collection.ts';

const nameLength = { maxLength: metadefLimits.nameLength };
const texts: JsonSchema = { type: 'array', items: { type: 'string' } };
const count: JsonSchema = { type: 'integer', minimum: 0 };
const kind: JsonSchema = { type: 'string', enum: metadefTypes };

const link = readOnly({ type: 'string' });
const times = {
  created_at: readOnly(text('Date and time of creation')),
  updated_at: readOnly(text('Date and time of the last modification')),
};

const definition: Record<string, JsonSchema> = {
  title: text('For people', { maxLength: metadefLimits.titleLength }),
  description: text('For people', { maxLength: metadefLimits.longDescriptionLength }),
  type: kind,
  operators: texts,
  enum: { type: 'array' },
  default: {},
  minimum: { type: 'number' },
  maximum: { type: 'number' },
  minLength: count,
  maxLength: count,
  pattern: text('A regular expression of RE2', { maxLength: metadefLimits.patternLength }),
  readonly: { type: 'boolean' },
  required: { type: ['boolean', 'array'] },
  items: { type: 'object', properties: { type: kind, enum: { type: 'array' } } },
  minItems: count,
  maxItems: count,
  uniqueItems: { type: 'boolean' },
  additionalItems: { type: 'boolean' },
};

/** By their names. */
const definitions: JsonSchema = {
  type: 'object',
  additionalProperties: { type: 'object', properties: definition, required: ['type', 'title'] },
};

const propertySchema = {
  name: 'property',
  properties: { name: { type: 'string', ...nameLength }, ...definition },
  required: ['name', 'title', 'type'],
};

const objectSchema = {
  name: 'object',
  properties: {
    name: { type: 'string', ...nameLength },
    description: text('For people', { maxLength: metadefLimits.longDescriptionLength }),
    required: texts,
    properties: definitions,
    ...times,
    self: link,
    schema: link,
  },
  required: ['name'],
  additionalProperties: false,
};

const tagSchema = {
  name: 'tag',
  properties: { name: { type: 'string', ...nameLength }, ...times },
  required: ['name'],
  additionalProperties: false,
};

const associationSchema = {
  name: 'resource_type_association',
  properties: {
    name: text('Resource type, as Heat names it where Heat knows it', nameLength),
    prefix: text('What stands before the names of the properties there', nameLength),
    properties_target: text('Which properties of the resource, where it has several kinds', nameLength),
    ...times,
  },
  required: ['name'],
  additionalProperties: false,
};

const namespaceSchema = {
  name: 'namespace',
  properties: {
    namespace: text('The unique namespace text.', nameLength),
    display_name: text('The user friendly name for the namespace. Used by UI if available.', nameLength),
    description: text('Provides a user friendly description of the namespace.', {
      maxLength: metadefLimits.descriptionLength,
    }),
    visibility: text('Scope of namespace accessibility.', { enum: metadefVisibilities }),
    protected: { type: 'boolean', description: 'If true, namespace will not be deletable.' },
    owner: text('Owner of the namespace.', { maxLength: limits.ownerLength }),
    ...times,
    resource_type_associations: {
      type: 'array',
      items: { type: 'object', properties: associationSchema.properties },
    },
    properties: definitions,
    objects: { type: 'array', items: { type: 'object', properties: objectSchema.properties } },
    tags: { type: 'array', items: { type: 'object', properties: tagSchema.properties } },
    self: link,
    schema: link,
  },
  required: ['namespace'],
  additionalProperties: false,
};

/** Path below /v2/schemas -> schema. */
export const metadefSchemas: Readonly<Record<string, object>> = {
  'metadefs/namespace': namespaceSchema,
  'metadefs/namespaces': pageSchema('namespaces', namespaceSchema),
  'metadefs/object': objectSchema,
  'metadefs/objects': pageSchema('objects', objectSchema),
  'metadefs/property': propertySchema,
  'metadefs/properties': { name: 'properties', properties: { properties: definitions } },
  'metadefs/tag': tagSchema,
  'metadefs/tags': pageSchema('tags', tagSchema),
  'metadefs/resource_type': associationSchema,
  'metadefs/resource_types': listSchema('resource_type_associations', associationSchema),
};

/**
 * A namespace as JSON: the shape that /v2/metadefs answers and takes, that Glance's definition files have, and that
 * files of ours have in YAML. Into the domain and back.
 */
import { z } from 'zod';
import { ValidationError, type ValidationIssue } from '../errors.ts';
import {
  type AssociationInput,
  contentIssues,
  contentOf,
  type DefinitionInput,
  namespaceIssues,
  type ObjectInput,
} from './fields.ts';
import {
  type AssociationContent,
  metadefTypes,
  metadefVisibilities,
  type NamedDefinition,
  type NamespaceDocument,
  type ObjectContent,
} from './metadef.ts';

const text = z.string({ error: 'is text' });
const texts = z.array(text, { error: 'is a list of texts' });
const number = z.number({ error: 'is a number' });
const count = z.int({ error: 'is a whole number' });
const flag = z.boolean({ error: 'is true or false' });
/** What a property may be: text where it is written, whatever it is in JSON. */
const value = z
  .union([z.string(), z.number(), z.boolean()], { error: 'is text, a number, true or false' })
  .transform((given) => (typeof given === 'string' ? given : JSON.stringify(given)));
const values = z.array(value, { error: 'is a list' });
const type = z.enum(metadefTypes, { error: `is one of ${metadefTypes.join(', ')}` });

/** What a service says about a thing and nobody sets. */
const ignored = {
  self: z.unknown().optional(),
  schema: z.unknown().optional(),
  created_at: z.unknown().optional(),
  updated_at: z.unknown().optional(),
};

const definition = z.strictObject({
  name: text.optional(),
  title: text,
  description: text.nullish(),
  type,
  enum: values.nullish(),
  default: z.unknown().optional(),
  minimum: number.nullish(),
  maximum: number.nullish(),
  minLength: count.nullish(),
  maxLength: count.nullish(),
  pattern: text.nullish(),
  operators: texts.nullish(),
  // Glance takes a list here, of what an object in a property must have.
  required: z
    .union([flag, texts.transform((names) => names.length > 0)], { error: 'is true or false' })
    .nullish(),
  readonly: flag.nullish(),
  items: z.strictObject({ type: type.optional(), enum: values.nullish() }).nullish(),
  minItems: count.nullish(),
  maxItems: count.nullish(),
  uniqueItems: flag.nullish(),
  additionalItems: flag.nullish(),
});
type DefinitionJson = z.infer<typeof definition>;

const definitions = z.record(z.string(), definition, { error: 'is a map from names to definitions' });

const object = z.strictObject({
  ...ignored,
  name: text,
  description: text.nullish(),
  required: texts.nullish(),
  properties: definitions.nullish(),
});

const association = z.strictObject({
  created_at: z.unknown().optional(),
  updated_at: z.unknown().optional(),
  name: text,
  prefix: text.nullish(),
  properties_target: text.nullish(),
});

const tag = z.strictObject({ ...ignored, name: text });

const namespace = z.strictObject({
  ...ignored,
  namespace: text,
  display_name: text.nullish(),
  description: text.nullish(),
  visibility: z.enum(metadefVisibilities, { error: 'is public or private' }).nullish(),
  protected: flag.nullish(),
  owner: text.nullish(),
  resource_type_associations: z.array(association).nullish(),
  properties: definitions.nullish(),
  objects: z.array(object).nullish(),
  tags: z.array(tag).nullish(),
});

/** The key inside, where it is another word than outside. */
const insideNames: Record<string, string> = { readonly: 'readOnly' };

/**
 * The document, normal: lists sorted, nothing said twice.
 * @throws ValidationError every mistake, its path in the words of the JSON where that is at fault
 */
export function documentFromJson(json: unknown): NamespaceDocument {
  const given = readShape(namespace, json);
  const fields = {
    namespace: given.namespace,
    displayName: given.display_name ?? null,
    description: given.description ?? null,
    visibility: given.visibility ?? 'private',
    protected: given.protected ?? false,
    owner: given.owner ?? null,
  };
  const content = {
    properties: definitionsIn(given.properties),
    objects: (given.objects ?? []).map(objectIn),
    tags: (given.tags ?? []).map(({ name }) => name),
    resourceTypes: (given.resource_type_associations ?? []).map(associationIn),
  };
  const issues = [...namespaceIssues(fields), ...contentIssues(content)];
  if (issues.length > 0) throw new ValidationError(issues);
  return { ...fields, ...(contentOf(content) as Required<ReturnType<typeof contentOf>>) };
}

/** One part by itself, as it came; what it may say is not looked at. @throws ValidationError as documentFromJson */
export function propertyFromJson(json: unknown): DefinitionInput {
  const { name, ...given } = readShape(definition.required({ name: true }), json);
  return definitionIn(name, given);
}

/** @throws ValidationError as documentFromJson */
export const objectFromJson = (json: unknown): ObjectInput => objectIn(readShape(object, json));

/** @throws ValidationError as documentFromJson */
export const associationFromJson = (json: unknown): AssociationInput =>
  associationIn(readShape(association, json));

/** @throws ValidationError as documentFromJson */
export const tagFromJson = (json: unknown): string => readShape(tag, json).name;

/** A list of tags as it is written at once. @throws ValidationError as documentFromJson */
export const tagsFromJson = (json: unknown): string[] =>
  readShape(z.strictObject({ tags: z.array(tag, { error: 'is a list of tags' }) }), json).tags.map(
    ({ name }) => name,
  );

function readShape<T>(shape: z.ZodType<T>, json: unknown): T {
  const read = shape.safeParse(json);
  if (!read.success) throw new ValidationError(issuesOf(read.error));
  return read.data;
}

function issuesOf(error: z.ZodError): ValidationIssue[] {
  return error.issues.flatMap((found) => {
    const path = found.path.map(String);
    const keys = found.code === 'unrecognized_keys' ? found.keys : [null];
    return keys.map((key) => {
      const at = key === null ? path : [...path, key];
      const problem = key === null ? found.message : 'is not known here';
      const message = `${at.join('.') || 'The document'} ${problem}.`;
      return { path: at, code: key === null ? 'BAD_VALUE' : 'UNKNOWN_KEY', message, suggestion: null };
    });
  });
}

function definitionsIn(map: Record<string, DefinitionJson> | null | undefined): DefinitionInput[] {
  return Object.entries(map ?? {}).map(([name, given]) => definitionIn(name, given));
}

function definitionIn(name: string, { items, ...given }: Omit<DefinitionJson, 'name'>): DefinitionInput {
  return {
    ...(Object.fromEntries(
      Object.entries(given).map(([key, held]) => [insideNames[key] ?? key, held]),
    ) as unknown as Omit<DefinitionInput, 'name'>),
    name,
    itemsType: items?.type,
    itemsEnum: items?.enum,
  };
}

const objectIn = ({ name, description, required, properties }: z.infer<typeof object>): ObjectInput => ({
  name,
  description,
  required,
  properties: definitionsIn(properties),
});

const associationIn = (one: z.infer<typeof association>): AssociationInput => ({
  resourceType: one.name,
  prefix: one.prefix,
  propertiesTarget: one.properties_target,
});

/** The JSON that `documentFromJson` reads, with nothing that it would not keep. */
export function jsonFromDocument(document: NamespaceDocument): Record<string, unknown> {
  const { properties, objects, tags, resourceTypes } = document;
  return compact({
    namespace: document.namespace,
    display_name: document.displayName,
    description: document.description,
    visibility: document.visibility,
    protected: document.protected,
    owner: document.owner,
    resource_type_associations: listOrNone(resourceTypes.map(associationJson)),
    properties: properties.length > 0 ? definitionsJson(properties) : null,
    objects: listOrNone(objects.map(objectJson)),
    tags: listOrNone(tags.map((name) => ({ name }))),
  });
}

const listOrNone = <T>(list: T[]) => (list.length > 0 ? list : null);

export const associationJson = ({ resourceType, prefix, propertiesTarget }: AssociationContent) =>
  compact({ name: resourceType, prefix, properties_target: propertiesTarget });

export const objectJson = ({ name, description, required, properties }: ObjectContent) =>
  compact({ name, description, required: listOrNone(required), properties: definitionsJson(properties) });

function definitionsJson(list: readonly NamedDefinition[]): Record<string, unknown> {
  return Object.fromEntries(list.map((named) => [named.name, definitionJson(named)]));
}

/** Allowed values come as what the type makes of them: numbers of a number. */
export function definitionJson(named: NamedDefinition): Record<string, unknown> {
  const { name: _, itemsType, itemsEnum, readOnly, ...rest } = named;
  const items = compact({ type: itemsType, enum: itemsEnum?.map((one) => typed(itemsType, one)) });
  return compact({
    ...rest,
    enum: rest.enum?.map((one) => typed(rest.type, one)),
    readonly: readOnly,
    items: Object.keys(items).length > 0 ? items : null,
  });
}

function typed(kind: string | undefined, one: string): unknown {
  if (kind !== 'integer' && kind !== 'number' && kind !== 'boolean') return one;
  try {
    const read: unknown = JSON.parse(one);
    // What would not be written the same again stays text.
    return JSON.stringify(read) === one && typeof read !== 'object' ? read : one;
  } catch {
    return one;
  }
}

function compact(record: Record<string, unknown>): Record<string, unknown> {
  return Object.fromEntries(Object.entries(record).filter(([, held]) => held != null));
}

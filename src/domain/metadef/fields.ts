/**
 * The rules for what admins write into a namespace: names, lengths, what definitions may say. Each function reports
 * every mistake it finds, at its path; those that end in `Of` give what is kept.
 */
import type { ValidationIssue } from '../errors.ts';
import { limits as imageLimits, textIssues } from '../fields.ts';
import { byCodePoint } from '../image.ts';
import { patternProblem } from './check.ts';
import type {
  AssociationContent,
  MetadefDefinition,
  NamedDefinition,
  NamespaceContent,
  NamespaceFields,
  ObjectContent,
} from './metadef.ts';

/** Characters, items, bytes. The first two are those of the Image API v2. */
export const metadefLimits = {
  nameLength: 80,
  descriptionLength: 500,
  titleLength: 255,
  longDescriptionLength: 5_000,
  patternLength: 1_000,
  values: 1_000,
  valueLength: 1_000,
  operators: 32,
  defaultBytes: 16 * 1024,
  defaultDepth: 8,
  properties: 10_000,
  objects: 1_000,
  tags: 5_000,
  resourceTypes: 100,
} as const;

/** An input as it comes: null is as if left out. */
export type Loose<T> = { [K in keyof T]?: T[K] | null };
/** A definition as it comes in: what it must have, and what may be null. */
export type DefinitionInput = Pick<NamedDefinition, 'name' | 'title' | 'type'> &
  Loose<Omit<NamedDefinition, 'name' | 'title' | 'type'>>;
export type ObjectInput = Pick<ObjectContent, 'name'> &
  Loose<Pick<ObjectContent, 'description' | 'required'>> & { properties?: DefinitionInput[] | null };
export type AssociationInput = Pick<AssociationContent, 'resourceType'> &
  Loose<Pick<AssociationContent, 'prefix' | 'propertiesTarget'>>;
export interface ContentInput {
  properties?: DefinitionInput[] | null;
  objects?: ObjectInput[] | null;
  tags?: string[] | null;
  resourceTypes?: AssociationInput[] | null;
}

type Path = string[];

const issue = (path: Path, code: string, message: string): ValidationIssue => ({
  path,
  code,
  message,
  suggestion: null,
});

/** Issues of a name that others find the thing by. */
export function nameIssues(path: Path, what: string, name: string): ValidationIssue[] {
  if (name === '') return [issue(path, 'EMPTY', `${what} cannot be empty.`)];
  // Programs that read JSON lose it.
  if (name === '__proto__') return [issue(path, 'RESERVED_NAME', `${what} cannot be __proto__.`)];
  return textIssues(path, what, name, metadefLimits.nameLength);
}

/** Issues of what stands about the namespace itself; what is left out has none. */
export function namespaceIssues(input: Loose<NamespaceFields>): ValidationIssue[] {
  const { namespace, displayName, description, owner } = input;
  const found: ValidationIssue[] = [];
  if (namespace != null) found.push(...nameIssues(['namespace'], 'The namespace', namespace));
  if (displayName != null) {
    found.push(...textIssues(['displayName'], 'The display name', displayName, metadefLimits.nameLength));
  }
  if (description != null) {
    found.push(
      ...textIssues(['description'], 'The description', description, metadefLimits.descriptionLength),
    );
  }
  if (owner != null) {
    if (owner === '') found.push(issue(['owner'], 'EMPTY', 'owner is the id of a project.'));
    found.push(...textIssues(['owner'], 'The owner', owner, imageLimits.ownerLength));
  }
  return found;
}

/** Issues of the lists of a namespace, names given twice among them. */
export function contentIssues({ properties, objects, tags, resourceTypes }: ContentInput): ValidationIssue[] {
  return [
    ...listIssues(['properties'], properties, metadefLimits.properties, (p) => p.name, definitionIssues),
    ...listIssues(['objects'], objects, metadefLimits.objects, (o) => o.name, objectIssues),
    ...listIssues(['tags'], tags, metadefLimits.tags, (tag) => tag, tagIssues),
    ...listIssues(
      ['resourceTypes'],
      resourceTypes,
      metadefLimits.resourceTypes,
      (a) => a.resourceType,
      associationIssues,
    ),
  ];
}

export const tagIssues = (path: Path, tag: string) => nameIssues(path, 'A tag', tag);

function listIssues<T>(
  path: Path,
  list: readonly T[] | null | undefined,
  max: number,
  nameOf: (item: T) => string,
  issuesOf: (path: Path, item: T) => ValidationIssue[],
): ValidationIssue[] {
  if (!list) return [];
  if (list.length > max) return [issue(path, 'TOO_LONG', `${path.at(-1)} has at most ${max} entries.`)];
  const seen = new Set<string>();
  return list.flatMap((item, i) => {
    const at = [...path, String(i)];
    const found = issuesOf(at, item);
    const name = nameOf(item);
    if (seen.has(name)) found.push(issue(at, 'DUPLICATE', `${JSON.stringify(name)} is given twice.`));
    seen.add(name);
    return found;
  });
}

export function associationIssues(path: Path, input: AssociationInput): ValidationIssue[] {
  const { resourceType, prefix, propertiesTarget } = input;
  const found = nameIssues([...path, 'resourceType'], 'The resource type', resourceType);
  const max = metadefLimits.nameLength;
  if (prefix != null) found.push(...textIssues([...path, 'prefix'], 'The prefix', prefix, max));
  if (propertiesTarget != null) {
    found.push(...textIssues([...path, 'propertiesTarget'], 'The properties target', propertiesTarget, max));
  }
  return found;
}

export function objectIssues(path: Path, input: ObjectInput): ValidationIssue[] {
  const found = nameIssues([...path, 'name'], 'The name of an object', input.name);
  const properties = input.properties ?? [];
  found.push(...descriptionIssues(path, input.description));
  found.push(
    ...listIssues([...path, 'properties'], properties, metadefLimits.values, (p) => p.name, definitionIssues),
  );
  return [...found, ...requiredIssues([...path, 'required'], input.required ?? [], properties)];
}

/** What an object requires must be in it. */
export function requiredIssues(
  path: Path,
  required: readonly string[],
  properties: readonly { name: string }[],
): ValidationIssue[] {
  const names = new Set(properties.map(({ name }) => name));
  return required.flatMap((name, i) =>
    names.has(name)
      ? []
      : [
          issue(
            [...path, String(i)],
            'UNKNOWN_NAME',
            `${JSON.stringify(name)} is required, and no property of the object.`,
          ),
        ],
  );
}

const descriptionIssues = (path: Path, description: string | null | undefined) =>
  description == null
    ? []
    : textIssues(
        [...path, 'description'],
        'The description',
        description,
        metadefLimits.longDescriptionLength,
      );

export function definitionIssues(path: Path, input: DefinitionInput): ValidationIssue[] {
  const at = (field: string) => [...path, field];
  const found = nameIssues(at('name'), 'The name of a property', input.name);
  if (input.title === '') found.push(issue(at('title'), 'EMPTY', 'A property needs a title.'));
  found.push(...textIssues(at('title'), 'The title', input.title, metadefLimits.titleLength));
  found.push(...descriptionIssues(path, input.description));
  found.push(...valuesIssues(at('enum'), input.enum), ...valuesIssues(at('itemsEnum'), input.itemsEnum));
  found.push(...operatorsIssues(at('operators'), input.operators));
  for (const [least, most] of [
    ['minimum', 'maximum'],
    ['minLength', 'maxLength'],
    ['minItems', 'maxItems'],
  ] as const) {
    const [from, to] = [input[least], input[most]];
    if (from != null && to != null && from > to) {
      found.push(issue(at(most), 'CONTRADICTION', `${most} is less than ${least}.`));
    }
    for (const [name, value] of [
      [least, from],
      [most, to],
    ] as const) {
      if (value != null && !Number.isFinite(value)) {
        found.push(issue(at(name), 'OUT_OF_RANGE', `${name} is more than a number can be.`));
      }
      if (name !== 'minimum' && name !== 'maximum' && value != null && value < 0) {
        found.push(issue(at(name), 'OUT_OF_RANGE', `${name} cannot be negative.`));
      }
    }
  }
  if (input.pattern != null) found.push(...patternIssues(at('pattern'), input.pattern));
  if (input.default !== undefined) found.push(...defaultIssues(at('default'), input.default));
  return found;
}

/** One given twice counts once, as in files that others have written. */
function valuesIssues(path: Path, values: readonly string[] | null | undefined): ValidationIssue[] {
  if (!values) return [];
  if (values.length === 0) {
    return [issue(path, 'EMPTY', 'A list of allowed values that is empty would allow none; leave it out.')];
  }
  const { values: max, valueLength } = metadefLimits;
  if (values.length > max) return [issue(path, 'TOO_LONG', `${path.at(-1)} has at most ${max} entries.`)];
  return values.flatMap((value, i) =>
    textIssues([...path, String(i)], 'An allowed value', value, valueLength),
  );
}

function operatorsIssues(path: Path, operators: readonly string[] | null | undefined): ValidationIssue[] {
  return listIssues(
    path,
    operators,
    metadefLimits.operators,
    (o) => o,
    (at, o) => nameIssues(at, 'An operator', o),
  );
}

function patternIssues(path: Path, pattern: string): ValidationIssue[] {
  const found = textIssues(path, 'The pattern', pattern, metadefLimits.patternLength);
  const problem = found.length > 0 ? null : patternProblem(pattern);
  if (problem === null) return found;
  const message = `The pattern cannot be used (RE2, without lookaround and backreferences): ${problem}.`;
  return [issue(path, 'BAD_PATTERN', message.slice(0, 400).toWellFormed())];
}

function defaultIssues(path: Path, value: unknown): ValidationIssue[] {
  const problem = jsonProblem(value, metadefLimits.defaultDepth);
  if (problem) return [issue(path, problem.code, `The default ${problem.message}`)];
  const bytes = Buffer.byteLength(JSON.stringify(value) ?? '');
  if (bytes <= metadefLimits.defaultBytes) return [];
  return [issue(path, 'TOO_LONG', `The default is larger than ${metadefLimits.defaultBytes} bytes of JSON.`)];
}

/** JSON that PostgreSQL cannot keep, that nests without end, or that points elsewhere. */
function jsonProblem(value: unknown, depth: number): { code: string; message: string } | null {
  if (typeof value === 'string') {
    if (!value.includes('\0') && value.isWellFormed()) return null;
    return { code: 'BAD_CHARACTER', message: 'has a NUL or half a surrogate pair.' };
  }
  if (typeof value === 'number' && !Number.isFinite(value)) {
    return { code: 'OUT_OF_RANGE', message: 'has a number that is more than one can be.' };
  }
  if (typeof value !== 'object' || value === null) return null;
  if (depth === 0) {
    return { code: 'TOO_DEEP', message: `nests more than ${metadefLimits.defaultDepth} levels.` };
  }
  for (const [key, inner] of Object.entries(value)) {
    if (key === '$ref')
      return { code: 'BAD_REFERENCE', message: 'has a $ref, which is not followed; write it out.' };
    const problem = jsonProblem(key, 1) ?? jsonProblem(inner, depth - 1);
    if (problem) return problem;
  }
  return null;
}

/** The definition without what it does not say, nor says twice. */
export function definitionOf(input: DefinitionInput): NamedDefinition {
  const said = Object.entries(input).filter(
    ([key, value]) => value != null && !(value === false && (key === 'required' || key === 'readOnly')),
  );
  // JSON knows no -0.
  const plain = said.map(([key, value]) => [key, Object.is(value, -0) ? 0 : value]);
  const named = Object.fromEntries(plain) as unknown as NamedDefinition;
  if (named.enum) named.enum = [...new Set(named.enum)];
  if (named.itemsEnum) named.itemsEnum = [...new Set(named.itemsEnum)];
  return named;
}

/** Name and definition apart. */
export function splitDefinition(named: NamedDefinition): { name: string; definition: MetadefDefinition } {
  const { name, ...definition } = named;
  return { name, definition };
}

export function objectOf(input: ObjectInput): ObjectContent {
  return {
    name: input.name,
    ...(input.description == null ? {} : { description: input.description }),
    required: [...new Set(input.required ?? [])],
    properties: sortedByName((input.properties ?? []).map(definitionOf)),
  };
}

export function associationOf({
  resourceType,
  prefix,
  propertiesTarget,
}: AssociationInput): AssociationContent {
  return {
    resourceType,
    // An empty prefix is none.
    ...(prefix ? { prefix } : {}),
    ...(propertiesTarget ? { propertiesTarget } : {}),
  };
}

/** The lists that are given, sorted; those left out stay so. */
export function contentOf({
  properties,
  objects,
  tags,
  resourceTypes,
}: ContentInput): Partial<NamespaceContent> {
  return {
    ...(properties ? { properties: sortedByName(properties.map(definitionOf)) } : {}),
    ...(objects ? { objects: sortedByName(objects.map(objectOf)) } : {}),
    ...(tags ? { tags: tags.toSorted(byCodePoint) } : {}),
    ...(resourceTypes
      ? {
          resourceTypes: resourceTypes
            .map(associationOf)
            .sort((a, b) => byCodePoint(a.resourceType, b.resourceType)),
        }
      : {}),
  };
}

const sortedByName = <T extends { name: string }>(list: T[]) =>
  list.sort((a, b) => byCodePoint(a.name, b.name));

/** What a namespace becomes when a file of it is loaded over it, and how the two differ. */
import { isDeepStrictEqual } from 'node:util';
import { byCodePoint } from '../image.ts';
import type { NamespaceContent, NamespaceDocument, ObjectContent } from './metadef.ts';

/**
 * new: only what is not there yet as a namespace. merge: also parts that are missing in one. prefer-new: also parts
 * that are other than in the file. overwrite: exactly the file; what only the namespace has goes.
 */
export const loadModes = ['new', 'merge', 'prefer-new', 'overwrite'] as const;
export type LoadMode = (typeof loadModes)[number];

/** Null: the namespace stays as it is. */
export function mergedDocument(
  existing: NamespaceDocument,
  file: NamespaceDocument,
  mode: LoadMode,
): NamespaceDocument | null {
  if (mode === 'new') return null;
  const before = plain(existing);
  const merged = mode === 'overwrite' ? withOwner(file, before) : combined(before, plain(file), mode);
  return isDeepStrictEqual(before, plain(merged)) ? null : merged;
}

/** A file that names no owner leaves it. */
const withOwner = (file: NamespaceDocument, { owner }: NamespaceDocument) => ({
  ...file,
  owner: file.owner ?? owner,
});

/** Without what a kept namespace has besides. */
function plain(document: NamespaceDocument): NamespaceDocument {
  const { namespace, displayName, description, visibility, owner, protected: isProtected } = document;
  const { properties, objects, tags, resourceTypes } = document;
  const content = { properties, objects, tags, resourceTypes };
  return { namespace, displayName, description, visibility, owner, protected: isProtected, ...content };
}

function combined(
  before: NamespaceDocument,
  file: NamespaceDocument,
  mode: 'merge' | 'prefer-new',
): NamespaceDocument {
  const isPreferred = mode === 'prefer-new';
  const choose: Choose = (old, added) => (isPreferred ? added : old);
  const byName = ({ name }: { name: string }) => name;
  const chooseObject = (old: ObjectContent, added: ObjectContent): ObjectContent => ({
    ...choose(old, added),
    properties: joined(byName, [old.properties, added.properties], choose),
  });
  return {
    ...(isPreferred ? withOwner(file, before) : before),
    properties: joined(byName, [before.properties, file.properties], choose),
    objects: joined(byName, [before.objects, file.objects], chooseObject),
    tags: joined((tag) => tag, [before.tags, file.tags], choose),
    resourceTypes: joined((one) => one.resourceType, [before.resourceTypes, file.resourceTypes], choose),
  };
}

type Choose = <T>(old: T, added: T) => T;

/** Both lists as one, sorted; `choose` says what becomes of what both have. */
function joined<T>(
  key: (item: T) => string,
  [old, added]: [readonly T[], readonly T[]],
  choose: (old: T, added: T) => T,
): T[] {
  const items = new Map(old.map((item) => [key(item), item]));
  for (const item of added) {
    const known = items.get(key(item));
    items.set(key(item), known === undefined ? item : choose(known, item));
  }
  return [...items.values()].sort((a, b) => byCodePoint(key(a), key(b)));
}

/** What loading the file with `overwrite` would do to the namespace, a line each: `+ property x`, `- tag y`, `~ object z`. */
export function differences(existing: NamespaceDocument | undefined, file: NamespaceDocument): string[] {
  if (!existing) return ['+ namespace'];
  const [before, after] = [plain(existing), plain(withOwner(file, existing))];
  const lines: string[] = [];
  for (const field of ['displayName', 'description', 'visibility', 'protected', 'owner'] as const) {
    if (before[field] !== after[field]) lines.push(`~ ${field}`);
  }
  const [old, now] = [partsOf(before), partsOf(after)];
  for (const name of [...new Set([...old.keys(), ...now.keys()])]) {
    if (!now.has(name)) lines.push(`- ${name}`);
    else if (!old.has(name)) lines.push(`+ ${name}`);
    else if (!isDeepStrictEqual(old.get(name), now.get(name))) lines.push(`~ ${name}`);
  }
  return lines;
}

function partsOf({ properties, objects, tags, resourceTypes }: NamespaceContent): Map<string, unknown> {
  return new Map<string, unknown>([
    ...resourceTypes.map((one) => [`resource type ${one.resourceType}`, one] as const),
    ...properties.map((one) => [`property ${one.name}`, one] as const),
    ...objects.flatMap(({ properties: inside, ...object }) => [
      [`object ${object.name}`, object] as const,
      ...inside.map((one) => [`property ${object.name}.${one.name}`, one] as const),
    ]),
    ...tags.map((tag) => [`tag ${tag}`, tag] as const),
  ]);
}

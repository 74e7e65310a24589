/**
 * The image filter of a robot token: what of an ImageFilter it may say, how it is kept as JSON, and how it is read back.
 * What cannot be read back is an error, never a filter that says less.
 */
import type { Caller } from '../domain/caller.ts';
import { invalid, UnavailableError } from '../domain/errors.ts';
import { type ImageFilter, topWords } from './image-filter.ts';

/** All conditions there are, and whether an upload, an import or an answer to a share changes what they find. */
const conditions: Record<keyof ImageFilter, 'fixed' | 'moving'> = {
  and: 'fixed',
  or: 'fixed',
  not: 'fixed',
  id: 'fixed',
  name: 'fixed',
  kind: 'fixed',
  status: 'moving',
  visibility: 'fixed',
  owner: 'fixed',
  diskFormat: 'fixed',
  containerFormat: 'fixed',
  size: 'moving',
  virtualSize: 'moving',
  minDisk: 'fixed',
  minRam: 'fixed',
  digest: 'moving',
  protected: 'fixed',
  hidden: 'fixed',
  failed: 'moving',
  signature: 'moving',
  tags: 'fixed',
  properties: 'fixed',
  store: 'moving',
  sharedWith: 'moving',
  freeText: 'fixed',
  createdAt: 'fixed',
  updatedAt: 'moving',
};

/** Characters of its JSON: it is read with every look at the token, and part of every statement. */
const lengthMax = 10_000;

/** Which images the caller's token is for; null: whatever the roles show. The same object for the same caller. */
export function tokenFilter({ robot }: Caller): ImageFilter | null {
  return (robot?.imageFilter ?? null) as ImageFilter | null;
}

/**
 * The filter as it is kept.
 * @throws ValidationError it says nothing, says too much, or speaks of what changes under the hands of a token that writes
 */
export function storedFilter(filter: ImageFilter, { readOnly }: { readOnly: boolean }): unknown {
  const path = ['imageFilter'];
  if (Object.keys(filter).length === 0) {
    throw invalid(
      path,
      'EMPTY',
      'imageFilter says nothing; leave it out for a token that is for all images.',
    );
  }
  const moving = readOnly
    ? undefined
    : [...conditionsIn(filter)].find((name) => conditions[name] === 'moving');
  if (moving !== undefined) {
    const message = `${moving} changes while images are uploaded, imported or shared, so that only a token with readOnly can be for images by it; take another condition, such as tags or properties.`;
    throw invalid([...path, moving], 'MOVING', message);
  }
  const json = JSON.stringify(filter, (_, value) =>
    typeof value === 'bigint' ? { big: String(value) } : value,
  );
  if (json.length <= lengthMax) return JSON.parse(json);
  throw invalid(
    path,
    'TOO_LONG',
    `imageFilter is longer than ${lengthMax} characters as JSON; ask for less.`,
  );
}

/**
 * A filter that was kept.
 * @throws UnavailableError it has a condition that this version does not know: a newer one made it
 */
export function readStoredFilter(json: unknown): ImageFilter {
  const filter = withBigs(json) as ImageFilter;
  for (const name of conditionsIn(filter)) {
    if (Object.hasOwn(conditions, name)) continue;
    throw new UnavailableError(
      'A newer version of the service made this token, with an image filter that this one does not know.',
    );
  }
  return filter;
}

/** The same filter; its words make no difference to an order by relevance, since they are not what was looked for. */
export function withoutRelevance(filter: ImageFilter): ImageFilter {
  return topWords(filter).length > 0 ? { and: [{ and: [filter] }] } : filter;
}

/** Properties that conditions are on, and whether one is on free text, however deep. */
export function propertiesIn(filter: ImageFilter): { names: string[]; hasFreeText: boolean } {
  const found = {
    names: filter.properties?.map(({ name }) => name) ?? [],
    hasFreeText: filter.freeText !== undefined,
  };
  for (const part of partsOf(filter)) {
    const { names, hasFreeText } = propertiesIn(part);
    found.names.push(...names);
    found.hasFreeText ||= hasFreeText;
  }
  return found;
}

const partsOf = ({ and = [], or = [], not }: ImageFilter) => [...and, ...or, ...(not ? [not] : [])];

function* conditionsIn(filter: ImageFilter): Generator<keyof ImageFilter> {
  yield* Object.keys(filter) as (keyof ImageFilter)[];
  for (const part of partsOf(filter)) yield* conditionsIn(part);
}

function withBigs(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withBigs);
  if (typeof value !== 'object' || value === null) return value;
  if ('big' in value && typeof value.big === 'string') return BigInt(value.big);
  return Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, withBigs(inner)]));
}

/** Which filters PostgreSQL can estimate, so that its choice of a way is a good one. */
import type { ImageFilter, PropertyFilter, StringFilter } from '../search/image-filter.ts';

const estimableFields: ReadonlySet<string> = new Set([
  'id',
  'kind',
  'status',
  'visibility',
  'diskFormat',
  'containerFormat',
  'size',
  'virtualSize',
  'minDisk',
  'minRam',
  'protected',
  'hidden',
  'signature',
  'createdAt',
  'updatedAt',
] satisfies (keyof ImageFilter)[]);

type Names = { has(name: string): boolean };
export const noProperties: Names = new Set<string>();

/** Whether PostgreSQL has statistics on all that is asked: it has none on properties but the hot ones. */
export function isEstimable(filters: readonly ImageFilter[], hot: Names): boolean {
  return filters.every((filter) =>
    Object.entries(filter).every(([key, value]) => {
      if (key === 'and' || key === 'or') return isEstimable(value as ImageFilter[], hot);
      if (key === 'not') return isEstimable([value as ImageFilter], hot);
      if (key === 'name' || key === 'owner') return isEstimableText(value as StringFilter);
      if (key === 'properties')
        return filter.properties?.every((property) => isEstimableProperty(property, hot));
      return estimableFields.has(key);
    }),
  );
}

const isEstimableProperty = (
  { name, number, version, text, boolean, elements }: PropertyFilter,
  hot: Names,
) =>
  hot.has(name) &&
  (number !== undefined || version !== undefined) &&
  !text &&
  boolean === undefined &&
  !elements;

function isEstimableText({ contains, endsWith, matches, ignoreCase }: StringFilter): boolean {
  return contains === undefined && endsWith === undefined && matches === undefined && !ignoreCase;
}

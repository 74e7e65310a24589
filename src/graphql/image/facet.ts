/** Facets of a list of images: the values of its matches, counted. */
import type { ImageList } from '../../actions/list-images.ts';
import { checkLimit } from '../../actions/list-property-names.ts';
import type { Facet } from '../../db/image-facets.ts';
import { invalid } from '../../domain/errors.ts';
import { type FacetAttribute, type FacetOf, facetAttributes } from '../../search/facet.ts';
import { builder } from '../builder.ts';

const descriptions: Record<FacetAttribute, string> = {
  KIND: 'What the image is for.',
  STATUS: 'Where it is in its life.',
  VISIBILITY: 'Who sees it.',
  OWNER: 'Project that owns it.',
  DISK_FORMAT: 'What the bytes are as a disk.',
  CONTAINER_FORMAT: 'What is around the disk.',
  TAG: 'Its tags: an image with several counts in each.',
  STORE: 'Stores that have an active copy.',
  PROPERTY_NAME: 'Names of its custom properties.',
};

const FacetAttributeEnum = builder.enumType('FacetAttribute', {
  description: 'What images have values of.',
  values: Object.fromEntries(
    facetAttributes.map((name) => [name, { value: name, description: descriptions[name] }]),
  ) as unknown as Record<FacetAttribute, { value: FacetAttribute }>,
});

export const FacetInput = builder.inputType('FacetInput', {
  description: 'Exactly one of the two.',
  isOneOf: true,
  fields: (t) => ({
    attribute: t.field({ type: FacetAttributeEnum, description: 'Values of an attribute.' }),
    property: t.string({ description: 'Values of the custom property of this name.' }),
  }),
});

interface Bucket {
  value: string;
  count: number;
}

const FacetBucket = builder.objectRef<Bucket>('FacetBucket').implement({
  description: 'A value, and how many matches have it.',
  fields: (t) => ({
    value: t.exposeString('value', {
      description: 'Can be put back into where: enums by their GraphQL name, stores by Store.name.',
    }),
    count: t.exposeInt('count', { description: 'Matches that have it.' }),
  }),
});

export const FacetType = builder.objectRef<Facet>('Facet').implement({
  description: `Buckets by falling count, then by value. An image with several tags counts in several buckets. attribute or
property says which facet it is; the other is null.`,
  fields: (t) => ({
    attribute: t.field({
      type: FacetAttributeEnum,
      nullable: true,
      description: 'The attribute; null for a property.',
      resolve: ({ of }) => ('attribute' in of ? of.attribute : null),
    }),
    property: t.string({
      nullable: true,
      description: 'The property; null for an attribute.',
      resolve: ({ of }) => ('property' in of ? of.property : null),
    }),
    buckets: t.field({ type: [FacetBucket], description: 'The values.', resolve: (facet) => facet.buckets }),
    otherCount: t.exposeInt('otherCount', { description: 'Sum of the counts of the values beyond limit.' }),
    missingCount: t.exposeInt('missingCount', { description: 'Matches without any value.' }),
  }),
});

interface FacetAsked {
  attribute?: FacetAttribute | null;
  property?: string | null;
}

const facetsMax = 20;

/** @throws ValidationError too many, or a limit out of range; and what counting throws */
export async function facetsOf(
  list: ImageList,
  asked: readonly FacetAsked[],
  limit: number,
): Promise<Facet[]> {
  if (asked.length > facetsMax) {
    throw invalid(['of'], 'TOO_LONG', `At most ${facetsMax} facets are counted at once.`);
  }
  checkLimit(limit);
  return list.facets(asked.map(facetOf), limit);
}

function facetOf({ attribute, property }: FacetAsked, index: number): FacetOf {
  if (attribute) return { attribute };
  if (property == null || property.includes('\0') || !property.isWellFormed()) {
    throw invalid(['of', String(index)], 'BAD_FACET', 'A facet is of an attribute or of a property name.');
  }
  return { property };
}

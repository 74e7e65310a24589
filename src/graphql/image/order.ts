/** How lists of images are asked for besides their filter: what to see, and in what order. */
import { invalid } from '../../domain/errors.ts';
import type { ImageInclude } from '../../search/image-filter.ts';
import type { ImageOrder, OrderDirection, OrderField, PropertyOrder } from '../../search/image-order.ts';
import { builder } from '../builder.ts';

export const ImageIncludeEnum = builder.enumType('ImageInclude', {
  description: `What to see besides the images a list normally shows. A condition at the top of where, in its and, or at the
top of search does the same for what it names: visibility eq or in COMMUNITY, hidden: true, sharedWith with that
status; under or and not it does not.`,
  values: {
    COMMUNITY: { description: 'Community images of other projects.' },
    PENDING_SHARES: { description: "Images shared with the caller's project and not yet answered." },
    REJECTED_SHARES: { description: "Images shared with the caller's project that it turned down." },
    HIDDEN: { description: 'Images with hidden: true.' },
  } satisfies Record<ImageInclude, object>,
});

type AnyOrderField = OrderField | 'relevance' | 'property';

const orderValue = (value: AnyOrderField, description: string) => ({ value, description });

const ImageOrderFieldEnum = builder.enumType('ImageOrderField', {
  description:
    'What a list is ordered by. Enums sort by name. RELEVANCE makes no difference without search or freeText.',
  values: {
    CREATED_AT: orderValue('createdAt', 'When it was registered.'),
    UPDATED_AT: orderValue('updatedAt', 'When a field of it last changed.'),
    NAME: orderValue('name', 'Name, by code point.'),
    SIZE: orderValue('size', 'Bytes stored.'),
    VIRTUAL_SIZE: orderValue('virtualSize', 'Bytes of the disk inside.'),
    STATUS: orderValue('status', 'Where it is in its life.'),
    VISIBILITY: orderValue('visibility', 'Who sees it.'),
    OWNER: orderValue('owner', 'Project that owns it.'),
    DISK_FORMAT: orderValue('diskFormat', 'What the bytes are as a disk.'),
    CONTAINER_FORMAT: orderValue('containerFormat', 'What is around the disk.'),
    ID: orderValue('id', 'Id.'),
    RELEVANCE: orderValue(
      'relevance',
      'How well it fits the words at the top of search and freeText: the name before tags and descriptions.',
    ),
    PROPERTY: orderValue('property', 'A custom property, by its first 255 characters.'),
  },
});

export const OrderDirectionEnum = builder.enumType('OrderDirection', {
  description: 'Which way a list is ordered.',
  values: {
    ASC: { value: 'asc', description: 'Smallest, oldest, A first.' },
    DESC: { value: 'desc', description: 'Largest, newest, Z first.' },
  } as const,
});

const PropertyOrderEnum = builder.enumType('PropertyOrder', {
  description: 'How the values of a property are read to put them in order.',
  values: {
    TEXT: { value: 'text', description: 'By code point.' },
    NUMBER: { value: 'number', description: 'As decimal numbers.' },
    VERSION: { value: 'version', description: 'As versions: 9.9 before 9.10.' },
  } as const,
});

/** As it comes in. */
interface OrderInput {
  field: AnyOrderField;
  direction: OrderDirection;
  property?: string | null;
  as?: PropertyOrder | null;
}

export const ImageOrderInput = builder.inputRef<OrderInput>('ImageOrder').implement({
  description: `A key to order by. property is given exactly when field is PROPERTY; as says how it is read. Null, missing and
unreadable values come last in both directions. id is the last tie-breaker.`,
  fields: (t) => ({
    field: t.field({ type: ImageOrderFieldEnum, required: true, description: 'By what.' }),
    direction: t.field({
      type: OrderDirectionEnum,
      required: true,
      defaultValue: 'desc',
      description: 'Which way.',
    }),
    property: t.string({ description: 'Name of the property, with PROPERTY.' }),
    as: t.field({
      type: PropertyOrderEnum,
      defaultValue: 'text',
      description: 'How the property is read.',
    }),
  }),
});

/** @throws ValidationError property is missing, or not meant */
export function orderOf(input: readonly OrderInput[] | null | undefined): ImageOrder[] {
  return (input ?? []).map(({ field, direction, property, as }, index) => {
    const path = ['orderBy', String(index), 'property'];
    if (field !== 'property') {
      if (property == null) return { field, direction };
      throw invalid(path, 'CONTRADICTION', 'property is given with field: PROPERTY only.');
    }
    if (property == null) throw invalid(path, 'REQUIRED', 'Name the property to order by.');
    if (property.includes('\0') || !property.isWellFormed()) {
      throw invalid(path, 'BAD_CHARACTER', 'property has a NUL or half a surrogate pair; no image has that.');
    }
    return { field, direction, property, as: as ?? 'text' };
  });
}

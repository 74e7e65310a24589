/** Operators that filters of all kinds share: on text, and on choices. What they mean is `search/image-filter.ts`. */
import type { EnumRef } from '@pothos/core';
import type * as search from '../search/image-filter.ts';
import { builder } from './builder.ts';

export const operators = {
  eq: 'Equal to this.',
  ne: 'Has a value, and not this one.',
  in: 'Equal to one of these; an empty list matches nothing.',
  notIn: 'Has a value, and none of these; an empty list matches every value.',
  lt: 'Less than this.',
  lte: 'This or less.',
  gt: 'More than this.',
  gte: 'This or more.',
  isNull: 'true: there is no value; false: there is one.',
};

export const StringFilter = builder.inputRef<search.StringFilter>('StringFilter').implement({
  description: `ignoreCase applies to every operator beside it. contains, startsWith and endsWith take text as it is,
without wildcards. matches is a POSIX extended regular expression that may match anywhere; a bad one is refused. Text compares and sorts by Unicode code point.`,
  fields: (t) => ({
    eq: t.string({ description: operators.eq }),
    ne: t.string({ description: operators.ne }),
    in: t.stringList({ description: operators.in }),
    notIn: t.stringList({ description: operators.notIn }),
    contains: t.string({ description: 'Has this somewhere.' }),
    startsWith: t.string({ description: 'Begins with this.' }),
    endsWith: t.string({ description: 'Ends with this.' }),
    matches: t.string({
      description: 'A POSIX extended regular expression matches somewhere; one that is none is refused.',
    }),
    isNull: t.boolean({ description: operators.isNull }),
    ignoreCase: t.boolean({ defaultValue: false, description: 'Upper and lower case are the same.' }),
  }),
});

type Choice<T extends string> = EnumRef<ExtendedTypes, T, T>;
type ExtendedTypes = typeof builder extends PothosSchemaTypes.SchemaBuilder<infer T> ? T : never;

/** A filter on a choice: eq, ne, in, notIn, and isNull where the field may be null. */
export function choiceFilter<T extends string>(name: string, type: Choice<T>, nullable = false) {
  return builder.inputRef<search.NullableSetFilter<T>>(name).implement({
    description: 'A condition on a choice.',
    // Pothos cannot follow the shape of a type parameter.
    fields: (t) =>
      ({
        eq: t.field({ type, description: operators.eq }),
        ne: t.field({ type, description: operators.ne }),
        in: t.field({ type: [type], description: operators.in }),
        notIn: t.field({ type: [type], description: operators.notIn }),
        ...(nullable ? { isNull: t.boolean({ description: operators.isNull }) } : {}),
      }) as never,
  });
}

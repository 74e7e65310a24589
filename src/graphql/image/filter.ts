/** ImageFilter and its parts, as GraphQL inputs; what they mean is `search/image-filter.ts`. */
import type { Instant } from '../../domain/image.ts';
import type * as search from '../../search/image-filter.ts';
import { builder } from '../builder.ts';
import {
  ContainerFormat,
  DiskFormat,
  ImageKind,
  ImageStatus,
  ImageVisibility,
  MemberStatus,
  SignatureState,
} from '../enums.ts';
import { choiceFilter, operators, StringFilter } from '../operators.ts';

const IDFilter = builder.inputRef<search.SetFilter<string>>('IDFilter').implement({
  description: 'Ids as printed; one that is malformed matches nothing.',
  fields: (t) => ({
    eq: t.id({ description: operators.eq }),
    ne: t.id({ description: operators.ne }),
    in: t.idList({ description: operators.in }),
    notIn: t.idList({ description: operators.notIn }),
  }),
});

const IntFilter = builder.inputRef<search.RangeFilter<number>>('IntFilter').implement({
  description: 'A condition on a whole number.',
  fields: (t) => ({
    eq: t.int({ description: operators.eq }),
    ne: t.int({ description: operators.ne }),
    in: t.intList({ description: operators.in }),
    notIn: t.intList({ description: operators.notIn }),
    lt: t.int({ description: operators.lt }),
    lte: t.int({ description: operators.lte }),
    gt: t.int({ description: operators.gt }),
    gte: t.int({ description: operators.gte }),
  }),
});

const BigIntFilter = builder.inputRef<search.NullableRangeFilter<number | bigint>>('BigIntFilter').implement({
  description: 'A condition on a number of bytes.',
  fields: (t) => ({
    eq: t.field({ type: 'BigInt', description: operators.eq }),
    ne: t.field({ type: 'BigInt', description: operators.ne }),
    in: t.field({ type: ['BigInt'], description: operators.in }),
    notIn: t.field({ type: ['BigInt'], description: operators.notIn }),
    lt: t.field({ type: 'BigInt', description: operators.lt }),
    lte: t.field({ type: 'BigInt', description: operators.lte }),
    gt: t.field({ type: 'BigInt', description: operators.gt }),
    gte: t.field({ type: 'BigInt', description: operators.gte }),
    isNull: t.boolean({ description: operators.isNull }),
  }),
});

const FloatFilter = builder.inputRef<search.RangeFilter<number>>('FloatFilter').implement({
  description: 'A condition on a number.',
  fields: (t) => ({
    eq: t.float({ description: operators.eq }),
    ne: t.float({ description: operators.ne }),
    in: t.floatList({ description: operators.in }),
    notIn: t.floatList({ description: operators.notIn }),
    lt: t.float({ description: operators.lt }),
    lte: t.float({ description: operators.lte }),
    gt: t.float({ description: operators.gt }),
    gte: t.float({ description: operators.gte }),
  }),
});

const VersionFilter = builder.inputRef<search.RangeFilter<string>>('VersionFilter').implement({
  description: `Versions are compared part by part, numbers as numbers, pre-releases before releases:
9.10 > 9.9 > 9.9-rc1 and 1.0-1ubuntu2 > 1.0-1 > 1.0 > 1.0~rc1. An operand that is no version is refused.`,
  fields: (t) => ({
    eq: t.string({ description: operators.eq }),
    ne: t.string({ description: operators.ne }),
    in: t.stringList({ description: operators.in }),
    notIn: t.stringList({ description: operators.notIn }),
    lt: t.string({ description: operators.lt }),
    lte: t.string({ description: operators.lte }),
    gt: t.string({ description: operators.gt }),
    gte: t.string({ description: operators.gte }),
  }),
});

const DateTimeFilter = builder.inputRef<search.RangeFilter<Instant>>('DateTimeFilter').implement({
  description: 'A condition on a time, to the microsecond.',
  fields: (t) => ({
    eq: t.field({ type: 'DateTime', description: operators.eq }),
    ne: t.field({ type: 'DateTime', description: operators.ne }),
    lt: t.field({ type: 'DateTime', description: 'Before this.' }),
    lte: t.field({ type: 'DateTime', description: 'At this or before.' }),
    gt: t.field({ type: 'DateTime', description: 'After this.' }),
    gte: t.field({ type: 'DateTime', description: 'At this or after.' }),
  }),
});

const TagsFilter = builder.inputRef<search.TagsFilter>('TagsFilter').implement({
  description: 'Whole tags, case as it stands.',
  fields: (t) => ({
    has: t.string({ description: 'Has this tag.' }),
    hasAll: t.stringList({ description: 'Has all of these; an empty list matches every image.' }),
    hasAny: t.stringList({ description: 'Has one of these; an empty list matches nothing.' }),
    hasNone: t.stringList({ description: 'Has none of these; an empty list matches every image.' }),
    isEmpty: t.boolean({ description: 'true: has no tag; false: has some.' }),
  }),
});

const ElementsFilter = builder.inputRef<search.ElementsFilter>('ElementsFilter').implement({
  description: `Elements of a list that is written as text: a JSON array; words after operators (<or> a <or> b, <all-in> a b);
otherwise what stands between commas. Whole elements, case as it stands.`,
  fields: (t) => ({
    has: t.string({ description: 'Has this element.' }),
    hasAll: t.stringList({ description: 'Has all of these; an empty list matches every value.' }),
    hasAny: t.stringList({ description: 'Has one of these; an empty list matches nothing.' }),
    hasNone: t.stringList({ description: 'Has none of these; an empty list matches every value.' }),
  }),
});

const PropertyFilter = builder.inputRef<search.PropertyFilter>('PropertyFilter').implement({
  description: `A condition on one custom property. Give the view of the value that the comparison needs. A value that cannot
be read that way does not match, nor does a missing property. Several views must all hold. name alone means
exists: true. exists: false finds images without it and stands alone; text: {isNull: true} means the same.`,
  fields: (t) => ({
    name: t.string({ required: true, description: 'Name of the property.' }),
    exists: t.boolean({ description: 'true: the image has it; false: it does not.' }),
    text: t.field({ type: StringFilter, description: 'The value as it is stored.' }),
    number: t.field({
      type: FloatFilter,
      description: 'The value as a decimal number; sign and exponent allowed.',
    }),
    version: t.field({ type: VersionFilter, description: 'The value as a version.' }),
    boolean: t.boolean({
      description: 'The value as OpenStack reads it: true/yes/on/1 and false/no/off/0, in any case.',
    }),
    elements: t.field({ type: ElementsFilter, description: 'The value as a list.' }),
  }),
});

const SharedWithFilter = builder.inputRef<search.SharedWithFilter>('SharedWithFilter').implement({
  description: `Images shared with a project. Another project's memberships are seen only on images that the caller's project
owns.`,
  fields: (t) => ({
    project: t.string({ description: "The project; left out, the caller's." }),
    status: t.field({ type: MemberStatus, description: 'What it answered; left out, anything.' }),
  }),
});

const ImageKindFilter = choiceFilter('ImageKindFilter', ImageKind);
const ImageStatusFilter = choiceFilter('ImageStatusFilter', ImageStatus);
const ImageVisibilityFilter = choiceFilter('ImageVisibilityFilter', ImageVisibility);
const DiskFormatFilter = choiceFilter('DiskFormatFilter', DiskFormat, true);
const SignatureStateFilter = choiceFilter('SignatureStateFilter', SignatureState, true);
const ContainerFormatFilter = choiceFilter('ContainerFormatFilter', ContainerFormat, true);

/** Nulls of variables are still in it: `checkedFilter` makes a search.ImageFilter of it. */
export const ImageFilter = builder.inputRef<search.ImageFilter>('ImageFilter');

ImageFilter.implement({
  description: `All given conditions must hold, and all operators inside one condition. and/or/not nest. Conditions are true
or false, never unknown: on a missing value every operator is false, ne and notIn too, except isNull: true and
exists: false; not turns exactly that around, so not: {name: {eq: "x"}} finds images without a name and
name: {ne: "x"} does not. Empty: {} and and: [] are true, or: [] false, in: [] false, notIn: [] true on a value.
null in place of a whole condition is as if left out; null as the operand of an operator is refused.`,
  fields: (t) => ({
    and: t.field({ type: [ImageFilter], description: 'All of these hold.' }),
    or: t.field({ type: [ImageFilter], description: 'One of these holds.' }),
    not: t.field({ type: ImageFilter, description: 'This does not hold.' }),
    id: t.field({ type: IDFilter, description: 'Id of the image.' }),
    name: t.field({ type: StringFilter, description: 'Name of the image.' }),
    kind: t.field({ type: ImageKindFilter, description: 'What it is for.' }),
    status: t.field({ type: ImageStatusFilter, description: 'Where it is in its life.' }),
    visibility: t.field({
      type: ImageVisibilityFilter,
      description:
        'Who sees it. At the top of where, or in its and, COMMUNITY also brings those of other projects.',
    }),
    owner: t.field({ type: StringFilter, description: 'Project that owns it.' }),
    diskFormat: t.field({ type: DiskFormatFilter, description: 'What the bytes are as a disk.' }),
    containerFormat: t.field({
      type: ContainerFormatFilter,
      description: 'What is around the disk.',
    }),
    size: t.field({ type: BigIntFilter, description: 'Bytes stored.' }),
    virtualSize: t.field({ type: BigIntFilter, description: 'Bytes of the disk inside.' }),
    minDisk: t.field({ type: IntFilter, description: 'GiB.' }),
    minRam: t.field({ type: IntFilter, description: 'MiB.' }),
    digest: t.string({
      description: 'Any digest of the image (MD5 too), whole or by a prefix of at least 8 hex digits.',
    }),
    protected: t.boolean({ description: 'Whether it is protected from deletion.' }),
    hidden: t.boolean({
      description: 'Whether it is hidden. At the top of where, or in its and, true also brings hidden ones.',
    }),
    failed: t.boolean({ description: 'Whether the last upload or import failed.' }),
    signature: t.field({
      type: SignatureStateFilter,
      description: 'What is known of its signature; null when none of its properties speaks of one.',
    }),
    tags: t.field({ type: TagsFilter, description: 'Its tags.' }),
    properties: t.field({
      type: [PropertyFilter],
      description: 'Every one must hold, on the same image; a name may stand more than once.',
    }),
    store: t.field({
      type: StringFilter,
      description: 'Some active copy is in a store of such a name; not: {store: ...} means none is.',
    }),
    sharedWith: t.field({
      type: SharedWithFilter,
      description: `Images shared with a project, by the state of the membership. At the top of where, or in its and, PENDING or
REJECTED for the own project also brings those.`,
    }),
    freeText: t.string({
      description: `Every word, and every phrase in double quotes, occurs in the name, a tag or a describing property
(description, os_distro, os_version ...), as a part of a word too; case does not matter.`,
    }),
    createdAt: t.field({ type: DateTimeFilter, description: 'When it was registered.' }),
    updatedAt: t.field({ type: DateTimeFilter, description: 'When a field of it last changed.' }),
  }),
});

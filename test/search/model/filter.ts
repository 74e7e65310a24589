/** Whether an image matches a filter of the contract's shape: two-valued logic, to the letter. */
import {
  type ModelCaller,
  type ModelImage,
  membershipOf,
  microsOf,
  propertyOf,
  storesOf,
} from './catalog.ts';
import { booleanIn, elementsIn, numberIn, withoutCase } from './values.ts';
import { compareVersions, isVersion } from './version.ts';

/** Any scalar operator of the contract with its operand. */
export interface Operators<T> {
  eq?: T;
  ne?: T;
  in?: T[];
  notIn?: T[];
  lt?: T;
  lte?: T;
  gt?: T;
  gte?: T;
  isNull?: boolean;
}

export interface TextOperators extends Omit<Operators<string>, 'lt' | 'lte' | 'gt' | 'gte'> {
  contains?: string;
  startsWith?: string;
  endsWith?: string;
  matches?: string;
  ignoreCase?: boolean;
}

export interface PropertyCondition {
  name: string;
  exists?: boolean;
  text?: TextOperators | null;
  number?: Operators<number> | null;
  version?: Operators<string> | null;
  boolean?: boolean | null;
  elements?: ElementOperators | null;
}

export interface ElementOperators {
  has?: string;
  hasAll?: string[];
  hasAny?: string[];
  hasNone?: string[];
}

export interface TagOperators {
  has?: string;
  hasAll?: string[];
  hasAny?: string[];
  hasNone?: string[];
  isEmpty?: boolean;
}

/** Conditions by what they are about; null in place of a condition is as if left out. */
export interface Conditions {
  id: Operators<string>;
  name: TextOperators;
  kind: Operators<string>;
  status: Operators<string>;
  visibility: Operators<string>;
  owner: TextOperators;
  diskFormat: Operators<string>;
  containerFormat: Operators<string>;
  size: Operators<number>;
  virtualSize: Operators<number>;
  minDisk: Operators<number>;
  minRam: Operators<number>;
  digest: string;
  protected: boolean;
  hidden: boolean;
  failed: boolean;
  signature: Operators<string>;
  tags: TagOperators;
  properties: PropertyCondition[];
  store: TextOperators;
  sharedWith: { project?: string | null; status?: string | null };
  freeText: string;
  createdAt: Operators<string>;
  updatedAt: Operators<string>;
}

export type Filter = { [K in keyof Conditions]?: Conditions[K] | null } & {
  and?: Filter[] | null;
  or?: Filter[] | null;
  not?: Filter | null;
};

type Holds = {
  [K in keyof Conditions]: (image: ModelImage, asked: Conditions[K], caller: ModelCaller) => boolean;
};

const holds: Holds = {
  id: (image, { eq, ne, in: list, notIn }) =>
    scalarHolds(image.id, {
      ...(eq === undefined ? {} : { eq: eq.toLowerCase() }),
      ...(ne === undefined ? {} : { ne: ne.toLowerCase() }),
      ...(list && { in: list.map((id) => id.toLowerCase()) }),
      ...(notIn && { notIn: notIn.map((id) => id.toLowerCase()) }),
    }),
  name: (image, asked) => textHolds(image.name, asked),
  kind: (image, asked) => scalarHolds(image.kind, asked),
  status: (image, asked) => scalarHolds(image.status, asked),
  visibility: (image, asked) => scalarHolds(image.visibility, asked),
  owner: (image, asked) => textHolds(image.owner, asked),
  diskFormat: (image, asked) => scalarHolds(image.diskFormat, asked),
  containerFormat: (image, asked) => scalarHolds(image.containerFormat, asked),
  size: (image, asked) => scalarHolds(image.size, asked),
  virtualSize: (image, asked) => scalarHolds(image.virtualSize, asked),
  minDisk: (image, asked) => scalarHolds(image.minDisk, asked),
  minRam: (image, asked) => scalarHolds(image.minRam, asked),
  digest: (image, asked) => digestsOf(image).some((digest) => digest.startsWith(asked.toLowerCase())),
  protected: (image, asked) => image.protected === asked,
  hidden: (image, asked) => image.hidden === asked,
  failed: (image, asked) => image.failed === asked,
  signature: (image, asked) => scalarHolds(image.signature, asked),
  tags: ({ tags }, asked) => tagsHold(tags, asked),
  properties: (image, asked) => asked.every((one) => propertyHolds(propertyOf(image, one.name), one)),
  store: (image, asked) => storesOf(image).some((store) => textHolds(store, asked)),
  sharedWith: (image, asked, caller) => isSharedWith(image, asked, caller),
  freeText: (image, asked) => saysFreely(image, asked),
  createdAt: (image, asked) => instantHolds(image.createdAt, asked),
  updatedAt: (image, asked) => instantHolds(image.updatedAt, asked),
};

/** Says nothing about whether the caller sees the image, but for what sharedWith may tell. */
export function matches(image: ModelImage, where: Filter, caller: ModelCaller): boolean {
  if (where.and && !where.and.every((one) => matches(image, one, caller))) return false;
  if (where.or && !where.or.some((one) => matches(image, one, caller))) return false;
  if (where.not && matches(image, where.not, caller)) return false;
  return (Object.keys(holds) as (keyof Conditions)[]).every((key) =>
    conditionHolds(key, image, where, caller),
  );
}

function conditionHolds<K extends keyof Conditions>(
  key: K,
  image: ModelImage,
  where: { [P in K]?: Conditions[P] | null },
  caller: ModelCaller,
): boolean {
  const asked = where[key];
  return asked === null || asked === undefined || holds[key](image, asked, caller);
}

type Compare<T> = (a: T, b: T) => number;

const byValue = <T>(a: T, b: T): number => (a < b ? -1 : a > b ? 1 : 0);

function scalarHolds<T>(value: T | null, asked: Operators<T>, compare: Compare<T> = byValue): boolean {
  if (asked.isNull !== undefined && asked.isNull !== (value === null)) return false;
  const { isNull: _said, ...operators } = asked;
  if (value === null) return Object.keys(operators).length === 0;
  const { eq, ne, in: list, notIn, lt, lte, gt, gte } = operators;
  const is = (other: T) => compare(value, other) === 0;
  return (
    (eq === undefined || is(eq)) &&
    (ne === undefined || !is(ne)) &&
    (list === undefined || list.some(is)) &&
    (notIn === undefined || !notIn.some(is)) &&
    (lt === undefined || compare(value, lt) < 0) &&
    (lte === undefined || compare(value, lte) <= 0) &&
    (gt === undefined || compare(value, gt) > 0) &&
    (gte === undefined || compare(value, gte) >= 0)
  );
}

const instantHolds = (value: string, asked: Operators<string>) =>
  scalarHolds(value, asked, (a, b) => microsOf(a) - microsOf(b));

function textHolds(value: string | null, { ignoreCase = false, ...asked }: TextOperators): boolean {
  const { contains, startsWith, endsWith, matches: pattern, ...operators } = asked;
  if (value === null) return asked.isNull !== false && Object.keys(asked).every((key) => key === 'isNull');
  const plain = (text: string) => (ignoreCase ? withoutCase(text) : text);
  const text = plain(value);
  return (
    scalarHolds(text, withOperands(operators, plain)) &&
    (contains === undefined || text.includes(plain(contains))) &&
    (startsWith === undefined || text.startsWith(plain(startsWith))) &&
    (endsWith === undefined || text.endsWith(plain(endsWith))) &&
    (pattern === undefined || new RegExp(pattern, ignoreCase ? 'sui' : 'su').test(value))
  );
}

function withOperands(
  { eq, ne, in: list, notIn, isNull }: Operators<string>,
  plain: (text: string) => string,
) {
  return {
    ...(isNull === undefined ? {} : { isNull }),
    ...(eq === undefined ? {} : { eq: plain(eq) }),
    ...(ne === undefined ? {} : { ne: plain(ne) }),
    ...(list && { in: list.map(plain) }),
    ...(notIn && { notIn: notIn.map(plain) }),
  };
}

function tagsHold(tags: string[], { has, hasAll, hasAny, hasNone, isEmpty }: TagOperators): boolean {
  return (
    (has === undefined || tags.includes(has)) &&
    (hasAll === undefined || hasAll.every((tag) => tags.includes(tag))) &&
    (hasAny === undefined || hasAny.some((tag) => tags.includes(tag))) &&
    (hasNone === undefined || !hasNone.some((tag) => tags.includes(tag))) &&
    (isEmpty === undefined || isEmpty === (tags.length === 0))
  );
}

function propertyHolds(value: string | undefined, asked: PropertyCondition): boolean {
  const { exists, text, number, version, boolean, elements } = asked;
  if (value === undefined) {
    if (exists === false) return true;
    const says = [exists, number, version, boolean, elements].some(
      (view) => view !== undefined && view !== null,
    );
    return !says && text?.isNull === true && textHolds(null, text);
  }
  if (exists === false) return false;
  if (text && !textHolds(value, text)) return false;
  if (number && !numberHolds(value, number)) return false;
  if (version && !versionHolds(value, version)) return false;
  if (elements && !tagsHold(elementsIn(value), elements)) return false;
  return boolean === undefined || boolean === null || booleanIn(value) === boolean;
}

function numberHolds(value: string, asked: Operators<number>): boolean {
  const number = numberIn(value);
  return number !== null && scalarHolds(number, asked);
}

function versionHolds(value: string, asked: Operators<string>): boolean {
  return isVersion(value) && scalarHolds(value, asked, (a, b) => compareVersions(a, b) ?? Number.NaN);
}

function digestsOf(image: ModelImage): string[] {
  return [...Object.values(image.digests), ...(image.checksum === null ? [] : [image.checksum])];
}

function isSharedWith(image: ModelImage, asked: Conditions['sharedWith'], caller: ModelCaller): boolean {
  const project = asked.project ?? caller.project;
  const ownsIt = caller.project !== null && image.owner === caller.project;
  if (project !== caller.project && !ownsIt && !caller.isAdmin) return false;
  const status = membershipOf(image, project);
  return status !== undefined && (asked.status ?? status) === status;
}

/** The properties that free text looks into, beside name and tags. */
export const describingProperties = [
  'os_distro',
  'os_version',
  'title',
  'description',
  'image_description',
  'summary',
  'display_name',
];

function saysFreely(image: ModelImage, asked: string): boolean {
  const texts = [
    image.name ?? '',
    ...image.tags,
    ...describingProperties.map((name) => propertyOf(image, name) ?? ''),
  ].map(withoutCase);
  return wordsOf(asked).every((word) => texts.some((text) => text.includes(withoutCase(word))));
}

/** The words and closed "phrases" of free text. */
export function wordsOf(text: string): string[] {
  const found = text.matchAll(/"([^"]*)"|(\P{White_Space}+)/gu);
  return [...found].map(([, phrase, word = '']) => phrase ?? word);
}

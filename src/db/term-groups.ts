/**
 * What a filter says in terms of `image_terms`: groups of terms, one of which every image that matches must have.
 * A group is a list of candidates in the order of time; the shortest is where a search begins. What is found is
 * looked at again with the whole filter.
 */
import { wordsOf } from '../search/free-text.ts';
import { type ImageFilter, type PropertyFilter, topConditions } from '../search/image-filter.ts';
import type { Database } from './client.ts';
import { indexedAlternatives } from './image-filter.ts';
import { newParams, type Params } from './params.ts';
import { containsPattern, lowerCasedSql } from './patterns.ts';
import { rangeConditions } from './value-filter.ts';

/** A row of image_terms before it is hashed: as vitrine_terms has it. */
export interface Term {
  name: string;
  value: string;
}

export interface TermGroup {
  terms: Term[];
  /** Rows of all its terms, `max` for those that have more; may be a minute old. */
  count: number;
}

const tagName = '';
export const wordName = '\u0001';
const digestName = '\u0002';

/** Words and values that a part of a word or a range may stand for; with more of them it says too little. */
const expansionMax = 64;

/**
 * Groups of all the filters, the shortest first, counted to `max` rows. Empty: none of the conditions at their tops
 * says a term.
 */
export async function findTermGroups(
  db: Database,
  filters: readonly ImageFilter[],
  { isHot, max }: { isHot: (property: string) => boolean; max: number },
): Promise<TermGroup[]> {
  const tops = filters.flatMap(topConditions);
  const groups = [...tops.flatMap(plainGroups), ...(await expandedGroups(db, tops, isHot))];
  const counts = await countTerms(
    db,
    groups.flatMap((terms) => terms.map((term) => ({ term, max: maxOf(terms, max) }))),
  );
  return groups
    .map((terms) => ({ terms, count: sumOf(terms, max, counts) }))
    .sort((a, b) => a.count - b.count);
}

/** So many rows of each term of a group are counted: of many terms fewer, since all are read. */
const maxOf = (terms: readonly Term[], max: number) =>
  terms.length <= 4 ? max : Math.ceil(max / terms.length);

/** Rows of all the terms; `max` for one that has more than were counted. */
function sumOf(terms: readonly Term[], max: number, counts: Counts): number {
  const counted = maxOf(terms, max);
  let sum = 0;
  for (const term of terms) {
    const count = counts.get(keyOf({ term, max: counted }))?.count ?? 0;
    sum += count >= counted ? max : count;
  }
  return sum;
}

function plainGroups({ tags, properties = [], digest }: ImageFilter): Term[][] {
  const one = (name: string, value: string): Term[] => [{ name, value }];
  const any = (name: string, values: string[] | undefined): Term[][] =>
    values && values.length <= indexedAlternatives ? [values.map((value) => ({ name, value }))] : [];
  const groups: Term[][] = [];
  if (digest !== undefined) groups.push(one(digestName, digest.slice(0, 8)));
  if (tags?.has !== undefined) groups.push(one(tagName, tags.has));
  for (const tag of tags?.hasAll ?? []) groups.push(one(tagName, tag));
  groups.push(...any(tagName, tags?.hasAny));
  for (const { name, text } of properties) {
    if (!text || text.ignoreCase) continue;
    if (text.eq !== undefined) groups.push(one(name, text.eq));
    groups.push(...any(name, text.in));
  }
  return groups;
}

/**
 * Parts of words, and ranges of hot properties: what the vocabulary has for them, asked now, since an answer may
 * hang on a word that was written a moment ago.
 */
async function expandedGroups(
  db: Database,
  tops: readonly ImageFilter[],
  isHot: (property: string) => boolean,
): Promise<Term[][]> {
  const params = newParams();
  const selects = tops.flatMap((top) => [
    ...textsOf(top).flatMap((text) => wordsSql(text, params)),
    ...(top.properties ?? []).filter((p) => isHot(p.name)).flatMap((p) => valuesSql(p, params)),
  ]);
  if (selects.length === 0) return [];
  const numbered = selects.map((select, n) => `select ${n} as n, s.* from (${select}) as s`);
  const rows = await db.search<Term & { n: number }>(numbered.join(' union all '), params.values, {
    prepared: true,
  });
  return selects
    .map((_, n) => rows.filter((row) => row.n === n).map(({ name, value }) => ({ name, value })))
    .filter((terms) => terms.length <= expansionMax && !terms.some((term) => term.value === tooMany));
}

/** Texts that the search text of an image must have somewhere, whole words and parts of them. */
function textsOf({ freeText, name }: ImageFilter): string[] {
  const found = wordsOf(freeText ?? '');
  if (name?.contains !== undefined) found.push(name.contains);
  if (name?.endsWith !== undefined) found.push(name.endsWith);
  if (name?.ignoreCase && name.startsWith !== undefined) found.push(name.startsWith);
  if (name?.ignoreCase && name.eq !== undefined) found.push(name.eq);
  return found;
}

/** What separates words in vitrine_words. */
const separators = /[ \t\n\r\x1f!"#$%&'()*+,\-/:;<=>?@[\\\]^_`{|}~]+/;
const wordLength = 3;
/** What vitrine_words has in place of words that are too long to be indexed: any of them may be meant. */
const longWord = '\u0003';

/** Pieces of a text that are looked up: the longest say the most. */
const piecesMax = 4;
/** Without it a piece has hardly a trigram, and all words would be looked through. */
const hasTrigrams = /[\p{L}\p{N}]{2}/u;

/** For each piece of `text` between separators the words that have it in them; short pieces say nothing. */
function wordsSql(text: string, params: Params): string[] {
  const length = (piece: string) => [...piece].length;
  const pieces = [...new Set(text.split(separators))]
    .filter((piece) => length(piece) >= wordLength && hasTrigrams.test(piece))
    .sort((a, b) => length(b) - length(a))
    .slice(0, piecesMax);
  return pieces.map((piece) => {
    const name = params.add(wordName, 'text');
    const pattern = lowerCasedSql(containsPattern(piece), params);
    return `(select ${name} as name, value from image_vocabulary where name = '' and value like ${pattern}
        limit ${expansionMax + 1})
      union all
      select ${name}, value from image_vocabulary where name = '' and value = ${params.add(longWord, 'text')}`;
  });
}

/** Values of a hot property that are looked through; with more of them its own index is the better way. */
const valuesMax = 500;
/** In place of a value: there are more. */
const tooMany = '';

function valuesSql({ name, number, version, boolean }: PropertyFilter, params: Params): string[] {
  const conditions = [
    ...(number ? rangeConditions('vitrine_number(value)', 'float8', number, params) : []),
    ...(version ? rangeConditions('(vitrine_version(value) collate "C")', 'version', version, params) : []),
    ...(boolean === undefined ? [] : [`vitrine_boolean(value) = ${params.add(boolean, 'boolean')}`]),
  ];
  if (conditions.length === 0) return [];
  const property = params.add(name, 'text');
  const known = `select name, value from image_vocabulary where name = ${property} limit ${valuesMax + 1}`;
  return [
    `(select name, value from (${known}) as known where ${conditions.join(' and ')} limit ${expansionMax + 1})
      union all select ${property}, '' from (${known}) as known having count(*) > ${valuesMax}`,
  ];
}

/** How often terms occur is only asked to choose a way: what was known a minute ago will do. */
type Counts = Map<string, { count: number; until: number }>;
const known = new WeakMap<Database, Counts>();
const countsKept = 20_000;
const countsFreshMs = 60_000;

interface Counting {
  term: Term;
  /** Rows beyond it are not counted. */
  max: number;
}

const keyOf = ({ term, max }: Counting) => `${max}:${term.name}\u0000${term.value}`;

async function countTerms(db: Database, asked: readonly Counting[]): Promise<Counts> {
  const counts: Counts = known.get(db) ?? new Map();
  known.set(db, counts);
  if (counts.size > countsKept) counts.clear();
  const now = performance.now();
  const missing = asked.filter((counting) => !((counts.get(keyOf(counting))?.until ?? 0) > now));
  if (missing.length === 0) return counts;
  const asLists = [
    missing.map(({ term }) => term.name),
    missing.map(({ term }) => term.value),
    missing.map(({ max }) => max),
  ];
  const rows = await db.search<{ count: number }>(countSql, asLists, { prepared: true });
  for (const [i, counting] of missing.entries()) {
    counts.set(keyOf(counting), { count: rows[i]?.count ?? 0, until: now + countsFreshMs });
  }
  return counts;
}

const countSql = `
select (select count(*)::int from (select from image_terms as t where t.term = vitrine_term(k.name, k.value)
  limit k.max) as counted) as count
from unnest($1::text[], $2::text[], $3::int[]) with ordinality as k (name, value, max, n) order by n`;

/**
 * What a filter says in terms of `image_terms`: groups of terms, one of which every image that matches must have.
 * A group is a list of candidates in the order of time; the shortest is where a search begins. What is found is
 * looked at again with the whole filter.
 */
import { wordsOf } from '../search/free-text.ts';
import { allConditions, given, type ImageFilter, topConditions, topWords } from '../search/image-filter.ts';
import { askedValues } from './asked-values.ts';
import type { Database } from './client.ts';
import { newParams, type Params } from './params.ts';
import { containsPattern, lowerCasedSql } from './patterns.ts';
import { countTerms, type Term } from './term-counts.ts';

export interface TermGroup {
  terms: Term[];
  /** Rows of all its terms: counted where they are few, otherwise estimated. */
  count: number;
}

export interface TermGroups {
  /** The shortest first. Empty: none of the conditions at the tops of the filters says a term. */
  groups: TermGroup[];
  /** Images in the catalog, about. */
  images: number;
  /** PostgreSQL goes along an index from one element of an array to the next. */
  seeks: boolean;
}

const tagName = '';
export const wordName = '\u0001';
const digestName = '\u0002';

/** Words that a part of a word may stand for, and values of a list; with more of them it says too little. */
const expansionMax = 64;

/** Groups of all the filters, as terms. */
export async function findTerms(db: Database, filters: readonly ImageFilter[]): Promise<Term[][]> {
  const tops = filters.flatMap(topConditions);
  return [
    ...tops.flatMap(plainGroups),
    ...tops.flatMap(textsOf).flatMap(wholeWords),
    ...(await expandedGroups(db, tops)),
  ];
}

/** And how long they are. */
export async function counted(db: Database, groups: readonly Term[][]): Promise<TermGroups> {
  const counts = await countTerms(db, groups.flat());
  const countOf = (terms: readonly Term[]) => terms.reduce((sum, term) => sum + counts.of(term), 0);
  const found = groups.map((terms) => ({ terms, count: countOf(terms) }));
  return { groups: found.sort((a, b) => a.count - b.count), images: counts.images, seeks: counts.seeks };
}

function plainGroups({ tags, properties = [], digest }: ImageFilter): Term[][] {
  const one = (name: string, value: string): Term[] => [{ name, value }];
  const any = (name: string, values: string[] | undefined): Term[][] =>
    values && values.length <= expansionMax ? [values.map((value) => ({ name, value }))] : [];
  const groups: Term[][] = [];
  if (digest !== undefined) groups.push(one(digestName, digest.slice(0, 8)));
  if (tags?.has !== undefined) groups.push(one(tagName, tags.has));
  for (const tag of tags?.hasAll ?? []) groups.push(one(tagName, tag));
  groups.push(...any(tagName, tags?.hasAny));
  for (const { name, text, values: known } of properties) {
    groups.push(...any(name, known));
    if (!text || text.ignoreCase) continue;
    if (text.eq !== undefined) groups.push(one(name, text.eq));
    groups.push(...any(name, text.in));
  }
  return groups;
}

/**
 * Parts of words: what the vocabulary has for them, asked now, since an answer may hang on a word that was written a
 * moment ago.
 */
async function expandedGroups(db: Database, tops: readonly ImageFilter[]): Promise<Term[][]> {
  const params = newParams();
  const selects = tops.flatMap(textsOf).flatMap((text) => wordsSql(text, params));
  if (selects.length === 0) return [];
  const numbered = selects.map((select, n) => `select ${n} as n, s.value from (${select}) as s`);
  const rows = await db.search<{ n: number; value: string }>(numbered.join(' union all '), params.values, {
    prepared: true,
  });
  return selects
    .map((_, n) => rows.filter((row) => row.n === n).map(({ value }) => ({ name: wordName, value })))
    .filter((terms) => terms.length <= expansionMax);
}

/** Texts that the search text of an image must have somewhere, whole words and parts of them. */
function textsOf({ freeText, name }: ImageFilter): string[] {
  const found = wordsOf(freeText ?? '');
  if (!name?.ignoreCase) return found;
  const texts = [name.eq, name.contains, name.startsWith, name.endsWith];
  return [...found, ...texts.filter((text) => text !== undefined)];
}

/** What separates words in vitrine_words. */
const separators = /[ \t\n\r\x1f!"#$%&'()*+,\-/:;<=>?@[\\\]^_`{|}~]+/;
const wordLength = 3;
/** What vitrine_words has in place of words that are longer: any of them may be meant. */
const wordMax = 200;
const longWord = '\u0003';

/** Pieces of a text that are looked up: the longest say the most. */
const piecesMax = 4;
/** Without it a piece has hardly a trigram, and all words would be looked through. */
const hasTrigrams = /[\p{L}\p{N}]{2}/u;

const lengthOf = (piece: string) => [...piece].length;
const isAscii = (piece: string) => /^[\x20-\x7e]*$/.test(piece);

/** What has separators on both sides is a word as it stands. Which letters others have in lower case PostgreSQL knows. */
function wholeWords(text: string): Term[][] {
  const inner = new Set(text.split(separators).slice(1, -1).filter(isAscii));
  return [...inner]
    .filter((word) => word.length >= wordLength)
    .sort((a, b) => b.length - a.length)
    .slice(0, piecesMax)
    .map((word) => [{ name: wordName, value: word.length <= wordMax ? word.toLowerCase() : longWord }]);
}

/** For each piece at the ends of `text` the words that have it in them; short pieces say nothing. */
function wordsSql(text: string, params: Params): string[] {
  const all = text.split(separators);
  const pieces = [...new Set(all.filter((piece, n) => n === 0 || n === all.length - 1 || !isAscii(piece)))]
    .filter((piece) => lengthOf(piece) >= wordLength && hasTrigrams.test(piece))
    .sort((a, b) => lengthOf(b) - lengthOf(a))
    .slice(0, piecesMax);
  return pieces.map((piece) => {
    const pattern = lowerCasedSql(containsPattern(piece), params);
    return `(select value from image_vocabulary where name = '' and value like ${pattern} limit ${expansionMax + 1})
      union all
      select value from image_vocabulary where name = '' and value = ${params.add(longWord, 'text')}`;
  });
}

/** Whether the filters ask for one thing, and that is a term or a list of them. */
export function isOneTerm(filters: readonly ImageFilter[]): boolean {
  if (askedValues(filters)) return true;
  const [[key, value] = [], ...others] = filters.flatMap(allConditions);
  if (others.length > 0) return false;
  if (key === 'tags') {
    const [[operator, operand] = [], ...more] = given(value as object);
    const isOne = operator !== 'hasAll' || (operand as string[]).length === 1;
    return more.length === 0 && isOne && ['has', 'hasAny', 'hasAll'].includes(operator ?? '');
  }
  if (key !== 'freeText') return false;
  const [word = '', ...more] = wordsOf(value as string);
  return more.length === 0 && !separators.test(word);
}

/** Whether words are looked for in one piece. */
export const hasPhrases = (filters: readonly ImageFilter[]) =>
  filters.flatMap(topWords).some((word) => separators.test(word));

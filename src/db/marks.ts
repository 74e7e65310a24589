/**
 * The index that has all marks of an image (drizzle/0004_marks.sql): the one place where conditions of any kind meet
 * before an image is looked at. What it finds comes in no order, so it is asked where little is left. Marks are
 * hashes, which may be equal: what is found is looked at again.
 */
import type { ImageFilter, StringFilter } from '../search/image-filter.ts';
import { topConditions } from '../search/image-filter.ts';
import { type ImageScope, newDraft } from './image-scope.ts';
import { imageCost, sorted, type WayMaker } from './image-way.ts';
import type { Params } from './params.ts';
import type { TermGroups } from './term-groups.ts';

/** A mark before it is hashed: a term, or one that only this index has. */
export interface Mark {
  name: string;
  value: string;
}

const gramName = '\u0003';
const visibilityName = '\u0004';
const ownerName = '\u0005';
const gramLength = 4;
/** More of them hardly leave less. */
const gramsMax = 3;

/** What is asked of the index, and how many images it will find, about. */
export interface Meeting {
  groups: Mark[][];
  matches: number;
}

/** To look at an image costs as much as to pass so many entries of a mark. */
const entriesPerImage = 200;
/** Parts of names are thought to be on so many images, when nobody has looked. */
const shareOfNames = 1 / 500;
/** Who does not see all may see one image in so many, shared ones of others among them. */
export const imagesPerVisible = 10;

/**
 * Null: the filters have no marks. Of common marks only those that save more than they cost; where a walk was in vain
 * they are not as common among these images as they are among all.
 */
export function meetingOf(
  scope: ImageScope,
  { groups, images }: TermGroups,
  { hasWalked = false, ofNames = shareOfNames } = {},
): Meeting | null {
  const grams = gramsOf(scope.filters).map((mark) => [mark]);
  if (groups.length + grams.length === 0) return null;
  const chosen: Mark[][] = [];
  let matches = scope.sight === 'all' ? images : images / imagesPerVisible;
  for (const { terms, count } of groups) {
    const share = Math.min(1, count / images);
    const saved = share > 0.95 ? 0 : hasWalked ? 1 : 1 - share;
    if (chosen.length > 0 && count > matches * saved * entriesPerImage) continue;
    chosen.push(terms);
    matches *= share;
  }
  return { groups: [...chosen, ...grams], matches: grams.length > 0 ? matches * ofNames : matches };
}

export const marked =
  ({ groups, matches }: Meeting): WayMaker =>
  (catalog, scope, page) => {
    const draft = newDraft(catalog, scope);
    const { columns, where, tail } = sorted(scope, page, draft);
    const text = `select ${columns} from ${markedSql(groups, scope, draft.params)} where ${where} ${tail}`;
    const cost = matches * imageCost;
    return { text, values: draft.params.values, isFinal: true, isPriced: false, cost, isPrepared: true };
  };

/**
 * images i, found by the index alone: each has one mark of every group at least, and may be visible to the caller.
 * A fence keeps other indexes out of it, and the rest of the filter.
 */
export function markedSql(groups: readonly (readonly Mark[])[], scope: ImageScope, params: Params): string {
  if (groups.some((marks) => marks.length === 0)) return '(select * from images where false) i';
  const all = groups.filter((marks) => marks.length === 1).flat();
  const some = [...groups.filter((marks) => marks.length > 1), audienceOf(scope) ?? []];
  const conditions = [...(all.length > 0 ? [`@> ${hashesSql(all, params)}`] : [])];
  for (const marks of some) if (marks.length > 0) conditions.push(`&& ${hashesSql(marks, params)}`);
  const marksOf =
    'vitrine_marks(i.name, i.tags, i.properties, i.search_text, i.checksum, i.digests, i.visibility, i.owner)';
  return `(select i.* from images i where ${conditions.map((c) => `${marksOf} ${c}`).join(' and ')} offset 0) i`;
}

function hashesSql(marks: readonly Mark[], params: Params): string {
  const column = (key: keyof Mark) =>
    params.add(
      marks.map((mark) => mark[key]),
      'text[]',
    );
  return `array(select vitrine_term(m.name, m.value)
    from unnest(${column('name')}, ${column('value')}) as m (name, value))`;
}

/** One of these has every image that the caller may see, and some that others share; null: who sees all. */
function audienceOf({ caller, sight, includes }: ImageScope): Mark[] | null {
  if (sight === 'all') return null;
  const visible = ['public', 'shared', ...(includes.has('COMMUNITY') ? ['community'] : [])];
  const marks = visible.map((value) => ({ name: visibilityName, value }));
  return caller.project === null ? marks : [...marks, { name: ownerName, value: caller.project }];
}

/** The pieces of four characters that the names of all matches have: as many as cover what is asked, each once. */
export function gramsOf(filters: readonly ImageFilter[]): Mark[] {
  const texts = filters.flatMap(topConditions).flatMap(({ name }) => (name ? partsOfName(name) : []));
  const grams = [...new Set(texts.flatMap(cover))];
  return grams.slice(-gramsMax).map((value) => ({ name: gramName, value }));
}

function partsOfName({ eq, contains, startsWith, endsWith, ignoreCase }: StringFilter): string[] {
  return ignoreCase ? [] : [eq, contains, startsWith, endsWith].filter((text) => text !== undefined);
}

function cover(text: string): string[] {
  const characters = [...text];
  const found: string[] = [];
  for (let end = gramLength; end < characters.length + gramLength; end += gramLength) {
    const last = Math.min(end, characters.length);
    if (last >= gramLength) found.push(characters.slice(last - gramLength, last).join(''));
  }
  return found;
}

/** How well an image fits the words of a search, as SQL: a whole number, more is better. */
import type { Params } from './params.ts';
import { containsPattern, likePatterns } from './patterns.ts';

/**
 * The sum over the words, each of which occurs somewhere: 8 when it is the whole name, 4 when the name begins with
 * it, 2 when it is elsewhere in the name, 1 when it is only in a tag or a describing property.
 */
export function relevanceSql(words: readonly string[], params: Params): string {
  const name = 'lower(i.name collate "default")';
  const scores = words.map((word) => {
    const lower = (text: string) => `lower(${params.add(text, 'text')} collate "default")`;
    const [startsWith = ''] = likePatterns({ startsWith: word });
    return `case when ${name} = ${lower(word)} then 8
      when ${name} like ${lower(startsWith)} then 4
      when ${name} like ${lower(containsPattern(word))} then 2 else 1 end`;
  });
  return `(${scores.join(' + ') || '0'})`;
}

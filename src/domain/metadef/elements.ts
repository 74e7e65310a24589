/**
 * The elements of a list that is written as text, as property values are: a JSON array; words after operators
 * (`<or> a <or> b`, `<all-in> a b`), as flavors have them; otherwise what stands between commas. The same is
 * written in SQL as vitrine_elements; a test holds the two against each other.
 */

const operator = /^<(in|or|and|all-in)>$/;

/** Texts of strings, JSON of anything else that a JSON array may hold. */
export function elementsOf(value: string): string[] {
  const text = trimmed(value);
  if (text.startsWith('[')) {
    const list = jsonList(text);
    if (list) return list.map((item) => (typeof item === 'string' ? item : JSON.stringify(item)));
  }
  const words = text.split(/[ \t\n\r]+/);
  if (operator.test(words[0] ?? '')) return words.filter((word) => !operator.test(word));
  return text
    .split(',')
    .map(trimmed)
    .filter((item) => item !== '');
}

/** Blanks as ASCII has them: PostgreSQL knows others than JavaScript does. */
const trimmed = (text: string) => text.replace(/^[ \t\n\r]+|[ \t\n\r]+$/g, '');

function jsonList(text: string): unknown[] | null {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value : null;
  } catch {
    return null;
  }
}

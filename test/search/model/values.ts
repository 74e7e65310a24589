/** Property values read as numbers and booleans, and text in its order. */

/** The number that the whole text is; null when it is none, or more than a double holds. */
export function numberIn(text: string): number | null {
  if (text.length > 100) return null;
  if (!/^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/.test(text)) return null;
  const number = Number(text);
  return Number.isFinite(number) ? number : null;
}

/** The boolean as OpenStack writes it, in any case; null when it is none. */
export function booleanIn(text: string): boolean | null {
  if (/^(true|yes|on|1)$/i.test(text)) return true;
  if (/^(false|no|off|0)$/i.test(text)) return false;
  return null;
}

/** The elements of a list: JSON, or words after operators in angle brackets, or between commas. */
export function elementsIn(text: string): string[] {
  const blank = ' \t\n\r';
  let [start, end] = [0, text.length];
  while (start < end && blank.includes(text[start] as string)) start++;
  while (end > start && blank.includes(text[end - 1] as string)) end--;
  const inner = text.slice(start, end);
  if (inner[0] === '[') {
    try {
      return (JSON.parse(inner) as unknown[]).map((one) => (typeof one === 'string' ? one : String(one)));
    } catch {
      // not JSON: then it is a list like any other
    }
  }
  const isOperator = (word: string) => ['<in>', '<or>', '<and>', '<all-in>'].includes(word);
  const words = inner.split(/\s+/);
  if (isOperator(words[0] ?? '')) return words.filter((word) => !isOperator(word));
  const items: string[] = [];
  for (const part of inner.split(',')) {
    const item = part.replace(/^[ \t\n\r]+/, '').replace(/[ \t\n\r]+$/, '');
    if (item.length > 0) items.push(item);
  }
  return items;
}

/** Order of text by Unicode code point, a prefix first. */
export function compareText(a: string, b: string): number {
  const [left, right] = [[...a], [...b]];
  for (const [i, character] of left.entries()) {
    const other = right[i];
    if (other === undefined) return 1;
    const difference = (character.codePointAt(0) ?? 0) - (other.codePointAt(0) ?? 0);
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

/** Text with its case taken out, one character at a time. */
export function withoutCase(text: string): string {
  return [...text].map((character) => character.toLowerCase()).join('');
}

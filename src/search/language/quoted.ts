/** Blanks and quotes: the same for phrases, keys and values. */

/** White space, as free text knows it. */
export const isBlank = (char: string | undefined) => char !== undefined && /\s/.test(char);

export interface Quoted {
  text: string;
  /** After the closing quote; the end of all when there is none. */
  end: number;
  isClosed: boolean;
}

/** What the quote at `start` opens. `\"` is a quote and `\\` a backslash; before others a backslash is itself. */
export function readQuoted(text: string, start: number): Quoted {
  const parts: string[] = [];
  let from = start + 1;
  for (let at = from; at < text.length; at++) {
    if (text[at] === '"') {
      parts.push(text.slice(from, at));
      return { text: parts.join(''), end: at + 1, isClosed: true };
    }
    if (text[at] === '\\' && (text[at + 1] === '"' || text[at + 1] === '\\')) {
      parts.push(text.slice(from, at));
      from = ++at;
    }
  }
  return { text: parts.join('') + text.slice(from), end: text.length, isClosed: false };
}

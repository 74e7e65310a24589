/** Free text: the words and phrases it is made of. */

/**
 * Words are separated by white space; what stands between double quotes is one phrase, as it is. A quote that is
 * never closed is a character like any other. Each word once, in the order given.
 */
export function wordsOf(freeText: string): string[] {
  const words = new Set<string>();
  const lastQuote = freeText.lastIndexOf('"');
  const opensPhrase = (at: number) => freeText[at] === '"' && at < lastQuote;
  let at = 0;
  while (at < freeText.length) {
    let end = at;
    if (opensPhrase(at)) {
      end = freeText.indexOf('"', at + 1);
      words.add(freeText.slice(at + 1, end));
      at = end + 1;
    } else if (isBlank(freeText, at)) {
      at++;
    } else {
      while (end < freeText.length && !isBlank(freeText, end) && !opensPhrase(end)) end++;
      words.add(freeText.slice(at, end));
      at = end;
    }
  }
  words.delete('');
  return [...words];
}

const isBlank = (text: string, at: number) => /\s/.test(text.charAt(at));

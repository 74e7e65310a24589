/** What is wrong with a search, and where in its text. */

/** `offset` and `length` count UTF-16 code units, as JavaScript does. */
export interface SearchIssue {
  message: string;
  offset: number;
  length: number;
}

/** A piece of the text: `end` is the first unit after it. */
export interface Span {
  start: number;
  end: number;
}

/** Enough for a search box; what is wrong in a thousand places is one mistake. */
const issuesMax = 20;

export interface Issues {
  /** Notes an issue; gives null, so that a reader can return what it gives. */
  add(at: Span, message: string): null;
  /** Whether more would not be noted: what remains need not be read. */
  full(): boolean;
  /** In the order of the text. */
  list(): SearchIssue[];
}

export function issueList(): Issues {
  const found: SearchIssue[] = [];
  return {
    add({ start, end }, message) {
      if (found.length < issuesMax) found.push({ message, offset: start, length: end - start });
      return null;
    },
    full: () => found.length >= issuesMax,
    list: () => found.toSorted((a, b) => a.offset - b.offset),
  };
}

/** What a key takes, in place of what was given; `likely` is what was probably meant. */
export function refusal(key: string, given: string, { problem, likely }: Refused): string {
  const hint = likely ? ` Did you mean ${likely}?` : '';
  return `${key} takes ${problem}; it is ${shown(given)}.${hint}`;
}

interface Refused {
  problem: string;
  likely?: string | null;
}

/** The text as a message shows it: in quotes, cut when long. */
export const shown = (text: string) => JSON.stringify(named(text));

/** A name as a message shows it: cut when long, and what no text may have left out. */
export function named(name: string): string {
  const cut = name.length > 40 ? `${name.slice(0, 40)}...` : name;
  return cut.toWellFormed().replaceAll('\0', '\ufffd');
}

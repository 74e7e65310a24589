/** The search that cannot be answered because it cannot be read. */
import { DomainError } from '../../domain/errors.ts';
import type { SearchIssue } from './issues.ts';
import { parseSearch, type SearchParse } from './parse.ts';
import type { TypeOf } from './reading.ts';

/** `errors` is never empty, in the order of the text. */
export class BadSearchError extends DomainError {
  override readonly name = 'BadSearchError';
  readonly code = 'BAD_SEARCH';
  readonly errors: readonly SearchIssue[];

  constructor(errors: readonly SearchIssue[]) {
    super(errors.map(({ message, offset }) => `At ${offset + 1}: ${message}`).join(' '));
    this.errors = errors;
  }
}

/** What the search stands for. @throws BadSearchError it cannot be read */
export function requireSearch(text: string, now: Date, typeOf?: TypeOf): Extract<SearchParse, { ok: true }> {
  const parse = parseSearch(text, now, typeOf);
  if (!parse.ok) throw new BadSearchError(parse.errors);
  return parse;
}

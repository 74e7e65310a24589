/** The values of a filter by equality: one, or `in:` and a list with quotes and backslashes; true or false. */
import { badRequest } from '../problem.ts';

/** Operators that other filters have; here they are a mistake rather than part of a value. */
const foreign = /^(neq|gte|gt|lte|lt):/;

/** @throws HttpError 400 another operator, or quotes that do not fit together */
export function readWords(name: string, text: string): string[] {
  if (text.startsWith('in:')) return readList(name, text.slice(3));
  if (text.startsWith('eq:')) return [text.slice(3)];
  const [, operator] = foreign.exec(text) ?? [];
  if (operator === undefined) return [text];
  throw badRequest(`${name} has no operator ${operator}; there is in:, eq:, or the value alone.`);
}

/** `a,"b,c",d\"e` (Image API v2.4). Empty values are none. */
function readList(name: string, text: string): string[] {
  const found: string[] = [];
  const rest = /\s*(?:"((?:[^"\\]|\\.)*)"|([^",]*))\s*(,|$)/suy;
  let at = 0;
  while (at <= text.length) {
    rest.lastIndex = at;
    const m = rest.exec(text);
    if (!m) throw badRequest(`${name}: the quotes of the list do not fit together.`);
    const [whole, quoted, plain = '', end] = m;
    const value = quoted === undefined ? plain.trim() : quoted;
    if (value !== '') found.push(value.replace(/\\(.)/gsu, '$1'));
    at += whole.length;
    if (end === '') break;
  }
  if (found.length === 0) throw badRequest(`${name}: in: needs at least one value.`);
  return found;
}

/** @throws HttpError 400 */
export function readBoolean(name: string, text: string): boolean {
  if (/^(true|false)$/i.test(text)) return text.toLowerCase() === 'true';
  throw badRequest(`${name} is true or false.`);
}

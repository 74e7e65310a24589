/** Terms on times. A date is a stretch of time; an age runs the other way: less of it is later. */
import type { Instant } from '../../domain/image.ts';
import type { ImageFilter, RangeFilter } from '../image-filter.ts';
import { refusal } from './issues.ts';
import { anyOf, isSign, nameOf, onlyText, type Reading, spanOf } from './reading.ts';
import type { Range, Text } from './term-values.ts';
import { readTime, type Time } from './times.ts';
import type { Term } from './tokens.ts';

type Moments = RangeFilter<Instant>;

/** A term on a time; `make` puts the operators where they belong. Null after an issue. */
export function timeTerm(
  term: Term,
  make: (operators: Moments) => ImageFilter,
  reading: Reading,
): ImageFilter | null {
  const { issues } = reading;
  const read = (text: Text): Time | null => {
    const result = readTime(text.text, reading.now);
    if ('value' in result) return result.value;
    return issues.add(spanOf(text, term), refusal(nameOf(term), text.text, result));
  };
  const { operator } = term;
  if (isSign(operator)) {
    const text = onlyText(term, reading);
    const time = text && read(text);
    return time && make(time.isAge ? byAge[operator](time) : byDate[operator](time));
  }
  const filters: ImageFilter[] = [];
  for (const value of term.values) {
    if (issues.full()) return null;
    const found = value.type === 'text' ? readDate(value) : value.type === 'range' ? readRange(value) : null;
    if (value.type === 'pattern') issues.add(value, `${nameOf(term)} takes times, no /regex/.`);
    if (found) filters.push(...found.map(make));
  }
  if (issues.list().length > 0) return null;
  return anyOf(filters);

  function readDate(value: Text): Moments[] | null {
    const time = read(value);
    if (!time) return null;
    if (time.isAge) {
      const hint = `${nameOf(term)}<${value.text} is younger, ${nameOf(term)}>${value.text} older`;
      return issues.add(value, `An age needs < or >: ${hint}.`);
    }
    if (operator === '!=') {
      if (term.values.length > 1) return issues.add(value, '!= takes one time.');
      return [{ lt: time.from }, { gt: time.to }];
    }
    return [time.from === time.to ? { eq: time.from } : { gte: time.from, lte: time.to }];
  }

  function readRange(range: Range): Moments[] | null {
    if (operator !== null) return issues.add(range, 'A range stands without an operator.');
    const from = range.from && read(range.from);
    const to = range.to && read(range.to);
    if ((range.from && !from) || (range.to && !to)) return null;
    if (from && to && from.isAge !== to.isAge) {
      return issues.add(range, 'Both ends of a range are dates, or both are ages.');
    }
    const isAge = from?.isAge ?? to?.isAge;
    const [first, last] = isAge ? [to, from] : [from, to];
    return [{ ...(first ? { gte: first.from } : {}), ...(last ? { lte: last.to } : {}) }];
  }
}

type Comparisons = Record<'<' | '<=' | '>' | '>=', (time: Time) => Moments>;

const byDate: Comparisons = {
  '<': ({ from }) => ({ lt: from }),
  '<=': ({ to }) => ({ lte: to }),
  '>': ({ to }) => ({ gt: to }),
  '>=': ({ from }) => ({ gte: from }),
};

const byAge: Comparisons = {
  '<': ({ from }) => ({ gt: from }),
  '<=': ({ from }) => ({ gte: from }),
  '>': ({ from }) => ({ lt: from }),
  '>=': ({ from }) => ({ lte: from }),
};

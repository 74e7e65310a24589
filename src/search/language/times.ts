/** Times as they are written in a search: days, months, years, instants, and ages back from now. */

import type { Instant } from '../../domain/image.ts';
import { instantOf, parseInstant } from '../../domain/instant.ts';
import type { Read } from './values.ts';

/** First and last microsecond of what was written; an instant is both. An age is one, counted backwards. */
export interface Time {
  from: Instant;
  to: Instant;
  isAge: boolean;
}

const dateSyntax = /^(\d{4})(?:-(\d\d))?(?:-(\d\d))?$/;
const ageSyntax = /^(\d{1,9})(s|m|h|d|w|mo|y)$/i;
const seconds: Record<string, number> = { s: 1, m: 60, h: 3600, d: 86_400, w: 7 * 86_400 };

const expected = 'a date such as 2026-01-31, an RFC 3339 time, or an age such as 7d (s, m, h, d, w, mo, y)';

/** Days, months and years are those of UTC. */
export function readTime(text: string, now: Date): Read<Time> {
  const age = ageSyntax.exec(text);
  if (age) return readAge(Number(age[1]), (age[2] ?? '').toLowerCase(), now);
  const date = dateSyntax.exec(text);
  const time = date ? readDate(date.slice(1, 4)) : point(parseInstant(text));
  return time ? { value: time } : { problem: expected };
}

const point = (at: Instant | null): Time | null => (at === null ? null : { from: at, to: at, isAge: false });

function readDate([year, month, day]: (string | undefined)[]): Time | null {
  const first = `${year}-${month ?? '01'}-${day ?? '01'}`;
  const lastMonth = month ?? '12';
  const lastDay = new Date(Date.UTC(2000 + (Number(year) % 400), Number(lastMonth), 0)).getUTCDate();
  const last = `${year}-${lastMonth}-${day ?? lastDay}`;
  const from = parseInstant(`${first}T00:00:00Z`);
  const to = parseInstant(`${last}T23:59:59.999999Z`);
  return from === null || to === null ? null : { from, to, isAge: false };
}

function readAge(count: number, unit: string, now: Date): Read<Time> {
  const then = unit === 'mo' ? monthsAgo(count, now) : unit === 'y' ? monthsAgo(12 * count, now) : null;
  const moment = then ?? new Date(now.getTime() - count * (seconds[unit] ?? 0) * 1000);
  if (!(moment.getTime() >= firstMoment)) return { problem: 'an age that does not reach before the year 1' };
  return { value: { from: instantOf(moment), to: instantOf(moment), isAge: true } };
}

const firstMoment = Date.parse('0001-01-01T00:00:00Z');

/** The same day of an earlier month, or its last one when it is shorter. */
function monthsAgo(count: number, now: Date): Date {
  const then = new Date(now);
  then.setUTCDate(1);
  then.setUTCMonth(then.getUTCMonth() - count);
  const days = new Date(then);
  days.setUTCMonth(days.getUTCMonth() + 1, 0);
  then.setUTCDate(Math.min(now.getUTCDate(), days.getUTCDate()));
  return then;
}

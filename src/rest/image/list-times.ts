/** Filters by time: `gte:2026-08-21T10:11:12Z`. Images show whole seconds, and it is these that are compared. */

import type { Instant } from '../../domain/image.ts';
import { parseInstant } from '../../domain/instant.ts';
import type { ImageFilter, RangeFilter } from '../../search/image-filter.ts';
import { badRequest } from '../problem.ts';

const operators = ['gt', 'gte', 'eq', 'neq', 'lt', 'lte'] as const;
type Operator = (typeof operators)[number];

/** Without an operator it is eq. @throws HttpError 400 another operator, or no time of ISO 8601 */
export function isoFilter(name: string, field: 'createdAt' | 'updatedAt', text: string): ImageFilter {
  const [, given, time = ''] = /^(?:([a-z]+):)?(.*)$/s.exec(text) ?? [];
  const operator = given === undefined ? 'eq' : operators.find((one) => one === given);
  if (!operator)
    throw badRequest(`${name} has no operator ${given?.slice(0, 16)}; there is ${operators.join(', ')}.`);
  const at = readIsoTime(time);
  if (at === null) throw badRequest(`${name} needs a time of ISO 8601, such as 2026-08-21T10:11:12Z.`);
  if (operator === 'neq') return { not: { [field]: bySecond('eq', at) } };
  return { [field]: bySecond(operator, at) };
}

/** What the stored time, with its microseconds, must be for its seconds to compare so. */
function bySecond(operator: Exclude<Operator, 'neq'>, at: Instant): RangeFilter<Instant> {
  const isWhole = at.endsWith('.000000Z');
  const floor = `${at.slice(0, 19)}.000000Z`;
  const next = secondAfter(floor);
  const ceiling = isWhole ? floor : next;
  switch (operator) {
    case 'gt':
      return { gte: next };
    case 'gte':
      return { gte: ceiling };
    case 'lt':
      return { lt: ceiling };
    case 'lte':
      return { lt: next };
    case 'eq':
      return isWhole ? { gte: floor, lt: next } : { in: [] };
  }
}

const lastSecond = '9999-12-31T23:59:59.000000Z';

function secondAfter(floor: Instant): Instant {
  if (floor === lastSecond) return '9999-12-31T23:59:59.999999Z';
  return `${new Date(Date.parse(`${floor.slice(0, 19)}Z`) + 1000).toISOString().slice(0, 19)}.000000Z`;
}

// A day, or a day and a time; seconds, fractions and the zone may be missing, which then is UTC. In a query a plus that
// was not escaped is a space.
const iso = /^(\d{4}-?\d\d-?\d\d)(?:[T ](\d\d):?(\d\d)(?::?(\d\d)(\.\d+)?)? ?(Z|[+\- ]\d\d(?::?\d\d)?)?)?$/i;

function readIsoTime(text: string): Instant | null {
  const [all, day = '', hour = '00', minute = '00', second = '00', fraction = '', zone = 'Z'] =
    iso.exec(text) ?? [];
  if (all === undefined) return null;
  const digits = day.replaceAll('-', '');
  const date = `${digits.slice(0, 4)}-${digits.slice(4, 6)}-${digits.slice(6)}`;
  return parseInstant(`${date}T${hour}:${minute}:${second}${fraction}${zoneOf(zone)}`);
}

function zoneOf(zone: string): string {
  if (/^z$/i.test(zone)) return 'Z';
  const digits = zone.slice(1).replace(':', '').padEnd(4, '0');
  return `${zone[0] === ' ' ? '+' : zone[0]}${digits.slice(0, 2)}:${digits.slice(2)}`;
}

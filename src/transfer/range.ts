/** Range and the condition on it (RFC 9110 13 and 14), as pure functions. */
import type { ByteRange } from '../stores/store.ts';

/** The part of `size` bytes that a Range header asks for. */
export type RangeAnswer = { kind: 'whole' } | { kind: 'part'; range: ByteRange } | { kind: 'unsatisfiable' };

const one = /^bytes=[ \t]*(\d*)-(\d*)[ \t]*$/i;

/**
 * One range is served. What is no range of bytes, or asks for several, is answered with the whole, as RFC 9110
 * 14.2 lets a server do; one that lies outside is unsatisfiable.
 */
export function parseRange(header: string | undefined, size: number): RangeAnswer {
  const m = header === undefined ? null : one.exec(header);
  const [first = '', last = ''] = m ? [m[1], m[2]] : [];
  if (!m || (first === '' && last === '')) return { kind: 'whole' };
  if (first === '') return suffix(Number(last), size);
  const start = Number(first);
  const end = last === '' ? size - 1 : Math.min(Number(last), size - 1);
  if (last !== '' && Number(last) < start) return { kind: 'whole' };
  return start < size ? { kind: 'part', range: { start, end } } : { kind: 'unsatisfiable' };
}

function suffix(length: number, size: number): RangeAnswer {
  if (length === 0 || size === 0) return { kind: 'unsatisfiable' };
  return { kind: 'part', range: { start: Math.max(0, size - length), end: size - 1 } };
}

/** Whether a Range may be honoured: no If-Range, or one that names this very content (strong comparison). */
export function rangeHolds(ifRange: string | undefined, etag: string): boolean {
  return ifRange === undefined || ifRange.trim() === etag;
}

/** Optical discs: ISO 9660 (ECMA-119, 8.1) and UDF (ECMA-167 2/9.1), which say so in the sectors from 32 KiB on. */
import type { Reading } from './finding.ts';

const sector = 2048;
const firstAt = 16 * sector;
const lastAt = 31 * sector;

// biome-ignore lint/correctness/useYield: an inspector that has seen enough
export function* iso(head: Buffer): Reading {
  const ids: string[] = [];
  for (let at = firstAt; at <= lastAt && at + 6 <= head.length; at += sector) {
    ids.push(head.subarray(at + 1, at + 6).toString('latin1'));
  }
  const isIso = ids[0] === 'CD001';
  const isUdf = ids.includes('NSR02') || ids.includes('NSR03');
  if (!isIso && !isUdf) return null;
  return {
    format: 'iso',
    variant: isIso && isUdf ? 'iso9660+udf' : isUdf ? 'udf' : 'iso9660',
    virtualSize: null,
    facts: isIso ? { volume: volumeId(head) } : {},
    objections: [],
  };
}

const volumeId = (head: Buffer) =>
  head
    .subarray(firstAt + 40, firstAt + 72)
    .toString('latin1')
    .replace(/[^\x20-\x7e]/g, '')
    .trim();

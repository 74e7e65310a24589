/**
 * Virtual PC and Hyper-V disks (Virtual Hard Disk Image Format Specification 1.0). The footer is the last sector; of
 * dynamic and differencing disks a copy of it is the first one. Virtual sizes are read as block/vpc.c of QEMU does.
 */
import { bytesAt, type Finding, isZero, objections, type Reading, sizeFrom, type Want } from './finding.ts';

const cookie = 'conectix';
const footerBytes = 512;
const types: Record<number, string> = { 2: 'fixed', 3: 'dynamic', 4: 'differencing' };
type Found = ReturnType<typeof objections>;

export function* vhd(head: Buffer): Reading {
  const atStart = hasCookie(head) ? head.subarray(0, footerBytes) : null;
  const found = objections();
  if (atStart) yield* readDynamicHeader(head, atStart, found);
  const last = yield { last: footerBytes };
  const atEnd = last.length === footerBytes && hasCookie(last) ? last : null;
  const footer = atStart ?? atEnd;
  if (!footer) return null;

  found.when(
    atEnd === null,
    'BAD_HEADER',
    0,
    'the footer at the end, of which the first sector is a copy, is missing',
  );
  const differ = atStart !== null && atEnd !== null && !atStart.equals(atEnd);
  found.when(differ, 'BAD_HEADER', 0, 'the footer at the end is not the copy at the start');
  return readFooter(footer, { isAtStart: atStart !== null, found });
}

const hasCookie = (sector: Buffer) => sector.subarray(0, 8).toString('latin1') === cookie;

function readFooter(footer: Buffer, { isAtStart, found }: { isAtStart: boolean; found: Found }): Finding {
  const type = footer.length < footerBytes ? 0 : footer.readUInt32BE(60);
  const finding = { format: 'vhd' as const, variant: types[type] ?? null, objections: found.list };
  if (footer.length < footerBytes) {
    found.when(true, 'BAD_HEADER', footer.length, 'the footer is cut off');
    return { ...finding, virtualSize: null, facts: {} };
  }
  found.when(type === 4, 'DIFFERENCING', 60, 'it is a differencing disk, which needs its parent');
  found.when(type < 2 || type > 4, 'BAD_HEADER', 60, `the disk type is ${type}, not 2 or 3`);
  found.when(
    type === 3 && !isAtStart,
    'BAD_HEADER',
    0,
    'a dynamic disk has no copy of its footer at the start',
  );
  found.when(
    footer.readUInt32BE(64) !== checksum(footer, 64),
    'BAD_HEADER',
    64,
    'the checksum of the footer is wrong',
  );
  const creator = footer.subarray(28, 32).toString('latin1');
  return { ...finding, virtualSize: virtualSize(footer, creator), facts: { creator: printable(creator) } };
}

function* readDynamicHeader(head: Buffer, footer: Buffer, found: Found): Generator<Want, void, Buffer> {
  if (footer.length < footerBytes || footer.readUInt32BE(60) === 2) return;
  const at = sizeFrom(footer.readBigUInt64BE(16));
  if (at === null || at < footerBytes) {
    return found.when(true, 'BAD_HEADER', 16, 'the place of the dynamic header is no place in the file');
  }
  const header = yield* bytesAt(head, at, 1024);
  const isHeader = header.length === 1024 && header.subarray(0, 8).toString('latin1') === 'cxsparse';
  found.when(!isHeader, 'BAD_HEADER', at, 'the dynamic header is missing or cut off');
  if (!isHeader) return;
  found.when(
    header.readUInt32BE(36) !== checksum(header, 36),
    'BAD_HEADER',
    at + 36,
    'its checksum is wrong',
  );
  // The unique id, time and name of a parent, and where to look for it.
  const parent = [header.subarray(40, 60), header.subarray(64, 576), header.subarray(576, 768)];
  found.when(!parent.every(isZero), 'DIFFERENCING', at + 40, 'a parent is named');
}

/** The ones' complement of the sum of all bytes but those of the checksum itself. */
function checksum(sector: Buffer, at: number): number {
  let sum = 0;
  for (let i = 0; i < sector.length; i++) if (i < at || i >= at + 4) sum += sector[i] as number;
  return ~sum >>> 0;
}

/** These programs keep the exact size; for others the geometry counts, unless it is at its most. */
const exactCreators = ['win ', 'qem2', 'd2v ', 'tap\0', 'CTXS'];
const mostSectors = 65_535 * 16 * 255;

function virtualSize(footer: Buffer, creator: string): number | null {
  const sectors = footer.readUInt16BE(56) * footer.readUInt8(58) * footer.readUInt8(59);
  const isExact = exactCreators.includes(creator) || sectors === mostSectors || sectors === 0;
  return isExact ? sizeFrom(footer.readBigUInt64BE(48)) : sectors * 512;
}

const printable = (text: string) => text.replace(/[^\x20-\x7e]/g, '?').trim();

/**
 * VMware disks in one file (Virtual Disk Format 5.0): a sparse header in the first sector, a descriptor from the second on,
 * and for streams whose header could not know it, a footer before the end. A descriptor alone names other files, and
 * COWD is the format of old redo logs: neither is a disk.
 */
import { bytesAt, type Finding, isZero, objections, type Reading, sizeFrom, type Want } from './finding.ts';
import { looksLikeDescriptor, readDescriptor } from './vmdk-descriptor.ts';

const sector = 512;
const descriptorSectorsMost = 2048;
const pieceBytes = 64 * 1024;
const gdAtEnd = 2n ** 64n - 1n;
type Found = ReturnType<typeof objections>;

export function* vmdk(head: Buffer): Reading {
  const magic = head.subarray(0, 4).toString('latin1');
  if (magic === 'COWD') return hostile(0, 'a COWD header, which goes with other files');
  if (magic !== 'KDMV') {
    return looksLikeDescriptor(head) ? hostile(0, 'a descriptor alone, which names other files') : null;
  }
  const found = objections();
  const isWhole = head.length >= sector;
  found.when(!isWhole, 'BAD_HEADER', head.length, 'the header is cut off');
  if (!isWhole)
    return { format: 'vmdk', variant: null, virtualSize: null, facts: {}, objections: found.list };

  const header = head.subarray(0, sector);
  const capacity = checkHeader(header, found);
  const variant = yield* checkDescriptor(head, header, found);
  if (header.readBigUInt64LE(56) === gdAtEnd) yield* checkFooter(header, found);
  const facts: Finding['facts'] = {
    clusterSize: Number(header.readBigUInt64LE(20)) * sector,
    version: header.readUInt32LE(4),
  };
  return { format: 'vmdk', variant, virtualSize: capacity, facts, objections: found.list };
}

function hostile(offset: number, what: string): Finding {
  const objection = { code: 'UNSAFE_FORMAT', offset, what: `it is ${what}` };
  return { format: 'vmdk', variant: null, virtualSize: null, facts: {}, objections: [objection] };
}

/** Returns the virtual size. */
function checkHeader(header: Buffer, found: Found): number | null {
  const version = header.readUInt32LE(4);
  found.when(version < 1 || version > 3, 'UNKNOWN_VERSION', 4, `the version is ${version}, not 1, 2 or 3`);
  const grain = header.readBigUInt64LE(20);
  const isGrain = grain > 0n && grain <= 2n ** 16n && (grain & (grain - 1n)) === 0n;
  found.when(!isGrain, 'BAD_HEADER', 20, 'the size of grains is no power of two up to 32 MiB');
  const capacity = sizeFrom(header.readBigUInt64LE(12) * BigInt(sector));
  found.when(capacity === null, 'BAD_HEADER', 12, 'the virtual size is 2^53 bytes or more');
  return capacity;
}

/** Returns what it says to be. It is read piece by piece, so that nothing depends on how long it says it is. */
function* checkDescriptor(
  head: Buffer,
  header: Buffer,
  found: Found,
): Generator<Want, string | null, Buffer> {
  const isSecond = header.readBigUInt64LE(28) === 1n;
  found.when(!isSecond, 'BAD_HEADER', 28, 'the descriptor is not in the second sector');
  const sectors = header.readBigUInt64LE(36);
  const isSane = sectors >= 1n && sectors <= BigInt(descriptorSectorsMost);
  found.when(
    !isSane,
    'BAD_HEADER',
    36,
    `the descriptor has ${sectors} sectors, not 1 to ${descriptorSectorsMost}`,
  );
  if (!isSecond || !isSane) return null;
  const descriptor = readDescriptor(sector, found);
  const end = sector * (1 + Number(sectors));
  for (let at = sector; at < end; ) {
    const piece = yield* bytesAt(head, at, Math.min(end, at - (at % pieceBytes) + pieceBytes) - at);
    if (piece.length === 0) break;
    descriptor.take(piece);
    at += piece.length;
  }
  return descriptor.finish();
}

/** A marker, the header once more with the true place of the grain directory, and the end of the stream. */
function* checkFooter(header: Buffer, found: Found): Generator<Want, void, Buffer> {
  const last = yield { last: 3 * sector };
  const [marker, footer, end] = [0, 1, 2].map((i) => last.subarray(i * sector, (i + 1) * sector));
  const isThere = last.length === 3 * sector && marker?.readUInt32LE(12) === 3 && end && isZero(end);
  found.when(!isThere, 'BAD_HEADER', 56, 'the header points to a footer that is not there');
  if (!isThere || !footer) return;
  const isSame =
    footer.subarray(0, 56).equals(header.subarray(0, 56)) && footer.subarray(64).equals(header.subarray(64));
  found.when(!isSame, 'BAD_HEADER', 56, 'the footer says other things than the header');
  const isPlace = footer.readBigUInt64LE(56) !== gdAtEnd;
  found.when(!isPlace, 'BAD_HEADER', 56, 'neither header nor footer say where the grain directory is');
}

/**
 * Hyper-V disks ([MS-VHDX] 2.2 to 2.6): two headers at 64 and 128 KiB, two region tables at 192 and 256 KiB, and the
 * metadata region where these say. Integers are little-endian, GUIDs as Microsoft writes them.
 */
import { crc32c } from './crc32c.ts';
import { bytesAt, type Finding, isZero, objections, type Reading, sizeFrom, type Want } from './finding.ts';

const KiB = 1024;
const headersAt = [64 * KiB, 128 * KiB];
const regionTablesAt = [192 * KiB, 256 * KiB];
const tableBytes = 64 * KiB;
const entriesMost = 2047;

const batRegion = '2dc27766f62342009d64115e9bfd4a08';
const metadataRegion = '8b7ca20647904b9ab8fe575f050f886e';
const items: Record<string, string> = {
  caa16737fa364d43b3b633f0aa44e76b: 'fileParameters',
  '2fa54224cd1b4876b2115dbed83bf4b8': 'virtualDiskSize',
  beca12abb2e6452393efc309e000c746: 'virtualDiskId',
  '8141bf1da96f4709ba47f233a8faab5f': 'logicalSectorSize',
  cda348c7445d44719cc9e9885251c556: 'physicalSectorSize',
  a8d35f2db30b454dabf7d3d84834ab0c: 'parentLocator',
};
type Found = ReturnType<typeof objections>;

export function* vhdx(head: Buffer): Reading {
  if (head.subarray(0, 8).toString('latin1') !== 'vhdxfile') return null;
  const found = objections();
  const metadata = yield* findMetadata(head, found);
  const known = metadata === null ? {} : yield* readMetadata(head, metadata, found);
  const facts: Finding['facts'] = known.blockSize === undefined ? {} : { clusterSize: known.blockSize };
  const virtualSize = known.virtualSize ?? null;
  return { format: 'vhdx', variant: null, virtualSize, facts, objections: found.list };
}

/** Where the metadata region begins, when headers and region tables are as they should be. */
function* findMetadata(head: Buffer, found: Found): Generator<Want, number | null, Buffer> {
  const headers: Buffer[] = [];
  for (const at of headersAt) headers.push(yield* bytesAt(head, at, 4 * KiB));
  const sound = headers.filter((h) => h.length === 4 * KiB && hasChecksum(h, 'head'));
  found.when(sound.length === 0, 'BAD_HEADER', headersAt[0] as number, 'neither of the two headers is sound');
  const [current] = sound.toSorted((a, b) => (b.readBigUInt64LE(8) > a.readBigUInt64LE(8) ? 1 : -1));
  const hasLog = current !== undefined && !isZero(current.subarray(48, 64));
  found.when(hasLog, 'UNCLEAN', 64 * KiB + 48, 'changes wait in its log, so that it is not what it will be');

  const tables: Buffer[] = [];
  for (const at of regionTablesAt) tables.push(yield* bytesAt(head, at, tableBytes));
  const isSound = tables.every((table) => table.length === tableBytes && hasChecksum(table, 'regi'));
  found.when(!isSound, 'BAD_HEADER', regionTablesAt[0] as number, 'the region tables are not sound');
  if (!isSound) return null;
  const [first, second] = tables as [Buffer, Buffer];
  found.when(
    !first.equals(second),
    'BAD_HEADER',
    regionTablesAt[1] as number,
    'the two region tables differ',
  );
  return metadataPlace(first, found);
}

function metadataPlace(table: Buffer, found: Found): number | null {
  const at = regionTablesAt[0] as number;
  const count = table.readUInt32LE(8);
  found.when(count > entriesMost, 'BAD_HEADER', at + 8, `the region table says to have ${count} entries`);
  let place: number | null = null;
  for (let i = 0; i < Math.min(count, entriesMost); i++) {
    const entry = table.subarray(16 + i * 32, 48 + i * 32);
    const region = guid(entry);
    const entryAt = at + 16 + i * 32;
    if (region === metadataRegion) {
      found.when(place !== null, 'BAD_HEADER', entryAt, 'there are two metadata regions');
      place = sizeFrom(entry.readBigUInt64LE(16));
      const isAfter = place !== null && place >= 1024 * KiB && place % (1024 * KiB) === 0;
      found.when(!isAfter, 'BAD_HEADER', entryAt + 16, 'the metadata region is not at a whole MiB');
      if (!isAfter) return null;
    } else if (region !== batRegion) {
      const isRequired = (entry.readUInt32LE(28) & 1) === 1;
      found.when(isRequired, 'UNKNOWN_FEATURE', entryAt, `the region ${region} is required, and not known`);
    }
  }
  found.when(place === null, 'BAD_HEADER', at, 'there is no metadata region');
  return place;
}

interface Known {
  virtualSize?: number | null;
  blockSize?: number;
}

function* readMetadata(head: Buffer, at: number, found: Found): Generator<Want, Known, Buffer> {
  const table = yield* bytesAt(head, at, tableBytes);
  const isTable = table.length === tableBytes && table.subarray(0, 8).toString('latin1') === 'metadata';
  found.when(!isTable, 'BAD_HEADER', at, 'the metadata table is missing or cut off');
  if (!isTable) return {};
  const count = table.readUInt16LE(10);
  found.when(count > entriesMost, 'BAD_HEADER', at + 10, `the metadata table says to have ${count} entries`);
  const wanted: { name: string; at: number; bytes: number }[] = [];
  for (let i = 0; i < Math.min(count, entriesMost); i++) {
    const entryAt = at + 32 + i * 32;
    const entry = table.subarray(32 + i * 32, 64 + i * 32);
    const [offset, length, flags] = [entry.readUInt32LE(16), entry.readUInt32LE(20), entry.readUInt32LE(24)];
    const name = items[guid(entry)];
    found.when(length > tableBytes, 'BAD_HEADER', entryAt + 20, `an item says to have ${length} bytes`);
    found.when(name === 'parentLocator', 'DIFFERENCING', entryAt, 'a parent is named');
    const isUnknown = name === undefined && (flags & 4) !== 0;
    found.when(isUnknown, 'UNKNOWN_FEATURE', entryAt, `the item ${guid(entry)} is required, and not known`);
    if (name !== 'fileParameters' && name !== 'virtualDiskSize') continue;
    found.when(
      wanted.some((w) => w.name === name),
      'BAD_HEADER',
      entryAt,
      `there is a second ${name}`,
    );
    const isInside = offset >= tableBytes && offset < 1024 * KiB;
    found.when(!isInside, 'BAD_HEADER', entryAt + 16, `${name} is not behind the metadata table`);
    if (isInside) wanted.push({ name, at: at + offset, bytes: 8 });
  }
  for (const name of ['fileParameters', 'virtualDiskSize']) {
    found.when(!wanted.some((w) => w.name === name), 'BAD_HEADER', at, `there is no ${name}`);
  }
  return yield* readItems(head, wanted, found);
}

function* readItems(
  head: Buffer,
  wanted: { name: string; at: number; bytes: number }[],
  found: Found,
): Generator<Want, Known, Buffer> {
  const known: Known = {};
  let readTo = 0;
  for (const { name, at, bytes } of wanted.toSorted((a, b) => a.at - b.at)) {
    found.when(at < readTo, 'BAD_HEADER', at, 'two items overlap');
    if (at < readTo) return known;
    const value = yield* bytesAt(head, at, bytes);
    readTo = at + bytes;
    found.when(value.length < bytes, 'BAD_HEADER', at, `${name} is cut off`);
    if (value.length < bytes) continue;
    if (name === 'virtualDiskSize') {
      known.virtualSize = sizeFrom(value.readBigUInt64LE(0));
      found.when(known.virtualSize === null, 'BAD_HEADER', at, 'the virtual size is 2^53 bytes or more');
    } else {
      known.blockSize = value.readUInt32LE(0);
      found.when((value.readUInt32LE(4) & 2) !== 0, 'DIFFERENCING', at + 4, 'it says that it has a parent');
    }
  }
  return known;
}

/** Whether a header or table has the signature, and the CRC-32C at 4 of itself with that field as zero. */
function hasChecksum(block: Buffer, signature: string): boolean {
  if (block.subarray(0, 4).toString('latin1') !== signature) return false;
  const cleared = Buffer.from(block);
  cleared.writeUInt32LE(0, 4);
  return crc32c(cleared) === block.readUInt32LE(4);
}

/** Its first three fields are little-endian. */
function guid(bytes: Buffer): string {
  const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
  return Buffer.from(order.map((i) => bytes[i] as number)).toString('hex');
}

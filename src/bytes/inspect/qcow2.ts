/**
 * QEMU copy-on-write images. Follows docs/interop/qcow2.rst of QEMU. Version 2 ends its header at byte 72, version 3
 * says where (at 100); extensions follow, and the name of a backing file, all in the first cluster.
 */
import { bytesAt, type Finding, objections, type Reading, sizeFrom } from './finding.ts';

const magic = Buffer.from('QFI\xfb', 'latin1');
const dataFileExtension = 0x44415441;
/** Dirty, corrupt, compression type, extended L2: what changes no meaning that a reader may miss. */
const knownIncompatible = 0b11011n;
const dataFileBit = 0b100n;
const encryptions = ['none', 'aes', 'luks'];

export function* qcow2(head: Buffer): Reading {
  if (!head.subarray(0, 4).equals(magic)) return null;
  const found = objections();
  const finding = (virtualSize: number | null, facts: Finding['facts']): Finding => ({
    format: 'qcow2',
    variant: null,
    virtualSize,
    facts,
    objections: found.list,
  });
  const short = head.length < 72 || (head.readUInt32BE(4) !== 2 && head.length < 104);
  found.when(short, 'BAD_HEADER', head.length, 'the header is cut off');
  if (short) return finding(null, {});

  const version = head.readUInt32BE(4);
  const isVersion3 = version === 3;
  found.when(version !== 2 && !isVersion3, 'UNKNOWN_VERSION', 4, `the version is ${version}, not 2 or 3`);
  found.when(head.readBigUInt64BE(8) !== 0n, 'BACKING_FILE', 8, 'a backing file is named');
  const clusterBits = head.readUInt32BE(20);
  const isClusterSane = clusterBits >= 9 && clusterBits <= 21;
  found.when(!isClusterSane, 'BAD_HEADER', 20, `clusters have 2^${clusterBits} bytes, not 2^9 to 2^21`);
  const clusterSize = isClusterSane ? 2 ** clusterBits : 0;
  const size = head.readBigUInt64BE(24);
  found.when(size >= 2n ** 63n, 'BAD_HEADER', 24, 'the virtual size is 2^63 bytes or more');
  const encryption = head.readUInt32BE(32);
  found.when(encryption > 2, 'UNKNOWN_FEATURE', 32, `the encryption method ${encryption} is not known`);
  found.when(head.readUInt32BE(36) > (32 * 2 ** 20) / 8, 'BAD_HEADER', 36, 'the L1 table has over 32 MiB');
  const l1At = head.readBigUInt64BE(40);
  const isAligned = clusterSize > 0 && l1At % BigInt(clusterSize) === 0n;
  found.when(!isAligned, 'BAD_HEADER', 40, 'the L1 table does not begin with a cluster');
  const snapshots = head.readUInt32BE(60);
  found.when(snapshots > 65_535, 'BAD_HEADER', 60, `there are ${snapshots} snapshots, over 65,535`);

  let extensionsAt = 72;
  if (isVersion3) {
    const incompatible = head.readBigUInt64BE(72);
    const hasDataFile = (incompatible & dataFileBit) !== 0n;
    found.when(hasDataFile, 'DATA_FILE', 72, 'the data is in another file');
    const unknown = incompatible & ~(knownIncompatible | dataFileBit);
    found.when(
      unknown !== 0n,
      'UNKNOWN_FEATURE',
      72,
      `unknown features are needed (0x${unknown.toString(16)})`,
    );
    extensionsAt = head.readUInt32BE(100);
    const fits = extensionsAt >= 104 && extensionsAt <= clusterSize;
    found.when(!fits, 'BAD_HEADER', 100, `the header has ${extensionsAt} bytes, not 104 to a cluster's`);
  }
  if (found.list.length === 0) yield* readExtensions(head, { at: extensionsAt, end: clusterSize }, found);
  return finding(sizeFrom(size), {
    version,
    clusterSize,
    encryption: encryptions[encryption] ?? 'unknown',
    compat: isVersion3 ? '1.1' : '0.10',
    snapshots,
  });
}

/** Steps from one to the next; what they hold is never kept. */
function* readExtensions(
  head: Buffer,
  { at, end }: { at: number; end: number },
  found: ReturnType<typeof objections>,
): Generator<{ at: number; length: number } | { last: number }, void, Buffer> {
  for (let next = at; next + 8 <= end; ) {
    const extension = yield* bytesAt(head, next, 8);
    if (extension.length < 8) return found.when(true, 'BAD_HEADER', next, 'the extensions are cut off');
    const type = extension.readUInt32BE(0);
    const length = extension.readUInt32BE(4);
    if (type === 0) return;
    found.when(type === dataFileExtension, 'DATA_FILE', next, 'the data is in another file');
    const after = next + 8 + Math.ceil(length / 8) * 8;
    if (after > end) return found.when(true, 'BAD_HEADER', next, 'an extension is longer than its cluster');
    next = after;
  }
}

/**
 * Formats of which a few fields say all: QED (docs/interop/qed_spec.rst of QEMU), VDI (VirtualBox, as block/vdi.c of QEMU
 * reads it), LUKS (On-Disk Format 1.2.3, LUKS2 1.1.1), ploop (docs/interop/parallels.rst of QEMU), and compressed bytes.
 */
import { recogniseCompression } from '../decompress/decompress.ts';
import { type Finding, isZero, objections, type Reading, sizeFrom } from './finding.ts';

const noFacts = { variant: null, virtualSize: null, facts: {}, objections: [] } as const;

// biome-ignore lint/correctness/useYield: an inspector that has seen enough
export function* qed(head: Buffer): Reading {
  if (head.subarray(0, 4).toString('latin1') !== 'QED\0') return null;
  const what = 'QED is an old format that may name backing files, and nothing reads it any more';
  const virtualSize = head.length < 56 ? null : sizeFrom(head.readBigUInt64LE(48));
  return { ...noFacts, format: 'qed', virtualSize, objections: [{ code: 'UNSAFE_FORMAT', offset: 0, what }] };
}

const vdiTypes: Record<number, string> = { 1: 'dynamic', 2: 'static', 3: 'undo', 4: 'differencing' };

// biome-ignore lint/correctness/useYield: an inspector that has seen enough
export function* vdi(head: Buffer): Reading {
  if (head.length < 0x44 || head.readUInt32LE(0x40) !== 0xbeda107f) return null;
  const found = objections();
  const short = head.length < 0x1c8;
  found.when(short, 'BAD_HEADER', head.length, 'the header is cut off');
  if (short) return { ...noFacts, format: 'vdi', objections: found.list };

  const version = head.readUInt32LE(0x44);
  found.when(
    version !== 0x00010001,
    'UNKNOWN_VERSION',
    0x44,
    `the version is 0x${version.toString(16)}, not 1.1`,
  );
  const type = head.readUInt32LE(0x4c);
  const isWhole = type === 1 || type === 2;
  found.when(!isWhole, 'DIFFERENCING', 0x4c, `the type is ${type}, which needs another file`);
  const size = head.readBigUInt64LE(0x170);
  const blockSize = head.readUInt32LE(0x178);
  const blocks = BigInt(head.readUInt32LE(0x180));
  const isBlockSane = blockSize > 0 && blocks === (size + BigInt(blockSize) - 1n) / BigInt(blockSize);
  found.when(!isBlockSane, 'BAD_HEADER', 0x180, 'the blocks do not make up the virtual size');
  found.when(!isZero(head.subarray(0x1a8, 0x1b8)), 'DIFFERENCING', 0x1a8, 'a parent is named');
  found.when(!isZero(head.subarray(0x1b8, 0x1c8)), 'DIFFERENCING', 0x1b8, 'a parent is named');
  return {
    format: 'vdi',
    variant: vdiTypes[type] ?? null,
    virtualSize: sizeFrom(size),
    facts: { clusterSize: blockSize },
    objections: found.list,
  };
}

const luksMagic = Buffer.from('LUKS\xba\xbe', 'latin1');

// biome-ignore lint/correctness/useYield: an inspector that has seen enough
export function* luks(head: Buffer): Reading {
  if (!head.subarray(0, 6).equals(luksMagic)) return null;
  const found = objections();
  const version = head.length < 8 ? 0 : head.readUInt16BE(6);
  found.when(version !== 1 && version !== 2, 'UNKNOWN_VERSION', 6, `the version is ${version}, not 1 or 2`);
  found.when(head.length < (version === 2 ? 4096 : 592), 'BAD_HEADER', head.length, 'the header is cut off');
  // Sectors before the disk, which goes to the end. LUKS 2 has it in a text that is not read here.
  const payloadAt = version === 1 && head.length >= 592 ? head.readUInt32BE(104) * 512 : 0;
  const facts: Finding['facts'] = { version, encryption: 'luks', ...(payloadAt > 0 ? { payloadAt } : {}) };
  return { format: 'luks', variant: `luks${version}`, virtualSize: null, facts, objections: found.list };
}

const ploopMagics = ['WithoutFreeSpace', 'WithouFreSpacExt'];

// biome-ignore lint/correctness/useYield: an inspector that has seen enough
export function* ploop(head: Buffer): Reading {
  if (!ploopMagics.includes(head.subarray(0, 16).toString('latin1'))) return null;
  const found = objections();
  const short = head.length < 64;
  found.when(short, 'BAD_HEADER', head.length, 'the header is cut off');
  if (short) return { ...noFacts, format: 'ploop', objections: found.list };
  const version = head.readUInt32LE(16);
  found.when(version !== 2, 'UNKNOWN_VERSION', 16, `the version is ${version}, not 2`);
  const sectors = head.readBigUInt64LE(36);
  const virtualSize = sizeFrom(sectors * 512n);
  found.when(virtualSize === null, 'BAD_HEADER', 36, 'the virtual size is 2^53 bytes or more');
  return { format: 'ploop', variant: null, virtualSize, facts: { version }, objections: found.list };
}

// biome-ignore lint/correctness/useYield: an inspector that has seen enough
export function* compressed(head: Buffer): Reading {
  const format = recogniseCompression(head.subarray(0, 6));
  return format && { ...noFacts, format };
}

/** Small images of every format, written by hand: honest ones, whose fields a test changes into hostile ones. */
import { crc32c } from '../../../src/bytes/inspect/crc32c.ts';
import { type Fields, fill, KiB, MiB } from './fill.ts';

/** 64 MiB, in clusters of 64 KiB, as `qemu-img create` makes it. */
export function qcow2(changes: Fields = {}, version: 2 | 3 = 3): Buffer {
  const bytes = Buffer.alloc(256 * KiB);
  fill(bytes, {
    0: 'QFI\xfb',
    4: { be32: version },
    20: { be32: 16 },
    24: { be64: 64n * BigInt(MiB) },
    36: { be32: 1 },
    40: { be64: 0x30000n },
    48: { be64: 0x10000n },
    56: { be32: 1 },
    ...((version === 3 ? { 96: { be32: 4 }, 100: { be32: 112 } } : {}) as Fields),
  });
  return fill(bytes, changes);
}

export const vmdkText = (lines: readonly string[] = []) =>
  [
    '# Disk DescriptorFile',
    'version=1',
    'CID=5bdbb7f9',
    'parentCID=ffffffff',
    'createType="monolithicSparse"',
    '',
    '# Extent description',
    'RW 131072 SPARSE "disk.vmdk"',
    '',
    'ddb.virtualHWVersion = "4"',
    ...lines,
    '',
  ].join('\n');

/** 64 MiB, with its descriptor in sectors 1 to 20. */
export function vmdk(text = vmdkText(), changes: Fields = {}): Buffer {
  const bytes = Buffer.alloc(128 * KiB);
  fill(bytes, {
    0: 'KDMV',
    4: { le32: 1 },
    8: { le32: 3 },
    12: { le64: 131_072n },
    20: { le64: 128n },
    28: { le64: 1n },
    36: { le64: 20n },
    44: { le32: 512 },
    48: { le64: 21n },
    56: { le64: 26n },
    64: { le64: 128n },
    73: '\n \r\n',
    512: text,
  });
  return fill(bytes, changes);
}

/** Whose header could not know where its grain directory would be: a footer at the end says it. */
export function streamedVmdk(footerChanges: Fields = {}): Buffer {
  const text = vmdkText().replace('monolithicSparse', 'streamOptimized');
  const body = vmdk(text, {
    4: { le32: 3 },
    8: { le32: 0x30001 },
    56: { le64: 2n ** 64n - 1n },
    77: { le16: 1 },
  });
  const marker = fill(Buffer.alloc(512), { 0: { le64: 1n }, 12: { le32: 3 } });
  const footer = fill(Buffer.from(body.subarray(0, 512)), { 56: { le64: 40n }, ...footerChanges });
  return Buffer.concat([body, marker, footer, Buffer.alloc(512)]);
}

const onesComplement = (bytes: Buffer) => ~bytes.reduce((sum, byte) => sum + byte, 0) >>> 0;

/** The last sector of a VHD, with its checksum. */
export function vhdFooter(type: number, size: number, changes: Fields = {}): Buffer {
  const footer = fill(Buffer.alloc(512), {
    0: 'conectix',
    8: { be32: 2 },
    12: { be32: 0x10000 },
    16: { be64: type === 2 ? 2n ** 64n - 1n : 512n },
    28: 'qem2',
    32: { be32: 0x50003 },
    36: 'Wi2k',
    40: { be64: BigInt(size) },
    48: { be64: BigInt(size) },
    56: { be16: 963 },
    58: { u8: 8 },
    59: { u8: 17 },
    60: { be32: type },
    ...changes,
  });
  return fill(footer, { 64: { be32: onesComplement(footer) } });
}

/** A raw disk with a footer. */
export const fixedVhd = (disk: Buffer = Buffer.alloc(1 * MiB)) =>
  Buffer.concat([disk, vhdFooter(2, disk.length)]);

export function dynamicVhd({ footer = {}, header = {} }: { footer?: Fields; header?: Fields } = {}): Buffer {
  const copy = vhdFooter(3, 64 * MiB, footer);
  const about = fill(Buffer.alloc(1024), {
    0: 'cxsparse',
    8: { be64: 2n ** 64n - 1n },
    16: { be64: 1536n },
    24: { be32: 0x10000 },
    28: { be32: 32 },
    32: { be32: 2 * MiB },
    ...header,
  });
  fill(about, { 36: { be32: onesComplement(about) } });
  return Buffer.concat([copy, about, Buffer.alloc(512, 0xff), copy]);
}

/** As Microsoft writes it: the first three fields are little-endian. */
export function guid(text: string): Buffer {
  const hex = Buffer.from(text.replaceAll('-', ''), 'hex');
  const order = [3, 2, 1, 0, 5, 4, 7, 6, 8, 9, 10, 11, 12, 13, 14, 15];
  return Buffer.from(order.map((i) => hex[i] as number));
}

const withCrc = (block: Buffer) => fill(block, { 4: { le32: crc32c(block) } });
const region = (id: string, at: bigint, length: number, required = 1): Buffer =>
  fill(Buffer.alloc(32), { 0: guid(id), 16: { le64: at }, 24: { le32: length }, 28: { le32: required } });
const item = (id: string, at: number, length: number, flags = 4): Buffer =>
  fill(Buffer.alloc(32), { 0: guid(id), 16: { le32: at }, 20: { le32: length }, 24: { le32: flags } });

export interface VhdxChanges {
  header?: Fields;
  regions?: readonly Buffer[];
  regionTable?: Fields;
  items?: readonly Buffer[];
  metadata?: Fields;
}

export const vhdxItem = item;
export const vhdxRegion = region;

/** 64 MiB, its metadata at 2 MiB. */
export function vhdx({
  header = {},
  regions = [],
  regionTable = {},
  items = [],
  metadata = {},
}: VhdxChanges = {}): Buffer {
  const bytes = Buffer.alloc(4 * MiB);
  bytes.write('vhdxfile', 0, 'latin1');
  for (const [n, at] of [64 * KiB, 128 * KiB].entries()) {
    const block = fill(Buffer.alloc(4 * KiB), {
      0: 'head',
      8: { le64: BigInt(n + 1) },
      66: { le16: 1 },
      ...header,
    });
    bytes.set(withCrc(block), at);
  }
  const entries = [
    region('2dc27766-f623-4200-9d64-115e9bfd4a08', 3n * BigInt(MiB), MiB),
    region('8b7ca206-4790-4b9a-b8fe-575f050f886e', 2n * BigInt(MiB), MiB),
    ...regions,
  ];
  const table = Buffer.alloc(64 * KiB);
  fill(table, { 0: 'regi', 8: { le32: entries.length }, 16: Buffer.concat(entries), ...regionTable });
  withCrc(table);
  bytes.set(table, 192 * KiB);
  bytes.set(table, 256 * KiB);
  const all = [
    item('caa16737-fa36-4d43-b3b6-33f0aa44e76b', 64 * KiB, 8),
    item('2fa54224-cd1b-4876-b211-5dbed83bf4b8', 64 * KiB + 8, 8),
    ...items,
  ];
  const at = 2 * MiB;
  fill(bytes, { [at]: 'metadata', [at + 10]: { le16: all.length }, [at + 32]: Buffer.concat(all) });
  fill(bytes, { [at + 64 * KiB]: { le32: 8 * MiB }, [at + 64 * KiB + 8]: { le64: 64n * BigInt(MiB) } });
  return fill(bytes, metadata);
}

/** 64 MiB in blocks of 1 MiB. */
export function vdi(changes: Fields = {}): Buffer {
  const bytes = Buffer.alloc(8 * KiB);
  fill(bytes, {
    0: '<<< QEMU VM Virtual Disk Image >>>\n',
    64: { le32: 0xbeda107f },
    68: { le32: 0x10001 },
    72: { le32: 0x180 },
    76: { le32: 1 },
    368: { le64: 64n * BigInt(MiB) },
    376: { le32: MiB },
    384: { le32: 64 },
  });
  return fill(bytes, changes);
}

/** The descriptors that make it one, and a MiB of nothing. */
export function iso(changes: Fields = {}): Buffer {
  const at = 32 * KiB;
  const bytes = Buffer.alloc(1 * MiB);
  return fill(bytes, {
    [at]: { u8: 1 },
    [at + 1]: 'CD001\x01',
    [at + 40]: 'DISC'.padEnd(32),
    [at + 2049]: 'CD001',
    ...changes,
  });
}

export const udf = () => iso({ [32 * KiB + 1]: 'BEA01', [32 * KiB + 2049]: 'NSR03' });

const entry = (kind: number) =>
  fill(Buffer.alloc(16), { 0: { u8: 0x80 }, 4: { u8: kind }, 8: { le32: 2048 }, 12: { le32: 1000 } });

export const mbrFields: Fields = { 446: entry(0x83), 510: { be16: 0x55aa } };
export const mbr = (changes: Fields = {}) => fill(Buffer.alloc(1 * MiB), { ...mbrFields, ...changes });
export const gpt = (changes: Fields = {}) =>
  fill(Buffer.alloc(1 * MiB), {
    446: entry(0xee),
    510: { be16: 0x55aa },
    512: 'EFI PART',
    524: { le32: 92 },
    ...changes,
  });

export const luks = (version: number) =>
  fill(Buffer.alloc(64 * KiB), { 0: 'LUKS\xba\xbe', 6: { be16: version } });
export const qed = () => fill(Buffer.alloc(64 * KiB), { 0: 'QED\0', 4: { le32: 65536 } });
export const ploop = () =>
  fill(Buffer.alloc(1 * MiB), {
    0: 'WithouFreSpacExt',
    16: { le32: 2 },
    28: { le32: 2048 },
    36: { le64: 131_072n },
  });

/** An archive of these files; of the last one's type. One without a name has it in the prefix alone. */
export function tar(files: Readonly<Record<string, Buffer>>, changes: Fields = {}, lastType = '0'): Buffer {
  const last = Object.keys(files).at(-1);
  const blocks = Object.entries(files).flatMap(([name, body]) => {
    const header = fill(Buffer.alloc(512), {
      0: name,
      100: '0000644\0',
      124: `${body.length.toString(8).padStart(11, '0')}\0`,
      148: '        ',
      156: name === last ? lastType : '0',
      257: 'ustar\x0000',
      345: name === '' ? 'hidden' : '',
    });
    const sum = header.reduce((all, byte) => all + byte, 0);
    fill(header, { 148: `${sum.toString(8).padStart(6, '0')}\0 ` });
    return [header, body, Buffer.alloc((512 - (body.length % 512)) % 512)];
  });
  return fill(Buffer.concat([...blocks, Buffer.alloc(1024)]), changes);
}

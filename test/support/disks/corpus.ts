/** Honest and hostile images, and what has to be said of each. */
import { gzipSync, zstdCompressSync } from 'node:zlib';
import type { ContainerFormat, DiskFormat } from '../../../src/domain/image.ts';
import { someBytes } from '../bytes.ts';
import { fill, KiB, MiB } from './fill.ts';
import {
  dynamicVhd,
  fixedVhd,
  gpt,
  guid,
  iso,
  luks,
  mbr,
  mbrFields,
  ploop,
  qcow2,
  qed,
  streamedVmdk,
  tar,
  udf,
  vdi,
  vhdFooter,
  vhdx,
  vhdxItem,
  vhdxRegion,
  vmdk,
  vmdkText,
} from './headers.ts';

export interface Sample {
  name: string;
  bytes: Buffer;
  diskFormat: DiskFormat;
  containerFormat: ContainerFormat;
  /** Bytes of the disk inside; null: not to be told. */
  virtualSize?: number | null;
  /** Null: published. */
  refused: null | { code: 'format_mismatch' | 'unsafe_image'; says: RegExp };
}

const size = 64 * MiB;
const honest = (
  name: string,
  bytes: Buffer,
  diskFormat: DiskFormat,
  virtualSize: number | null,
  containerFormat: ContainerFormat = 'bare',
): Sample => ({ name, bytes, diskFormat, containerFormat, virtualSize, refused: null });
type Code = NonNullable<Sample['refused']>['code'];
const refusedAs =
  (code: Code) =>
  (
    name: string,
    bytes: Buffer,
    diskFormat: DiskFormat,
    says: RegExp,
    containerFormat: ContainerFormat = 'bare',
  ): Sample => ({ name, bytes, diskFormat, containerFormat, refused: { code, says } });
const unsafe = refusedAs('unsafe_image');
const other = refusedAs('format_mismatch');

const raw = Buffer.from(someBytes(200 * KiB, 5));
const text = (line: string) => vmdk(vmdkText([line]));
const flat = vmdkText()
  .replace('monolithicSparse', 'monolithicFlat')
  .replace(/RW .*/, 'RW 2048 FLAT "/etc/shadow" 0');
const parentLocator = vhdxItem('a8d35f2d-b30b-454d-abf7-d3d84834ab0c', 64 * KiB + 16, 32);

const backed = qcow2({ 8: { be64: 1n } });
const many = Object.fromEntries(Array.from({ length: 1001 }, (_, n) => [`${n}.ovf`, Buffer.alloc(0)]));

const packed = gzipSync(raw);
/** Whose inside has to be looked at to see it. */
const compressedOnes: readonly Sample[] = [
  unsafe(
    'a compressed qcow2 with a backing file',
    gzipSync(backed),
    'qcow2',
    /In what is compressed.*backing file.*byte 8\b/,
    'compressed',
  ),
  unsafe(
    'a VMDK descriptor, compressed',
    zstdCompressSync(Buffer.from(flat)),
    'raw',
    /descriptor/,
    'compressed',
  ),
  unsafe('a bomb', zstdCompressSync(Buffer.alloc(80 * MiB)), 'raw', /more than 200 times/, 'compressed'),
  unsafe(
    'a compressed archive with a disk that has a backing file',
    gzipSync(tar({ 'disk.qcow2': backed })),
    'raw',
    /in the archive.*backing file/,
    'docker',
  ),
  other('a compressed qcow2 as raw', gzipSync(qcow2()), 'raw', /In what is compressed.*QCOW2/, 'compressed'),
  other('compressed, what is no qcow2', packed, 'qcow2', /no known format/, 'compressed'),
  other('compressed, cut off', packed.subarray(0, 100 * KiB), 'raw', /gzip data/, 'compressed'),
  other(
    'compressed, with something behind it',
    Buffer.concat([packed, raw]),
    'raw',
    /something else follows/,
    'compressed',
  ),
  other(
    'compressed, damaged',
    fill(Buffer.from(packed), { [packed.length - 8]: { le32: 1 } }),
    'raw',
    /checksum/,
    'compressed',
  ),
  other('compressed, no archive', packed, 'raw', /says to be docker/, 'docker'),
];

export const samples: readonly Sample[] = [
  honest('raw bytes', raw, 'raw', raw.length),
  honest('no bytes', Buffer.alloc(0), 'raw', 0),
  honest('one byte', Buffer.from('a'), 'raw', 1),
  honest('text', Buffer.from('#!/bin/sh\necho hello\n'), 'raw', 21),
  honest('a disk with an MBR', mbr(), 'raw', MiB),
  honest('a disk with a GPT', gpt(), 'raw', MiB),
  honest(
    'a boot sector that is no MBR',
    fill(Buffer.alloc(MiB), { 0: '\xeb\x3c\x90mkfs.fat', 510: { be16: 0x55aa } }),
    'raw',
    MiB,
  ),
  honest('a GPT as such', gpt(), 'gpt', MiB),
  honest('a disc as raw', iso(), 'raw', MiB),
  honest('a compressed kernel', gzipSync(raw), 'aki', null, 'aki'),
  honest('qcow2 version 3', qcow2(), 'qcow2', size),
  honest('qcow2 version 2', qcow2({}, 2), 'qcow2', size),
  honest('qcow2 with lazy refcounts, dirty', qcow2({ 72: { be64: 1n }, 80: { be64: 1n } }), 'qcow2', size),
  honest('qcow2 with zstd clusters', qcow2({ 72: { be64: 8n }, 104: { u8: 1 } }), 'qcow2', size),
  honest(
    'qcow2 with an extension that is not known',
    qcow2({ 112: { be32: 0x12345678 }, 116: { be32: 5 } }),
    'qcow2',
    size,
  ),
  honest('VMDK, sparse', vmdk(), 'vmdk', size),
  honest('VMDK, a stream', streamedVmdk(), 'vmdk', size),
  honest('VHD, fixed', fixedVhd(), 'vhd', MiB),
  honest('VHD, fixed, with an MBR', fixedVhd(mbr()), 'vhd', MiB),
  honest('VHD, dynamic', dynamicVhd(), 'vhd', size),
  honest('VHDX', vhdx(), 'vhdx', size),
  honest('VDI', vdi(), 'vdi', size),
  honest('ISO 9660', iso(), 'iso', MiB),
  honest('UDF', udf(), 'iso', MiB),
  honest('a disc that starts from a stick', iso(mbrFields), 'iso', MiB),
  honest('LUKS 1', luks(1), 'luks', null),
  honest('LUKS 2', luks(2), 'luks', null),
  honest('ploop', ploop(), 'ploop', size),
  honest(
    'OVA',
    tar({ 'vm.ovf': Buffer.from('<Envelope/>'), 'disk.vmdk': streamedVmdk() }),
    'vmdk',
    null,
    'ova',
  ),
  honest(
    'a Docker image',
    tar({ 'manifest.json': Buffer.from('[]'), 'a/layer.tar': raw }),
    'raw',
    null,
    'docker',
  ),
  honest('compressed', gzipSync(raw), 'raw', raw.length, 'compressed'),
  honest('a compressed qcow2', gzipSync(qcow2()), 'qcow2', size, 'compressed'),
  honest('a compressed VHD, fixed', zstdCompressSync(fixedVhd()), 'vhd', MiB, 'compressed'),
  honest(
    'a compressed Docker image',
    gzipSync(tar({ 'manifest.json': Buffer.from('[]'), 'a/layer.tar': raw })),
    'raw',
    null,
    'docker',
  ),

  unsafe(
    'qcow2 with a backing file',
    qcow2({ 8: { be64: 0x200n }, 16: { be32: 11 }, 512: '/etc/passwd' }),
    'qcow2',
    /backing file.*byte 8\b/,
  ),
  unsafe('qcow2 with a data file', qcow2({ 72: { be64: 4n } }), 'qcow2', /another file.*byte 72\b/),
  unsafe(
    'qcow2 with the name of a data file',
    qcow2({ 112: { be32: 0x44415441 }, 116: { be32: 8 }, 120: '/dev/sda' }),
    'qcow2',
    /another file.*byte 112\b/,
  ),
  unsafe(
    'qcow2 with the name behind another extension',
    qcow2({ 112: { be32: 0x6803f857 }, 116: { be32: 300 }, 424: { be32: 0x44415441 }, 428: { be32: 8 } }),
    'qcow2',
    /byte 424\b/,
  ),
  unsafe(
    'qcow2 that needs what is not known',
    qcow2({ 72: { be64: 1n << 20n } }),
    'qcow2',
    /unknown features.*byte 72\b/,
  ),
  unsafe('qcow2 version 4', qcow2({ 4: { be32: 4 } }), 'qcow2', /version is 4.*byte 4\b/),
  unsafe('qcow2 version 1', qcow2({ 4: { be32: 1 } }), 'qcow2', /version is 1/),
  unsafe('qcow2 with clusters of 256 bytes', qcow2({ 20: { be32: 8 } }), 'qcow2', /byte 20\b/),
  unsafe('qcow2 with clusters of 4 GiB', qcow2({ 20: { be32: 32 } }), 'qcow2', /byte 20\b/),
  unsafe('qcow2 of 2^63 bytes', qcow2({ 24: { be64: 1n << 63n } }), 'qcow2', /byte 24\b/),
  unsafe('qcow2 of 17 TiB', qcow2({ 24: { be64: 17n << 40n } }), 'qcow2', /virtualSizeMax/),
  unsafe(
    'qcow2 with an L1 table of 4 GiB entries',
    qcow2({ 36: { be32: 0xffffffff } }),
    'qcow2',
    /byte 36\b/,
  ),
  unsafe(
    'qcow2 with an L1 table in the middle of a cluster',
    qcow2({ 40: { be64: 0x30008n } }),
    'qcow2',
    /byte 40\b/,
  ),
  unsafe('qcow2 with too many snapshots', qcow2({ 60: { be32: 65_536 } }), 'qcow2', /snapshots.*byte 60\b/),
  unsafe('qcow2 with a short header', qcow2({ 100: { be32: 80 } }), 'qcow2', /byte 100\b/),
  unsafe(
    'qcow2 with a header longer than a cluster',
    qcow2({ 100: { be32: 0x7fffffff } }),
    'qcow2',
    /byte 100\b/,
  ),
  unsafe(
    'qcow2 with an extension of 4 GiB',
    qcow2({ 112: { be32: 1 }, 116: { be32: 0xfffffff0 } }),
    'qcow2',
    /byte 112\b/,
  ),
  unsafe('qcow2, four bytes of it', Buffer.from('QFI\xfb', 'latin1'), 'qcow2', /cut off/),
  unsafe('qcow2 that is QED', qed(), 'qcow2', /QED/),
  unsafe('raw that is QED', qed(), 'raw', /QED/),
  unsafe('VMDK descriptor alone', Buffer.from(flat), 'vmdk', /descriptor/),
  unsafe('VMDK descriptor as raw', Buffer.from(flat), 'raw', /descriptor/),
  unsafe(
    'VMDK descriptor behind zeros',
    Buffer.concat([Buffer.alloc(512), Buffer.from(flat)]),
    'raw',
    /descriptor/,
  ),
  unsafe('VMDK descriptor as ISO', fill(iso(), { 0: flat }), 'iso', /more than one thing/),
  unsafe('VMDK, COWD', fill(Buffer.alloc(4 * KiB), { 0: 'COWD' }), 'vmdk', /COWD/),
  unsafe('VMDK version 4', vmdk(vmdkText(), { 4: { le32: 4 } }), 'vmdk', /version is 4.*byte 4\b/),
  unsafe('VMDK with its descriptor elsewhere', vmdk(vmdkText(), { 28: { le64: 100n } }), 'vmdk', /byte 28\b/),
  unsafe(
    'VMDK with a descriptor of 4 TiB',
    vmdk(vmdkText(), { 36: { le64: 1n << 33n } }),
    'vmdk',
    /byte 36\b/,
  ),
  unsafe('VMDK that is flat', vmdk(flat), 'vmdk', /FLAT|createType/),
  unsafe('VMDK with a path', vmdk(vmdkText().replace('disk.vmdk', '../../etc/shadow')), 'vmdk', /path/),
  unsafe('VMDK with a second extent', text('RW 2048 FLAT "/etc/shadow" 0'), 'vmdk', /extent/),
  unsafe(
    'VMDK with a second createType',
    text('createType="monolithicFlat"'),
    'vmdk',
    /more than one createType/,
  ),
  unsafe(
    'VMDK with a second createType in a comment',
    text('# createType="monolithicFlat"'),
    'vmdk',
    /more than one createType/,
  ),
  unsafe('VMDK with a parent file', text('parentFileNameHint="/etc/shadow"'), 'vmdk', /parent/),
  unsafe(
    'VMDK with a parent',
    vmdk(vmdkText().replace('parentCID=ffffffff', 'parentCID=12345678')),
    'vmdk',
    /parent/,
  ),
  unsafe(
    'VMDK in two files',
    vmdk(vmdkText().replace('monolithicSparse', 'twoGbMaxExtentSparse')),
    'vmdk',
    /createType/,
  ),
  unsafe('VMDK without a createType', vmdk(vmdkText().replace(/createType.*\n/, '')), 'vmdk', /createType/),
  unsafe('VMDK whose footer has other things', streamedVmdk({ 28: { le64: 3n } }), 'vmdk', /footer/),
  unsafe(
    'VMDK whose footer is missing',
    vmdk(vmdkText(), { 56: { le64: 2n ** 64n - 1n } }),
    'vmdk',
    /footer/,
  ),
  unsafe('VHD that needs a parent', dynamicVhd({ footer: { 60: { be32: 4 } } }), 'vhd', /differencing/),
  unsafe(
    'VHD, fixed, that needs a parent',
    Buffer.concat([Buffer.alloc(MiB), vhdFooter(4, MiB)]),
    'vhd',
    /differencing/,
  ),
  unsafe('VHD with the name of a parent', dynamicVhd({ header: { 64: '\0C\0:' } }), 'vhd', /parent/),
  unsafe('VHD of an unknown type', dynamicVhd({ footer: { 60: { be32: 7 } } }), 'vhd', /type is 7/),
  unsafe('VHD with a wrong checksum', fill(dynamicVhd(), { 48: { be64: 1n } }), 'vhd', /checksum|copy/),
  unsafe('VHD without its footer', dynamicVhd().subarray(0, 2048), 'vhd', /missing/),
  unsafe(
    'VHD, dynamic, without its first sector',
    Buffer.concat([Buffer.alloc(MiB), vhdFooter(3, MiB)]),
    'vhd',
    /no copy/,
  ),
  unsafe(
    'VHDX with a parent',
    vhdx({ metadata: { [2 * MiB + 64 * KiB + 4]: { le32: 2 } } }),
    'vhdx',
    /parent/,
  ),
  unsafe('VHDX with a locator of a parent', vhdx({ items: [parentLocator] }), 'vhdx', /parent/),
  unsafe(
    'VHDX that needs a region not known',
    vhdx({ regions: [vhdxRegion('11111111-1111-1111-1111-111111111111', 4n << 20n, MiB)] }),
    'vhdx',
    /required/,
  ),
  unsafe(
    'VHDX that needs an item not known',
    vhdx({ items: [vhdxItem('11111111-1111-1111-1111-111111111111', 70_000, 8)] }),
    'vhdx',
    /required/,
  ),
  unsafe(
    'VHDX with an item of 4 GiB',
    vhdx({ items: [vhdxItem('beca12ab-b2e6-4523-93ef-c309e000c746', 70_000, 0xffffffff)] }),
    'vhdx',
    /4294967295 bytes/,
  ),
  unsafe(
    'VHDX with 65535 items',
    vhdx({ metadata: { [2 * MiB + 10]: { le16: 65_535 } } }),
    'vhdx',
    /65535 entries/,
  ),
  unsafe(
    'VHDX with 4 billion regions',
    vhdx({ regionTable: { 8: { le32: 0xffffffff } } }),
    'vhdx',
    /4294967295 entries/,
  ),
  unsafe(
    'VHDX with changes in its log',
    vhdx({ header: { 48: guid('11111111-1111-1111-1111-111111111111') } }),
    'vhdx',
    /log/,
  ),
  unsafe('VHDX, the first MiB of it', vhdx().subarray(0, MiB), 'vhdx', /cut off/),
  unsafe('VDI that needs another', vdi({ 76: { le32: 4 } }), 'vdi', /byte 76\b/),
  unsafe('VDI with a parent', vdi({ 424: Buffer.alloc(16, 1) }), 'vdi', /parent.*byte 424\b/),
  unsafe('VDI whose blocks are fewer', vdi({ 384: { le32: 3 } }), 'vdi', /blocks/),
  unsafe('GPT without an MBR before it', gpt({ 446: Buffer.alloc(16) }), 'gpt', /protective MBR/),
  unsafe('GPT that is not behind its MBR', gpt({ 512: Buffer.alloc(8) }), 'gpt', /no GPT/),
  unsafe('LUKS 3', luks(3), 'luks', /version is 3/),
  unsafe(
    'qcow2 that is a disc too',
    fill(Buffer.concat([qcow2(), Buffer.alloc(MiB)]), { [32 * KiB + 1]: 'CD001' }),
    'qcow2',
    /iso \(at byte 32769\) and qcow2 \(at byte 0\)/,
  ),
  unsafe(
    'qcow2 that is a disc too, as a disc',
    fill(Buffer.concat([qcow2(), Buffer.alloc(MiB)]), { [32 * KiB + 1]: 'CD001' }),
    'iso',
    /more than one thing/,
  ),
  unsafe(
    'qcow2 that is a VHD too',
    Buffer.concat([qcow2(), vhdFooter(2, 256 * KiB)]),
    'qcow2',
    /more than one thing/,
  ),
  unsafe('qcow2 with an MBR', qcow2(mbrFields), 'qcow2', /more than one thing/),
  unsafe('VDI with an MBR', fill(vdi(), mbrFields), 'vdi', /more than one thing|parent/),
  unsafe(
    'OVA with a qcow2 that has a backing file',
    tar({ 'vm.ovf': raw, 'disk.qcow2': qcow2({ 8: { be64: 1n } }) }),
    'qcow2',
    /in the archive.*backing file/,
    'ova',
  ),
  unsafe(
    'OVA with more members than are looked at',
    tar({ ...many, 'disk.qcow2': backed }),
    'qcow2',
    /1000 members/,
    'ova',
  ),
  unsafe(
    'OVA with a disk whose name begins behind',
    tar({ 'vm.ovf': raw, '': backed }),
    'qcow2',
    /in the archive.*backing file/,
    'ova',
  ),
  unsafe(
    'OVA with a disk of a type that is not known',
    tar({ 'vm.ovf': raw, 'disk.qcow2': backed }, {}, 'S'),
    'qcow2',
    /in the archive.*backing file/,
    'ova',
  ),
  unsafe(
    'OVA with a flat VMDK',
    tar({ 'vm.ovf': raw, 'a.vmdk': Buffer.from(flat) }),
    'vmdk',
    /descriptor/,
    'ova',
  ),
  unsafe(
    'OVA with a damaged header',
    tar({ 'vm.ovf': raw, b: raw }, { 0: 'other' }),
    'vmdk',
    /damaged/,
    'ova',
  ),

  ...compressedOnes,

  other('raw that is qcow2', qcow2(), 'raw', /qcow2.*byte 0\b.*QCOW2/),
  other('a kernel that is qcow2', qcow2(), 'aki', /QCOW2/, 'aki'),
  other('raw that is VMDK', vmdk(), 'raw', /VMDK/),
  other('raw that is a fixed VHD', fixedVhd(), 'raw', new RegExp(`vhd \\(at byte ${MiB}\\).*VHD`)),
  other('raw that is a dynamic VHD', dynamicVhd(), 'raw', /VHD/),
  other('raw that is VHDX', vhdx(), 'raw', /VHDX/),
  other('raw that is VDI', vdi(), 'raw', /byte 64\b.*VDI/),
  other('raw that is LUKS', luks(1), 'raw', /LUKS/),
  other('raw that is ploop', ploop(), 'raw', /PLOOP/),
  other('qcow2 that is raw', raw, 'qcow2', /no known format/),
  other('qcow2 without bytes', Buffer.alloc(0), 'qcow2', /no known format/),
  other('qcow2 that is VMDK', vmdk(), 'qcow2', /says to be qcow2.*vmdk/),
  other('VMDK that is qcow2', qcow2(), 'vmdk', /says to be vmdk.*qcow2/),
  other('VHD that is VHDX', vhdx(), 'vhd', /vhdx/),
  other('a disc that is raw', raw, 'iso', /no known format/),
  other('a disc that is qcow2', qcow2(), 'iso', /qcow2/),
  other('OVA that is no archive', streamedVmdk(), 'vmdk', /says to be ova/, 'ova'),
  other('compressed that is not', raw, 'raw', /says to be compressed/, 'compressed'),
];

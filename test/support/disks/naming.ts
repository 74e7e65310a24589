/** Images that name a file of the host, in every way that some reader follows. */
import { gzipSync } from 'node:zlib';
import type { ContainerFormat, DiskFormat } from '../../../src/domain/image.ts';
import { fill, KiB, MiB } from './fill.ts';
import {
  dynamicVhd,
  guid,
  iso,
  qcow2,
  qed,
  streamedVmdk,
  tar,
  vdi,
  vhdx,
  vhdxItem,
  vmdk,
  vmdkText,
} from './headers.ts';

export interface Naming {
  name: string;
  bytes: Buffer;
  diskFormat: DiskFormat;
  containerFormat: ContainerFormat;
}

export function imagesNaming(path: string): Naming[] {
  const bare = (name: string, diskFormat: DiskFormat, bytes: Buffer): Naming => ({
    name,
    bytes,
    diskFormat,
    containerFormat: 'bare',
  });
  const backed = (text: string, version: 2 | 3 = 3) =>
    qcow2({ 8: { be64: 0x400n }, 16: { be32: text.length }, 1024: text }, version);
  const dataFile = (incompatible: bigint) =>
    qcow2({ 72: { be64: incompatible }, 112: { be32: 0x44415441 }, 116: { be32: path.length }, 120: path });
  const json = `json:{"driver":"raw","file":{"driver":"file","filename":"${path}"}}`;
  const flat = vmdkText()
    .replace('monolithicSparse', 'monolithicFlat')
    .replace(/RW .*/, `RW 2048 FLAT "${path}" 0`);
  const wide = Buffer.from(path, 'utf16le');
  const locator = vhdxItem('a8d35f2d-b30b-454d-abf7-d3d84834ab0c', 66 * KiB, 512);
  const vhdxParent = vhdx({
    items: [locator],
    metadata: {
      [2 * MiB + 64 * KiB + 4]: { le32: 2 },
      [2 * MiB + 66 * KiB]: guid('b04aefb7-d19e-4a81-b789-25b8e9445913'),
      [2 * MiB + 66 * KiB + 20]: wide,
    },
  });
  const vhdParent = dynamicVhd({
    footer: { 60: { be32: 4 } },
    header: { 40: Buffer.alloc(16, 1), 64: wide.swap16(), 576: 'W2ku' },
  });
  const link = fill(tar({ 'disk.raw': Buffer.alloc(0) }, {}, '2'), { 157: path });
  const disks = [
    bare('a backing file', 'qcow2', backed(path)),
    bare('a backing file, version 2', 'qcow2', backed(path, 2)),
    bare('a backing file as file:', 'qcow2', backed(`file:${path}`)),
    bare('a backing file as json:', 'qcow2', backed(json)),
    bare('a backing file, as raw', 'raw', backed(path)),
    bare('a data file', 'qcow2', dataFile(4n)),
    bare('the name of a data file', 'qcow2', dataFile(0n)),
    bare('a flat VMDK', 'vmdk', Buffer.from(flat)),
    bare('a flat VMDK as raw', 'raw', Buffer.from(flat)),
    bare('a flat VMDK behind zeros', 'raw', Buffer.concat([Buffer.alloc(KiB), Buffer.from(flat)])),
    bare('a flat VMDK before a disc', 'iso', fill(iso(), { 0: flat })),
    bare('a flat VMDK in a sparse one', 'vmdk', vmdk(flat)),
    bare('a second extent', 'vmdk', vmdk(vmdkText([`RW 2048 FLAT "${path}" 0`]))),
    bare('an extent that is a path', 'vmdk', vmdk(vmdkText().replace('disk.vmdk', path))),
    bare(
      'a parent of a VMDK',
      'vmdk',
      vmdk(vmdkText([`parentFileNameHint="${path}"`]).replace('ffffffff', '12345678')),
    ),
    bare('a parent of a VHDX', 'vhdx', vhdxParent),
    bare('a parent of a VHD', 'vhd', vhdParent),
    bare('a parent of a VDI', 'vdi', vdi({ 76: { le32: 4 }, 84: path, 424: Buffer.alloc(16, 1) })),
    bare(
      'a backing file of QED',
      'qcow2',
      fill(qed(), { 16: { be64: 1n << 56n }, 56: { le32: 72 }, 60: { le32: path.length }, 72: path }),
    ),
    bare('nothing but a name', 'raw', Buffer.from(json)),
    {
      ...bare(
        'a flat VMDK in an OVA',
        'vmdk',
        tar({ 'vm.ovf': Buffer.from(`<File ovf:href="file://${path}"/>`), 'disk.vmdk': Buffer.from(flat) }),
      ),
      containerFormat: 'ova',
    },
    {
      ...bare(
        'an OVA that refers to it',
        'vmdk',
        tar({ 'vm.ovf': Buffer.from(`<File ovf:href="file://${path}"/>`), 'disk.vmdk': streamedVmdk() }),
      ),
      containerFormat: 'ova',
    },
    { ...bare('a link in an archive', 'raw', link), containerFormat: 'docker' },
  ] satisfies Naming[];
  const packed = disks
    .filter(({ containerFormat }) => containerFormat === 'bare')
    .map(
      (one): Naming => ({
        ...one,
        name: `${one.name}, compressed`,
        bytes: gzipSync(one.bytes),
        containerFormat: 'compressed',
      }),
    );
  return [...disks, ...packed];
}

/** What is said of images that qemu-img and the makers of discs have made, compared with what they say themselves. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { inspectStream } from '../../../src/bytes/inspect/inspection.ts';
import { judge } from '../../../src/bytes/inspect/verdict.ts';
import type { DiskFormat } from '../../../src/domain/image.ts';
import { someBytes } from '../../support/bytes.ts';
import { createdWith, type Made, madeOf } from '../../support/disks/made.ts';
import { only, sized } from '../../support/size.ts';

const MiB = 2 ** 20;
const qemu = only({ from: 'ci', programs: ['qemu-img'] });
const policy = {
  requireMatch: true,
  rawMayHide: false,
  vmdkTypes: ['streamOptimized', 'monolithicSparse'],
  virtualSizeMax: 16 * 2 ** 40,
};

function verdictOf(bytes: Buffer, diskFormat: DiskFormat) {
  const inspector = inspectStream();
  for (let at = 0; at < bytes.length; at += 65_536) inspector.update(bytes.subarray(at, at + 65_536));
  return judge(inspector.finish(), { diskFormat, containerFormat: 'bare' }, policy);
}

const key = ['--object', 'secret,id=s,data=hush'];
const locked = 'key-secret=s,iter-time=10';

interface Way {
  diskFormat: DiskFormat;
  driver: string;
  options: string;
  more?: readonly string[];
  /** Those that it cannot have are left out. */
  sizes?: readonly number[];
}
const sizes = [512, 10_000_384, 137 * 2 ** 30 + 512];
const small = [512, MiB + 512];
const ways: readonly Way[] = [
  ...['compat=0.10', 'compat=1.1', 'compat=1.1,lazy_refcounts=on', 'compat=1.1,compression_type=zstd'].map(
    (options): Way => ({ diskFormat: 'qcow2', driver: 'qcow2', options }),
  ),
  ...[512, 4096, 65_536, 2 * MiB].map(
    (bytes): Way => ({
      diskFormat: 'qcow2',
      driver: 'qcow2',
      options: `cluster_size=${bytes}`,
      sizes: small,
    }),
  ),
  { diskFormat: 'qcow2', driver: 'qcow2', options: 'extended_l2=on' },
  { diskFormat: 'qcow2', driver: 'qcow2', options: 'refcount_bits=1' },
  { diskFormat: 'qcow2', driver: 'qcow2', options: 'preallocation=metadata', sizes: small },
  {
    diskFormat: 'qcow2',
    driver: 'qcow2',
    options: `encrypt.format=luks,encrypt.${locked.replace(',', ',encrypt.')}`,
    more: key,
    sizes: [MiB + 512],
  },
  { diskFormat: 'luks', driver: 'luks', options: locked, more: key, sizes: small },
  { diskFormat: 'vmdk', driver: 'vmdk', options: 'subformat=monolithicSparse' },
  { diskFormat: 'vmdk', driver: 'vmdk', options: 'subformat=streamOptimized' },
  {
    diskFormat: 'vmdk',
    driver: 'vmdk',
    options: 'subformat=monolithicSparse,hwversion=7,adapter_type=lsilogic',
  },
  ...['on', 'off'].flatMap((force): Way[] => [
    { diskFormat: 'vhd', driver: 'vpc', options: `subformat=dynamic,force_size=${force}` },
    { diskFormat: 'vhd', driver: 'vpc', options: `subformat=fixed,force_size=${force}`, sizes: small },
  ]),
  { diskFormat: 'vhdx', driver: 'vhdx', options: 'subformat=dynamic' },
  { diskFormat: 'vhdx', driver: 'vhdx', options: 'subformat=fixed', sizes: small },
  { diskFormat: 'vhdx', driver: 'vhdx', options: 'block_size=268435456,log_size=2097152' },
  { diskFormat: 'vdi', driver: 'vdi', options: '' },
  { diskFormat: 'vdi', driver: 'vdi', options: 'static=on', sizes: small },
  { diskFormat: 'ploop', driver: 'parallels', options: '' },
  { diskFormat: 'raw', driver: 'raw', options: '', sizes: small },
];
const found: Partial<Record<string, string>> = { vpc: 'vhd', parallels: 'ploop' };

/** Both say the same of it, and it is published. */
function expectSame({ bytes, info }: Made, { diskFormat, driver }: Way) {
  const verdict = verdictOf(bytes, diskFormat);
  expect(verdict.refusal).toBeNull();
  expect(verdict.virtualSize).toBe(info['virtual-size']);
  const formats = driver === 'raw' ? [] : [found[info.format] ?? info.format];
  expect(verdict.inspection.formats).toEqual(formats);
}

describe.skipIf(qemu.skip)(`as qemu-img makes them${qemu.why}`, () => {
  test.each(ways)('$driver, $options', (way) => {
    for (const size of way.sizes ?? sizes) {
      expectSame(createdWith(way.driver, size, way.options, way.more), way);
    }
  });

  const every = sized({ quick: 2, ci: 2, full: 1 });
  test.each(ways.filter((_, n) => n % every === 0))('$driver, $options, with something in it', (way) => {
    const disk = Buffer.concat([someBytes(MiB), Buffer.alloc(MiB), someBytes(512)]);
    expectSame(madeOf(disk, way.driver, way.options, way.more), way);
  });

  test('QED is refused, and its virtual size is known', () => {
    const { bytes, info } = createdWith('qed', 10_000_384);
    const verdict = verdictOf(bytes, 'qcow2');
    expect(verdict).toMatchObject({ virtualSize: info['virtual-size'], refusal: { code: 'unsafe_image' } });
    expect(verdict.inspection.formats).toEqual(['qed']);
  });

  test.each([
    ['qcow2', 'backing_file=base,backing_fmt=raw'],
    ['qcow2', 'data_file=data,data_file_raw=on'],
    ['vmdk', 'subformat=monolithicFlat'],
    ['vmdk', 'subformat=twoGbMaxExtentSparse'],
    ['vmdk', 'backing_file=base,backing_fmt=vmdk'],
  ])('%s with %s names other files, and is refused', (driver, options) => {
    const folder = mkdtempSync(join(tmpdir(), 'vitrine-named-'));
    try {
      const run = (...args: string[]) => execFileSync('qemu-img', args, { cwd: folder, stdio: 'pipe' });
      run('create', '-f', driver === 'vmdk' ? 'vmdk' : 'raw', 'base', '1M');
      run('create', '-f', driver, '-o', options, 'made', '1M');
      const { refusal } = verdictOf(readFileSync(join(folder, 'made')), driver as DiskFormat);
      expect(refusal?.code).toBe('unsafe_image');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

const discs = {
  genisoimage: ['-quiet', '-J', '-R'],
  'genisoimage ': ['-quiet', '-udf'],
  xorriso: ['-as', 'mkisofs', '-quiet'],
};

describe.each(Object.entries(discs))('a disc made by %s %j', (name, options) => {
  const maker = only({ from: 'ci', programs: [name.trim()] });
  test.skipIf(maker.skip)(`is one${maker.why}`, () => {
    const folder = mkdtempSync(join(tmpdir(), 'vitrine-disc-'));
    try {
      writeFileSync(join(folder, 'file'), someBytes(100_000));
      const target = join(folder, 'disc');
      execFileSync(name.trim(), [...options, '-V', 'SEED', '-o', target, join(folder, 'file')], {
        stdio: 'pipe',
      });
      const bytes = readFileSync(target);
      const verdict = verdictOf(bytes, 'iso');
      expect(verdict).toMatchObject({ refusal: null, virtualSize: bytes.length });
      expect(verdict.inspection.formats).toEqual(['iso']);
      expect(verdictOf(bytes, 'qcow2').refusal?.code).toBe('format_mismatch');
    } finally {
      rmSync(folder, { recursive: true, force: true });
    }
  });
});

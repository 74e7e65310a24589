/** Compressed bytes of four formats, in any chunks, whole, joined, cut off, damaged, and too dense. */
import { execFileSync } from 'node:child_process';
import { constants, crc32, deflateRawSync, gzipSync, zstdCompressSync } from 'node:zlib';
import { describe, expect, it } from 'vitest';
import { type Compression, decompress, recogniseCompression } from '../../src/bytes/decompress/decompress.ts';
import { QuotaExceededError, ValidationError } from '../../src/domain/errors.ts';
import { collect, inChunks, someBytes } from '../support/bytes.ts';
import { compressedFile, compressedFiles, compressible } from '../support/compressed.ts';
import { only, sized } from '../support/size.ts';

const sample = compressible();
const limits = { ratioMax: 200, sizeMax: 2 ** 40 };
const zstd = (bytes: Uint8Array) =>
  zstdCompressSync(bytes, { params: { [constants.ZSTD_c_checksumFlag]: 1 } });
const files = new Map<string, Buffer>([
  ['gzip', gzipSync(sample)],
  ['zstd', zstd(sample)],
  ...compressedFiles.map((name): [string, Buffer] => [name, compressedFile(name)]),
]);
const names = [...files.keys()];
const fileOf = (name: string) => files.get(name) ?? Buffer.alloc(0);
/** One of each format. */
const formats: [Compression, Buffer][] = [
  ['gzip', fileOf('gzip')],
  ['zstd', fileOf('zstd')],
  ['xz', fileOf('sample.xz')],
  ['bzip2', fileOf('sample.bz2')],
];

const plain = (bytes: Uint8Array, chunk = 10_000) => collect(decompress(inChunks(bytes, chunk), limits));

/** The code and sentence of its refusal. */
async function refusal(bytes: Uint8Array, chunk?: number): Promise<string> {
  const error = await plain(bytes, chunk).then(
    () => null,
    (reason: unknown) => reason,
  );
  if (!(error instanceof ValidationError)) throw error ?? new Error('It was not refused.');
  return `${error.issues[0]?.code}: ${error.message}`;
}

describe.each(names)('%s', (name) => {
  it('comes out whole, however it is cut', async () => {
    for (const chunk of [1, 7, 4096, 65_536, 10 ** 6])
      expect((await plain(fileOf(name), chunk)).equals(sample)).toBe(true);
  });

  it('refuses what is cut off, wherever, and says where it ends', async () => {
    const bytes = fileOf(name);
    const places = someBytes(sized({ quick: 4, ci: 200, full: 2_000 }));
    const ends = Array.from(places, (place) => 6 + Math.floor(((bytes.length - 6) * place) / 256));
    for (const end of [6, 12, 13, 40, ...ends, bytes.length - 5, bytes.length - 1]) {
      expect(await refusal(bytes.subarray(0, end), 777)).toMatch(
        /^BAD_COMPRESSION: .* ends at byte \d+, in the/,
      );
    }
  });

  it('never gives other bytes without a word when one is damaged', async () => {
    const places = new Uint32Array(someBytes(sized({ quick: 6, ci: 300, full: 3_000 }) * 4, 5).buffer);
    for (const place of places) {
      const bytes = Buffer.from(fileOf(name));
      const at = place % bytes.length;
      bytes[at] = (bytes[at] ?? 0) ^ (1 << (place >>> 29));
      const outcome = await plain(bytes).catch((error: unknown) => error);
      const isHarmless = Buffer.isBuffer(outcome) && (outcome.equals(sample) || name === 'none.xz');
      if (!isHarmless) expect(outcome).toBeInstanceOf(ValidationError);
    }
  });
});

describe.each(formats)('%s', (format, bytes) => {
  it('is recognised by its beginning, not by less', () => {
    expect(recogniseCompression(bytes.subarray(0, 6))).toBe(format);
    expect(recogniseCompression(bytes.subarray(0, 2))).toBe(null);
    expect(recogniseCompression(new Uint8Array(0))).toBe(null);
  });

  it('may be several, one after the other', async () => {
    const twice = Buffer.concat([bytes, bytes]);
    for (const chunk of [13, 1000, bytes.length, 10 ** 6])
      expect((await plain(twice, chunk)).equals(Buffer.concat([sample, sample]))).toBe(true);
  });

  it('refuses what follows, and what is cut off after a whole one', async () => {
    for (const tail of [Buffer.from('more'), Buffer.alloc(5), bytes.subarray(0, 100), Buffer.from('\x1f')]) {
      for (const chunk of [13, bytes.length, 10 ** 6]) {
        const said = await refusal(Buffer.concat([bytes, tail]), chunk);
        const [, named, offset] = /^BAD_COMPRESSION: The (\w+) data .* byte (\d+)[:,]/.exec(said) ?? [];
        expect(named).toBe(format);
        expect(Number(offset) - bytes.length).toSatisfy((n: number) => n >= 0 && n <= tail.length);
      }
    }
  });

  it('lets its source go when it fails, ends, is left or was never asked', async () => {
    const broken = Buffer.from(bytes);
    broken.fill(0x55, 60, 200);
    for (const given of [broken, Buffer.from('nothing of this kind'), bytes]) {
      const source = watched(given);
      await collect(decompress(source, limits)).catch(() => {});
      expect(source.isOpen()).toBe(false);
    }
    const left = watched(bytes);
    for await (const _ of decompress(left, limits)) break;
    expect(left.isOpen()).toBe(false);
    const never = watched(bytes);
    await decompress(never, limits).return?.();
    expect(never.isOpen()).toBe(false);
  });

  it('can be given up while its source says nothing', async () => {
    let isOpen = true;
    const hanging = {
      [Symbol.asyncIterator]: () => ({
        next: () =>
          given++ === 0
            ? Promise.resolve({ done: false as const, value: bytes.subarray(0, 2_000) })
            : new Promise<never>(() => {}),
        async return() {
          isOpen = false;
          return { done: true as const, value: undefined };
        },
      }),
    };
    let given = 0;
    const chunks = decompress(hanging, limits);
    const reading = collect({ [Symbol.asyncIterator]: () => chunks }).catch((error: unknown) => error);
    await new Promise((resolve) => setTimeout(resolve, 10));
    await chunks.return?.();
    expect(await reading).toBeInstanceOf(Error);
    expect(isOpen).toBe(false);
  });

  it('takes no more from its source than is wanted', async () => {
    const source = watched(Buffer.concat(Array.from({ length: 20 }, () => bytes)), 1_000);
    const chunks = decompress(source, limits);
    await chunks.next();
    const before = source.given();
    await new Promise((resolve) => setTimeout(resolve, 20));
    expect(source.given()).toBeLessThan(before + 300_000);
    if (format !== 'bzip2') expect(source.given()).toBeLessThan(bytes.length * 12);
    await chunks.return?.();
  });

  it('passes on what its source throws', async () => {
    async function* failing() {
      yield bytes.subarray(0, 3_000);
      throw new Error('the line broke');
    }
    await expect(collect(decompress(failing(), limits))).rejects.toThrow('the line broke');
  });

  it('is refused at the first byte over the size', async () => {
    const of = (sizeMax: number) => collect(decompress(inChunks(bytes, 5_000), { ...limits, sizeMax }));
    expect((await of(sample.length)).length).toBe(sample.length);
    await expect(of(sample.length - 1)).rejects.toThrow(QuotaExceededError);
  });
});

it('calls what is in none of the formats unknown', async () => {
  for (const bytes of ['', 'B', 'PK\x03\x04', 'QFI\xfb, and the rest', '\xfd7zXY\0'])
    expect(await refusal(Buffer.from(bytes, 'latin1'), 1)).toMatch(/^UNKNOWN_COMPRESSION: /);
});

it('refuses the few bytes that become very many', async () => {
  const zeros = Buffer.alloc(68_000_000);
  for (const bytes of [gzipSync(zeros, { level: 1 }), zstd(zeros), compressedFile('zeros.xz')]) {
    let size = 0;
    const counting = async () => {
      for await (const chunk of decompress(inChunks(bytes, 1_000), limits)) size += chunk.length;
    };
    await expect(counting()).rejects.toMatchObject({ issues: [{ code: 'RATIO_TOO_HIGH' }] });
    expect(size).toBeLessThan(2 ** 26 + 2 ** 18);
  }
});

it.skipIf(only({ from: 'ci' }).skip)('refuses the few bytes of bzip2 that become very many', async () => {
  expect(await refusal(compressedFile('zeros.bz2'))).toMatch(/^RATIO_TOO_HIGH/);
});

it('refuses what wants more memory than it may have', async () => {
  const frame = Uint8Array.of(0x28, 0xb5, 0x2f, 0xfd, 0, (28 - 10) << 3, 1, 0, 0); // a window of 256 MiB
  expect(await refusal(frame)).toMatch(/zstd data at byte \d+ needs a window of more than 128 MiB/);
  const xz = Buffer.from(fileOf('sample.xz'));
  const header = xz.subarray(12, 12 + ((xz[12] ?? 0) + 1) * 4);
  header[4] = 29; // a dictionary of 96 MiB
  header.writeUInt32LE(crc32(header.subarray(0, -4)), header.length - 4);
  expect(await refusal(xz)).toMatch(/xz data at byte \d+ needs a dictionary of more than 64 MiB/);
});

it('reads what else gzip and zstd may have around the data', async () => {
  const raw = deflateRawSync('hello');
  const trailer = gzipSync('hello').subarray(-8);
  const extra = Buffer.concat([Uint8Array.of(3, 0), Buffer.from('abc')]);
  const header = Buffer.from([0x1f, 0x8b, 8, 2 | 4 | 8 | 16, 0, 0, 0, 0, 0, 3]);
  const full = Buffer.concat([header, extra, Buffer.from('name\0comment\0'), Buffer.alloc(2), raw, trailer]);
  for (const chunk of [1, 100]) expect((await plain(full, chunk)).toString()).toBe('hello');
  const skipped = Buffer.from([0x5a, 0x2a, 0x4d, 0x18, 2, 0, 0, 0, 1, 2]);
  const framed = Buffer.concat([
    skipped,
    zstd(Buffer.from('hel')),
    skipped,
    zstd(Buffer.from('lo')),
    skipped,
  ]);
  for (const chunk of [1, 3, 100]) expect((await plain(framed, chunk)).toString()).toBe('hello');
});

it('reads nothing, compressed', async () => {
  for (const bytes of [
    gzipSync(''),
    zstd(Buffer.alloc(0)),
    Buffer.from('425a683917724538509000000000', 'hex'),
  ])
    expect((await plain(bytes, 3)).length).toBe(0);
});

it('reads bzip2 of several blocks', async () => {
  const blocks = await plain(compressedFile('blocks.bz2'), 1_000);
  expect(blocks.equals(Buffer.concat([sample, sample, sample]))).toBe(true);
});

it('reads xz with zeros between its streams, by fours', async () => {
  const xz = fileOf('sample.xz');
  const padded = Buffer.concat([xz, Buffer.alloc(8), xz, Buffer.alloc(4)]);
  for (const chunk of [1, 5_000]) expect((await plain(padded, chunk)).length).toBe(2 * sample.length);
  expect(await refusal(Buffer.concat([xz, Buffer.alloc(6), xz]))).toMatch(/padding/);
});

const programs = only({ programs: ['xz', 'bzip2', 'zstd', 'gzip'] });
it.skipIf(programs.skip)(`agrees with the programs on whatever they make${programs.why}`, async () => {
  const options = [
    ['xz', '-0'],
    ['xz', '-9e', '--block-size=70000'],
    ['xz', '--check=crc32', '--lzma2=preset=6,lc=0,lp=4,pb=4,dict=5000'],
    ['xz', '--lzma2=preset=4,lc=4,lp=0,pb=1,mf=hc3,nice=20'],
    ['bzip2', '-1'],
    ['bzip2', '-9'],
    ['zstd', '-19', '--long=27'],
    ['gzip', '-9'],
  ] as const;
  for (let n = 0; n < sized({ quick: 1, ci: 6, full: 300 }); n++) {
    const noise = someBytes(1_000 + ((n * 7919) % 200_000), n + 11);
    const input = Buffer.concat([sample.subarray(n * 100), noise, Buffer.alloc(n * 1_000), sample, noise]);
    for (const [program, ...args] of options) {
      const bytes = execFileSync(program, [...args, '-c'], { input, maxBuffer: 2 ** 26 });
      expect((await plain(bytes, 3_333)).equals(input), `${program} ${args.join(' ')}, ${n}`).toBe(true);
    }
  }
});

/** In chunks, and whether it was let go. */
function watched(bytes: Uint8Array, size = 500) {
  let at = 0;
  let isOpen = true;
  return {
    isOpen: () => isOpen,
    given: () => at,
    [Symbol.asyncIterator]() {
      return {
        async next() {
          if (at >= bytes.length) isOpen = false;
          if (!isOpen) return { done: true as const, value: undefined };
          at += size;
          return { done: false as const, value: bytes.subarray(at - size, at) };
        },
        async return() {
          isOpen = false;
          return { done: true as const, value: undefined };
        },
      };
    },
  };
}

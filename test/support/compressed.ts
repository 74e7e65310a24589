/**
 * A sample with everything a decoder has to get right, and files of it in `test/bytes/compressed`, made once by the
 * programs themselves:
 *
 *   xz -9 > sample.xz                                  xz --check=sha256 --block-size=40000 > blocks.xz
 *   xz --check=none --lzma2=preset=0 > none.xz         xz --check=crc32 --lzma2=preset=6e,dict=4096,lc=1,lp=2,pb=0 > other.xz
 *   bzip2 -9 > sample.bz2                              three of them: bzip2 -1 > blocks.bz2
 *   100 MB of zeros: xz -1 > zeros.xz                  bzip2 -9 > zeros.bz2
 */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { someBytes } from './bytes.ts';

/** Words that come again, a run, and what cannot be made smaller. */
export function compressible(): Buffer {
  const words = ['image', 'kernel', 'ramdisk', 'qcow2', 'ubuntu', 'a', 'of the', '\n', '0000'];
  const picks = someBytes(6_000, 7);
  const text = Array.from(picks, (pick) => words[pick % words.length]).join(' ');
  return Buffer.concat([
    Buffer.from(text),
    Buffer.alloc(30_000),
    someBytes(2_000, 3),
    Buffer.from(text.slice(5_000, 15_000)),
    Buffer.alloc(700, 'ab'),
    Buffer.from('aaaabbbbbcccccc'),
  ]);
}

export const compressedFiles = ['sample.xz', 'blocks.xz', 'other.xz', 'none.xz', 'sample.bz2'] as const;

export function compressedFile(
  name: (typeof compressedFiles)[number] | 'blocks.bz2' | 'zeros.xz' | 'zeros.bz2',
): Buffer {
  return readFileSync(join(import.meta.dirname, '../bytes/compressed', name));
}

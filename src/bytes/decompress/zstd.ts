/** Zstandard (RFC 8878): frames one after the other, those that are to be skipped among them. Node decodes. */
import { constants, createZstdDecompress } from 'node:zlib';
import { damaged, truncated, unsupported } from './damage.ts';
import { engineOptions, pumped } from './engine.ts';
import type { Input } from './input.ts';

/** What a frame may ask to be remembered: 128 MiB, as `zstd -19 --long` and the tool itself have it. */
const windowLogMax = 27;

export function isZstdFrame(head: Uint8Array): boolean {
  const [a = 0, b, c, d] = head;
  const isSkipped = a >> 4 === 5 && b === 0x2a && c === 0x4d && d === 0x18;
  return isSkipped || (a === 0x28 && b === 0xb5 && c === 0x2f && d === 0xfd);
}

export async function* unzstd(input: Input): AsyncGenerator<Uint8Array> {
  const params = { [constants.ZSTD_d_windowLogMax]: windowLogMax };
  for (;;) {
    const head = await input.head(4);
    if (head.length === 0) return;
    if (!isZstdFrame(head)) throw damaged('zstd', input.offset, 'something else follows the compressed data');
    yield* pumped(input, createZstdDecompress({ ...engineOptions, params }), failureAt(input));
  }
}

function failureAt(input: Input) {
  return (error: NodeJS.ErrnoException) => {
    if (error.code === 'Z_BUF_ERROR') return truncated('zstd', input.offset);
    if (error.code === 'ZSTD_error_frameParameter_windowTooLarge')
      return unsupported('zstd', input.offset, `needs a window of more than ${2 ** (windowLogMax - 20)} MiB`);
    return error.code?.startsWith('ZSTD_') ? damaged('zstd', input.offset, error.message) : error;
  };
}

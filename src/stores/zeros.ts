/** Where a chunk has something in it: file systems keep blocks of zeros for nothing when nobody writes them. */

/** Part of a chunk. */
export interface Run {
  at: number;
  length: number;
}

/** What file systems leave out as a whole, on every disk in use; smaller pieces are written as they are. */
const blockBytes = 64 * 1024;
const zeros = Buffer.alloc(blockBytes);

/** The parts of `chunk`, which goes to `position` in the file, that are not whole blocks of zeros. */
export function runsOf(chunk: Uint8Array, position: number): Run[] {
  const runs: Run[] = [];
  let last: Run | null = null;
  for (let at = 0; at < chunk.length; ) {
    const length = Math.min(chunk.length - at, blockBytes - ((position + at) % blockBytes));
    if (length === blockBytes && isZero(chunk, at)) last = null;
    else if (last) last.length += length;
    else {
      last = { at, length };
      runs.push(last);
    }
    at += length;
  }
  return runs;
}

const isZero = (chunk: Uint8Array, at: number) => zeros.compare(chunk, at, at + blockBytes) === 0;

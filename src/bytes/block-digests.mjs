/**
 * The SHA-256 of every block of a stream, one after the other. Plain JavaScript, as the thread that hashes is
 * (hash-worker.mjs); its types are beside it.
 */
import { createHash } from 'node:crypto';

export function inBlocks(chunk, filled, { blockBytes, part, end }) {
  let open = filled;
  for (let at = 0; at < chunk.length; ) {
    const piece = chunk.subarray(at, at + blockBytes - open);
    part(piece);
    open += piece.length;
    at += piece.length;
    if (open < blockBytes) continue;
    end();
    open = 0;
  }
  return open;
}

export function blockDigests(blockBytes) {
  let hash = createHash('sha256');
  let filled = 0;
  let digests = '';

  function end() {
    digests += hash.digest('hex');
    hash = createHash('sha256');
  }

  return {
    update(chunk) {
      filled = inBlocks(chunk, filled, { blockBytes, part: (piece) => hash.update(piece), end });
    },
    digest() {
      if (filled > 0) end();
      return digests;
    },
  };
}

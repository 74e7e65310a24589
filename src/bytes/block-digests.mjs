/**
 * The SHA-256 of every block of a stream, one after the other. Plain JavaScript, as the thread that hashes is
 * (hash-worker.mjs); its types are beside it.
 */
import { createHash } from 'node:crypto';

export function blockDigests(blockBytes) {
  let hash = createHash('sha256');
  let filled = 0;
  let digests = '';

  function end() {
    digests += hash.digest('hex');
    hash = createHash('sha256');
    filled = 0;
  }

  return {
    update(chunk) {
      for (let at = 0; at < chunk.length; ) {
        const part = chunk.subarray(at, at + blockBytes - filled);
        hash.update(part);
        filled += part.length;
        at += part.length;
        if (filled === blockBytes) end();
      }
    },
    digest() {
      if (filled > 0) end();
      return digests;
    },
  };
}

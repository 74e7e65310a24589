/** Keeps objects in one container of one project in OpenStack Swift, which is made when it is first needed. */

import { drop, openLine } from '../../cloud/http-call.ts';
import { connectionFailure, statusFailure } from '../../cloud/http-failure.ts';
import { type EndpointInterface, type KeystoneAccess, keystoneSession } from '../../cloud/keystone.ts';
import { alreadyThere, nothingUnder } from '../failure.ts';
import { bodyOf } from '../http-body.ts';
import { checkKey, isKey } from '../key.ts';
import type { ByteRange, WritableStore } from '../store.ts';
import { swiftContainer } from './account.ts';
import { namesIn, partOf, removeAll, segmentsOf } from './layout.ts';
import { type SwiftPaused, swiftWriter } from './writer.ts';

export interface SwiftStoreOptions extends KeystoneAccess {
  id: string;
  region?: string | undefined;
  interface: EndpointInterface;
  container: string;
  /** Bytes; what is larger, or of unknown size, is kept in segments. */
  largeObjectSize: number;
  /** Bytes of each segment, unless the object would then have too many. */
  segmentSize: number;
  connectTimeoutMs: number;
}

/** As many segments as are allowed leave room for a size that turns out a little larger. */
const segmentsWanted = 990;

export function swiftStore(options: SwiftStoreOptions): WritableStore {
  const { id, largeObjectSize, segmentSize } = options;
  const line = openLine({ connectMs: options.connectTimeoutMs });
  const session = keystoneSession({ server: id, access: options, line, now: Date.now });
  const container = swiftContainer({ ...options, store: id, name: options.container, session, line });

  /** The mark of an unfinished write, which only one can make. Keys are never used twice: a second attempt finds its own. */
  async function putMark(key: string, signal: AbortSignal | undefined): Promise<void> {
    const mark = { method: 'PUT', name: partOf(key), headers: { 'if-none-match': '*' }, body: '', signal };
    let made = await container.tried({ ...mark, also: [404, 412] });
    if (made.status === 404) {
      await container.tried({ method: 'PUT', name: '', signal });
      made = await container.tried({ ...mark, also: [412] });
    }
    if (made.status === 412 && made.attempts === 1) throw alreadyThere(id, key);
  }

  function segmentsFor(size: number | null): number | null {
    if (size === null) return segmentSize;
    return size <= largeObjectSize ? null : Math.max(segmentSize, Math.ceil(size / segmentsWanted));
  }

  return {
    id,
    type: 'swift',

    async stat(key, signal) {
      signal?.throwIfAborted();
      checkKey(key);
      const answer = await container.call({ method: 'HEAD', name: key, signal, also: [404] });
      drop(answer);
      if (answer.statusCode === 404) throw nothingUnder(id, key);
      return { size: Number(answer.headers['content-length']) };
    },

    async read(key, range, signal) {
      signal?.throwIfAborted();
      checkKey(key);
      const headers = range ? { range: rangeHeader(range) } : {};
      const answer = await container.call({ method: 'GET', name: key, headers, signal, also: [404] });
      const status = answer.statusCode ?? 0;
      if (status === (range ? 206 : 200)) {
        return bodyOf({ stream: answer, signal, failure: (error) => connectionFailure(id, error) });
      }
      answer.destroy();
      throw status === 404 ? nothingUnder(id, key) : statusFailure(id, status);
    },

    async probe(signal) {
      signal?.throwIfAborted();
      await container.status({ method: 'HEAD', name: '', signal, also: [404] });
    },

    async create(key, hint, signal) {
      signal?.throwIfAborted();
      checkKey(key);
      await putMark(key, signal);
      const segments = segmentsFor(hint.size);
      const writer = hint.pausable
        ? swiftWriter({ container, key, segmentSize: segments ?? segmentSize, pausable: { kept: [] } })
        : swiftWriter({ container, key, segmentSize: segments });
      const { status } = await container.tried({ method: 'HEAD', name: key, signal, also: [404] });
      if (status === 404) return writer;
      await removeAll(container, [partOf(key)]);
      throw alreadyThere(id, key);
    },

    async resume(key, { state, tail }, signal) {
      signal?.throwIfAborted();
      checkKey(key);
      const { segmentSize, kept } = state as SwiftPaused;
      const writer = swiftWriter({ container, key, segmentSize, pausable: { kept } });
      await writer.write(tail);
      return writer;
    },

    async remove(key) {
      checkKey(key);
      const segments = await segmentsOf(container, key);
      await removeAll(container, [key]);
      for await (const name of namesIn(container, { prefix: `${key}/` })) segments.push(name);
      await removeAll(container, new Set([...segments, partOf(key)]));
      // Whoever finished meanwhile may have had its manifest accepted before the segments went.
      await removeAll(container, [key]);
    },

    async *keys(signal) {
      signal?.throwIfAborted();
      let seen: string[] = [];
      for await (const name of namesIn(container, { delimiter: '/', signal })) {
        signal?.throwIfAborted();
        const key = name.replace(/\/$/, '');
        // An object and its segments are one key, but not always neighbours: "a", "a-b", "a/".
        seen = seen.filter((one) => name.startsWith(one));
        if (!isKey(key) || seen.includes(key)) continue;
        seen.push(key);
        yield key;
      }
    },
  };
}

const rangeHeader = ({ start, end }: ByteRange) => `bytes=${start}-${end}`;

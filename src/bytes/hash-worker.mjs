/**
 * The thread that hashes. It reads shared memory in the order in which it is told to, answers each update and
 * each end with exactly one message, and never blocks. Plain JavaScript, because stripping types costs every
 * thread 14 MiB; the messages are typed in hash-threads.ts.
 *
 * @import { FromWorker, ToWorker } from './hash-threads.ts'
 */
import { createHash } from 'node:crypto';
import { parentPort } from 'node:worker_threads';
import { blockDigests } from './block-digests.mjs';

/** @type {Map<number, { memory: SharedArrayBuffer, hashes: [string, Pick<import('node:crypto').Hash, 'update' | 'digest'>][] }>} */
const jobs = new Map();

/** @type {(message: ToWorker) => FromWorker | null} */
function answer(message) {
  const { kind, job } = message;
  const running = jobs.get(job);
  if (kind === 'begin') {
    const { blockBytes } = message;
    const hashes = message.algorithms.map((name) => /** @type {const} */ ([name, hashOf(name, blockBytes)]));
    jobs.set(job, { memory: message.memory, hashes: hashes });
    return null;
  }
  if (kind === 'update') {
    const { start, length } = message;
    const chunk = new Uint8Array(running.memory, start, length);
    for (const [, hash] of running.hashes) hash.update(chunk);
    return { kind: 'updated', job, start };
  }
  jobs.delete(job);
  const digests = kind === 'finish' ? running.hashes.map(([name, hash]) => [name, hash.digest('hex')]) : [];
  return { kind: 'ended', job, digests: Object.fromEntries(digests) };
}

/** @type {(name: string, blockBytes: number) => Pick<import('node:crypto').Hash, 'update' | 'digest'>} */
const hashOf = (name, blockBytes) => (name === 'sha256-blocks' ? blockDigests(blockBytes) : createHash(name));

parentPort?.on('message', (message) => {
  const reply = answer(message);
  if (reply) parentPort.postMessage(reply);
});

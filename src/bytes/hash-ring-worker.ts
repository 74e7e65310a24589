/**
 * The thread that hashes. It reads the slots of a ring in shared memory in the order in which they are named,
 * and answers each message with exactly one; it never blocks, so a ring that is given up costs nothing.
 */
import { parentPort } from 'node:worker_threads';
import { type Algorithm, type DigestSet, type Digests, digestSet } from './digests.ts';

export type ToWorker =
  | { kind: 'begin'; job: number; memory: SharedArrayBuffer; algorithms: Algorithm[] }
  | { kind: 'update'; job: number; start: number; length: number }
  | { kind: 'finish'; job: number }
  | { kind: 'drop'; job: number };

export type FromWorker =
  | { kind: 'updated'; job: number; start: number }
  | { kind: 'ended'; job: number; digests: Digests | null };

const jobs = new Map<number, { memory: Uint8Array; digests: DigestSet }>();
const port = parentPort;

function answer(message: ToWorker): FromWorker | null {
  const { kind, job } = message;
  const running = jobs.get(job);
  if (kind === 'begin') {
    jobs.set(job, { memory: new Uint8Array(message.memory), digests: digestSet(message.algorithms) });
    return null;
  }
  if (kind === 'update') {
    running?.digests.update(running.memory.subarray(message.start, message.start + message.length));
    return { kind: 'updated', job, start: message.start };
  }
  jobs.delete(job);
  return { kind: 'ended', job, digests: (kind === 'finish' && running?.digests.finish()) || null };
}

port?.on('message', (message: ToWorker) => {
  const reply = answer(message);
  if (reply) port.postMessage(reply);
});

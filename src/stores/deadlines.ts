/** No call of a store takes for ever: each phase has its time, after which the caller is free, whatever still hangs. */

import { type Server, serverFailure } from '../cloud/http-failure.ts';
import type { UnavailableError } from '../domain/errors.ts';
import type { Around, CallName } from './wrap.ts';

export interface Patience {
  /** Until a call is answered: for a reading, until its first byte may come. */
  answerMs: number;
  /** Between two chunks. */
  idleMs: number;
}

/** Making much durable may take this many times as long as an answer. */
const commitFactor = 10;

const phases: Record<CallName, (patience: Patience) => number> = {
  stat: ({ answerMs }) => answerMs,
  read: ({ answerMs }) => answerMs,
  probe: ({ answerMs }) => answerMs,
  create: ({ answerMs }) => answerMs,
  resume: ({ answerMs }) => answerMs,
  remove: ({ answerMs }) => answerMs,
  next: ({ idleMs }) => idleMs,
  leave: ({ answerMs }) => answerMs,
  write: ({ idleMs }) => idleMs,
  commit: ({ answerMs }) => answerMs * commitFactor,
  pause: ({ answerMs }) => answerMs * commitFactor,
  cancel: ({ answerMs }) => answerMs,
};

/** @throws UnavailableError timeout; the call's signal is given then, and what it still brings is discarded */
export function deadlines(server: Server, patience: Patience): Around {
  return async (call) => {
    const ms = phases[call.name](patience);
    const late = new AbortController();
    const signal = call.signal ? AbortSignal.any([call.signal, late.signal]) : late.signal;
    const running = call.run(signal);
    let timer: NodeJS.Timeout | undefined;
    const deadline = new Promise<never>((_resolve, reject) => {
      const giveUp = () => {
        const error = tooLate(server, call.name, ms);
        reject(error);
        late.abort(error);
        running.then(call.discard, () => {});
      };
      const due = performance.now() + ms;
      // Where this process stood still the answer may lie there, unread: that time does not count, once.
      timer = setTimeout(() => {
        const stoodStillMs = Math.min(Math.max(0, performance.now() - due), ms);
        timer = setTimeout(giveUp, stoodStillMs);
      }, ms);
    });
    try {
      return await Promise.race([running, deadline]);
    } finally {
      clearTimeout(timer);
    }
  };
}

function tooLate(server: Server, name: CallName, ms: number): UnavailableError {
  return serverFailure(server, `did not answer within ${ms / 1000} s (${name})`, { reason: 'timeout' });
}

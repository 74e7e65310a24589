/** Holding a resumable upload: one request at a time may append to it, finish it or end it. */
import { type HeldUpload, keepUpload, letGoOfUpload, takeUpload, turnSeconds } from '../db/uploads.ts';
import { ConflictError } from '../domain/errors.ts';
import type { PausableWriter } from '../stores/store.ts';
import type { App } from './app.ts';

/** Who holds an upload says that it lives this often. */
const keepEveryMs = 10_000;
/** By our own clock the turn is over before it is by the database's: nothing is written once another may. */
const marginMs = 5_000;

export interface Turn {
  /** Given when the upload is no longer held. */
  readonly signal: AbortSignal;
  /** Before each write. @throws TurnLostError the turn may be over, however long this process stood still */
  check(): void;
  /** Lets go of the writer in use as soon as the turn is lost, whatever it is doing. Gives what ends that. */
  leaveWhenLost(writer: () => PausableWriter): () => void;
  /** Stops saying so, and lets others in. */
  end(): Promise<void>;
}

/** An upload and the turn at it. */
export interface Hold {
  held: HeldUpload;
  turn: Turn;
}

/** The upload is no longer held: another took over, or it ended. */
export class TurnLostError extends Error {
  override readonly name = 'TurnLostError';

  constructor() {
    super('The upload is no longer held.');
  }
}

export const busy = () =>
  new ConflictError('BUSY', 'Another request has hold of this upload; try again in a moment.');

/** @throws ConflictError BUSY: another holds it, or it no longer stands at `received` */
export async function holdUpload(
  app: App,
  id: string,
  at: { received: number; length: number | null },
): Promise<Hold> {
  const asked = performance.now();
  const held = await takeUpload(app.db, id, at);
  if (!held) throw busy();
  const endOf = (begun: number) => begun + turnSeconds * 1000 - marginMs;
  let until = endOf(asked);
  const lost = new AbortController();
  const lose = () => lost.abort(new TurnLostError());
  const whenOver = () => setTimeout(lose, until - performance.now()).unref();
  let over = whenOver();

  async function keep(): Promise<void> {
    const begun = performance.now();
    try {
      if (!(await keepUpload(app.db, held as HeldUpload))) return lose();
      until = endOf(begun);
      clearTimeout(over);
      over = whenOver();
    } catch (error) {
      app.log.warn({ err: error, image: held?.imageId }, 'an upload could not be kept');
    }
  }
  const timer = setInterval(() => void keep(), keepEveryMs);
  timer.unref();

  return {
    held,
    turn: {
      signal: lost.signal,
      check() {
        if (lost.signal.aborted || performance.now() > until) throw new TurnLostError();
      },
      leaveWhenLost(writer) {
        const leave = () =>
          void writer()
            .leave()
            .catch(() => {}); // what it says no longer matters
        lost.signal.addEventListener('abort', leave, { once: true });
        return () => lost.signal.removeEventListener('abort', leave);
      },
      async end() {
        clearInterval(timer);
        clearTimeout(over);
        await letGoOfUpload(app.db, held).catch((error) =>
          app.log.warn({ err: error, image: held.imageId }, 'an upload is not let go of; its turn will end'),
        );
      },
    },
  };
}

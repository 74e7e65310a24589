/** Holding a resumable upload: one request at a time may append to it, finish it or end it. */
import { type HeldUpload, keepUpload, letGoOfUpload, takeUpload, turnSeconds } from '../db/uploads.ts';
import { ConflictError } from '../domain/errors.ts';
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
  /** Stops saying so, and lets others in. */
  end(): Promise<void>;
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
): Promise<{ held: HeldUpload; turn: Turn }> {
  const asked = performance.now();
  const held = await takeUpload(app.db, id, at);
  if (!held) throw busy();
  const endOf = (begun: number) => begun + turnSeconds * 1000 - marginMs;
  let until = endOf(asked);
  const lost = new AbortController();

  async function keep(): Promise<void> {
    const begun = performance.now();
    try {
      if (await keepUpload(app.db, held as HeldUpload)) until = endOf(begun);
      else lost.abort(new TurnLostError());
    } catch (error) {
      app.log.warn({ err: error, image: held?.imageId }, 'an upload could not be kept');
    }
    if (performance.now() > until) lost.abort(new TurnLostError());
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
      async end() {
        clearInterval(timer);
        await letGoOfUpload(app.db, held).catch((error) =>
          app.log.warn({ err: error, image: held.imageId }, 'an upload is not let go of; its turn will end'),
        );
      },
    },
  };
}

/** Looks at the bytes of an image, whichever way they come, before they are published. */
import { type InsideLook, lookInside } from '../bytes/inspect/inside.ts';
import { type Inspection, inspectStored, inspectStream } from '../bytes/inspect/inspection.ts';
import { moreBytes, usualBytes } from '../bytes/inspect/room.ts';
import {
  type Declared,
  insideOf,
  judge,
  judgeEarly,
  mayBeCompressed,
  type Refusal,
  type Verdict,
  withInsideOf,
} from '../bytes/inspect/verdict.ts';
import {
  DamagedError,
  invalid,
  QuotaExceededError,
  UnavailableError,
  ValidationError,
} from '../domain/errors.ts';
import type { ImageInspection } from '../domain/inspection.ts';
import type { Store } from '../stores/store.ts';
import type { App } from './app.ts';

/** What was seen, for the row. */
export interface Judged {
  inspection: ImageInspection;
  /** Bytes of the disk inside; null when it cannot be told. */
  virtualSize: number | null;
}

/** What an image says to be; nothing when it is gone. */
export const declaredBy = (image: Declared | null): Declared => ({
  diskFormat: image?.diskFormat ?? null,
  containerFormat: image?.containerFormat ?? null,
});

export interface Judge {
  /**
   * The next bytes; resolves when they are no longer needed, null: at once.
   * @throws ValidationError  what is certain by now, of those who did not ask to wait
   * @throws UnavailableError there is no memory to look any further
   */
  update(chunk: Uint8Array): Promise<void> | null;
  /** Ends it. @throws ValidationError format_mismatch, unsafe_image; UnavailableError as update */
  finish(declared: Declared): Promise<Judged>;
  /** Gives back what it holds; harmless twice, and after the end. */
  close(): void;
}

/**
 * Of bytes as they go by. `isPatient`: what is certain early is told at the end.
 * @throws UnavailableError as many are looked at as there is memory for
 */
export function judgeStream(app: App, declared: Declared, { isPatient = false } = {}): Judge {
  const inspector = inspectStream(app.inspecting.captures);
  let inside: InsideLook | null = null;
  if (mayBeCompressed(declared)) {
    try {
      inside = openInside(app);
    } catch (error) {
      inspector.close();
      throw error;
    }
  }
  /** An inspector that throws has met what its format does not have. */
  let failed: { cause: unknown } | null = null;
  let isEarly = !isPatient;

  function refuseEarly(): void {
    if (!isEarly || !inspector.early) return;
    isEarly = false;
    const refusal = judgeEarly(inspector.early, declared, app.formats);
    if (refusal) throw refused(refusal);
  }

  return {
    update(chunk) {
      if (failed) return null;
      try {
        inspector.update(chunk);
      } catch (cause) {
        if (cause instanceof UnavailableError) throw cause;
        failed = { cause };
        return null;
      }
      refuseEarly();
      return inside?.update(chunk) ?? null;
    },
    async finish(now) {
      if (failed) throw unreadable(app, failed.cause);
      const outer = verdictOf(app, () => inspector.finish(), now);
      const inner = insideOf(outer.seen, now);
      if (!inner) return requireWelcome(outer.verdict);
      requireWelcome(outer.verdict);
      // Nobody knew when it began that it would have to be looked into.
      if (!inside) throw unreadable(app, new Error('The container format was changed meanwhile.'));
      const seen = await inside.finish().catch((error) => notUnpacked(app, error));
      return requireWelcome(withInsideOf(outer.verdict, judge(seen, inner, app.formats)));
    },
    close() {
      inspector.close();
      inside?.close();
    },
  };
}

function openInside({ imports, formats, inspecting }: App): InsideLook {
  const limits = { ratioMax: imports.decompress.ratioMax, sizeMax: formats.virtualSizeMax };
  return lookInside(limits, inspecting);
}

/** What cannot be unpacked to its end is not what it says to be; what becomes too much is meant to do harm. */
function notUnpacked(app: App, error: unknown): never {
  if (error instanceof UnavailableError) throw error;
  if (error instanceof QuotaExceededError) {
    const message = `What is compressed becomes more than ${error.limit} bytes; send an image with less in it.`;
    throw invalid(['containerFormat'], 'unsafe_image', message);
  }
  if (!(error instanceof ValidationError)) throw unreadable(app, error);
  const isTooDense = error.issues.some(({ code }) => code === 'RATIO_TOO_HIGH');
  throw invalid(['containerFormat'], isTooDense ? 'unsafe_image' : 'format_mismatch', error.message);
}

/**
 * Of an object that is whole already; one that is compressed is read to its end.
 * @throws ValidationError as Judge.finish; UnavailableError the store's, or as judgeStream
 */
export async function judgeStored(
  app: App,
  { store, key, size }: { store: Pick<Store, 'read'>; key: string; size: number },
  { declared, signal }: { declared: Declared; signal?: AbortSignal | undefined },
): Promise<Judged> {
  if (mayBeCompressed(declared)) {
    return judgeWhole(app, await store.read(key, undefined, signal), { size, declared });
  }
  /** Of reading, which says nothing of the bytes. */
  let failed: { cause: unknown } | null = null;
  const read = (start: number, end: number) =>
    readRange(store, key, { start, end, signal }).catch((cause: unknown) => {
      failed = { cause };
      throw cause;
    });
  const { captures } = app.inspecting;
  captures.take(usualBytes + moreBytes);
  const seen = await inspectStored(size, read)
    .catch((cause: unknown) => {
      throw failed ? cause : unreadable(app, cause);
    })
    .finally(() => captures.give(usualBytes + moreBytes));
  return requireWelcome(judge(seen, declared, app.formats));
}

async function judgeWhole(
  app: App,
  bytes: AsyncIterable<Uint8Array>,
  { size, declared }: { size: number; declared: Declared },
): Promise<Judged> {
  const looking = judgeStream(app, declared);
  let left = size;
  try {
    for await (const chunk of bytes) {
      left -= chunk.length;
      await looking.update(chunk);
    }
    if (left > 0) throw shorter();
    return await looking.finish(declared);
  } finally {
    looking.close();
  }
}

const shorter = () => new DamagedError('What had come is shorter in its store; send it again.');

/** From `start` to before `end`. @throws DamagedError there is less */
async function readRange(
  store: Pick<Store, 'read'>,
  key: string,
  { start, end, signal }: { start: number; end: number; signal?: AbortSignal | undefined },
): Promise<Buffer> {
  const bytes = Buffer.allocUnsafe(end - start);
  if (bytes.length === 0) return bytes;
  let at = 0;
  for await (const chunk of await store.read(key, { start, end: end - 1 }, signal)) {
    bytes.set(chunk.subarray(0, bytes.length - at), at);
    at += Math.min(chunk.length, bytes.length - at);
  }
  if (at < bytes.length) throw shorter();
  return bytes;
}

function verdictOf(app: App, look: () => Inspection, declared: Declared) {
  try {
    const seen = look();
    return { seen, verdict: judge(seen, declared, app.formats) };
  } catch (cause) {
    if (cause instanceof UnavailableError) throw cause;
    throw unreadable(app, cause);
  }
}

function requireWelcome({ refusal, ...judged }: Verdict): Judged {
  if (refusal) throw refused(refusal);
  return judged;
}

const refused = ({ field, code, message }: Refusal) => invalid([field], code, message);

function unreadable(app: App, cause: unknown) {
  app.log.warn({ err: cause }, 'an image could not be looked at');
  const message = 'The header of the image cannot be read as what it begins like; send one that is sound.';
  return invalid(['diskFormat'], 'unsafe_image', message);
}

/** Looks at the bytes of an image, whichever way they come, before they are published. */
import { type Inspection, inspectStored, inspectStream } from '../bytes/inspect/inspection.ts';
import { type Declared, judge, type Verdict } from '../bytes/inspect/verdict.ts';
import { DamagedError, invalid } from '../domain/errors.ts';
import type { ImageInspection } from '../domain/inspection.ts';
import type { Store } from '../stores/store.ts';
import type { App } from './app.ts';

/** What was seen, for the row. */
export interface Judged {
  inspection: ImageInspection;
  /** Bytes of the disk inside; null when it cannot be told. */
  virtualSize: number | null;
}

export interface Judge {
  /** The next bytes. Never throws: what cannot be looked at is refused in the end. */
  update(chunk: Uint8Array): void;
  /** Ends it. @throws ValidationError format_mismatch, unsafe_image */
  finish(declared: Declared): Judged;
}

/** Of bytes as they go by. */
export function judgeStream(app: App): Judge {
  const inspector = inspectStream();
  let failure: unknown = null;
  /** One that throws has met what its format does not have. */
  const guarded = <T>(step: () => T): T | null => {
    if (failure !== null) return null;
    try {
      return step();
    } catch (error) {
      failure = error;
      return null;
    }
  };
  return {
    update: (chunk) => void guarded(() => inspector.update(chunk)),
    finish(declared) {
      const seen = guarded(() => inspector.finish());
      if (!seen) throw unreadable(app, failure);
      return requireWelcome(app, seen, declared);
    },
  };
}

/** Of an object that is whole already. @throws ValidationError as Judge.finish; UnavailableError the store's */
export async function judgeStored(
  app: App,
  { store, key, size }: { store: Store; key: string; size: number },
  { declared, signal }: { declared: Declared; signal?: AbortSignal | undefined },
): Promise<Judged> {
  const read = async (start: number, end: number): Promise<Buffer> => {
    const bytes = Buffer.allocUnsafe(Math.max(0, end - start));
    if (bytes.length === 0) return bytes;
    let at = 0;
    for await (const chunk of await store.read(key, { start, end: end - 1 }, signal)) {
      bytes.set(chunk.subarray(0, bytes.length - at), at);
      at += Math.min(chunk.length, bytes.length - at);
    }
    if (at < bytes.length) throw new DamagedError('What had come is shorter in its store; send it again.');
    return bytes;
  };
  return requireWelcome(app, await inspectStored(size, read), declared);
}

function requireWelcome(app: App, seen: Inspection, declared: Declared): Judged {
  const { refusal, ...judged }: Verdict = judge(seen, declared, app.formats);
  if (refusal) throw invalid([refusal.field], refusal.code, refusal.message);
  return judged;
}

function unreadable(app: App, cause: unknown) {
  app.log.warn({ err: cause }, 'an image could not be looked at');
  const message = 'The header of the image cannot be read as what it begins like; send one that is sound.';
  return invalid(['diskFormat'], 'unsafe_image', message);
}

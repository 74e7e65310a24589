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

/** What an image says to be; nothing when it is gone. */
export const declaredBy = (image: Declared | null): Declared => ({
  diskFormat: image?.diskFormat ?? null,
  containerFormat: image?.containerFormat ?? null,
});

export interface Judge {
  /** The next bytes. Never throws: what cannot be looked at is refused in the end. */
  update(chunk: Uint8Array): void;
  /** Ends it. @throws ValidationError format_mismatch, unsafe_image */
  finish(declared: Declared): Judged;
}

/** Of bytes as they go by. */
export function judgeStream(app: App): Judge {
  const inspector = inspectStream();
  /** An inspector that throws has met what its format does not have. */
  let failed: { cause: unknown } | null = null;
  return {
    update(chunk) {
      if (failed) return;
      try {
        inspector.update(chunk);
      } catch (cause) {
        failed = { cause };
      }
    },
    finish(declared) {
      if (failed) throw unreadable(app, failed.cause);
      let seen: Inspection;
      try {
        seen = inspector.finish();
      } catch (cause) {
        throw unreadable(app, cause);
      }
      return requireWelcome(app, seen, declared);
    },
  };
}

/** Of an object that is whole already. @throws ValidationError as Judge.finish; UnavailableError the store's */
export async function judgeStored(
  app: App,
  { store, key, size }: { store: Pick<Store, 'read'>; key: string; size: number },
  { declared, signal }: { declared: Declared; signal?: AbortSignal | undefined },
): Promise<Judged> {
  /** Of reading, which says nothing of the bytes. */
  let failed: { cause: unknown } | null = null;
  const read = (start: number, end: number) =>
    readRange(store, key, { start, end, signal }).catch((cause: unknown) => {
      failed = { cause };
      throw cause;
    });
  const seen = await inspectStored(size, read).catch((cause: unknown) => {
    throw failed ? cause : unreadable(app, cause);
  });
  return requireWelcome(app, seen, declared);
}

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
  if (at < bytes.length) throw new DamagedError('What had come is shorter in its store; send it again.');
  return bytes;
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

/**
 * One of Node's decompressing streams over the next bytes of an input, until it says that its data has ended. It works
 * in the thread pool, and takes no more than its reader does.
 */
import type { Transform } from 'node:stream';
import type { Input } from './input.ts';

/** As node:zlib makes them; `bytesWritten` counts what was consumed. */
export type Engine = Transform & { readonly bytesWritten: number };

export const engineOptions = { chunkSize: 128 * 1024 };

/** So much is handed over at once. */
const sliceBytes = 64 * 1024;

/** Afterwards the input is at the first byte that the engine did not want. @throws what `failure` makes of its errors */
export async function* pumped(
  input: Input,
  engine: Engine,
  failure: (error: NodeJS.ErrnoException) => unknown,
): AsyncGenerator<Uint8Array> {
  let ofSource: { error: unknown } | null = null;
  const closed = new Promise<void>((resolve) => engine.once('close', resolve));
  engine.on('error', () => {}); // thrown by the iteration

  async function feed(): Promise<void> {
    while (!engine.destroyed) {
      const found = await input.peek();
      if (engine.destroyed) return;
      if (!found) return void engine.end();
      const before = engine.bytesWritten;
      const written = new Promise<void>((resolve) => {
        engine.write(found.subarray(0, sliceBytes), () => resolve());
      });
      await Promise.race([written, closed]); // what the engine does not want is never called written
      input.take(engine.bytesWritten - before);
    }
  }

  const feeding = feed().catch((error) => {
    ofSource = { error };
    engine.destroy(new Error('the source failed'));
  });
  try {
    yield* engine;
  } catch (error) {
    throw ofSource ? (ofSource as { error: unknown }).error : failure(error as NodeJS.ErrnoException);
  } finally {
    engine.destroy();
  }
  await feeding;
}

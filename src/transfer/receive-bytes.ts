/** The body of an upload as a stream of chunks that ends with an error when the client does not keep it up. */
import type { IncomingMessage } from 'node:http';
import { watchPace } from '../http/pace.ts';
import { HttpError } from '../http/problem.ts';

/** The client went away, or was too slow, before the last byte. */
export class BrokenUploadError extends HttpError {
  constructor(status: 400 | 408, message: string) {
    super(status, 'UPLOAD_BROKEN', message, { connection: 'close' });
  }
}

const leftMessage = 'The upload ended before its last byte; send it again.';

export interface ReceiveOptions {
  onBytes(count: number): void;
  /**
   * Whether a chunk is done with when the next is asked for: its memory is freed then. Left to the collector, every
   * 64 MiB of an upload cost a look at all that the process holds.
   */
  isLent: boolean;
}

/** Chunks as they arrive. @throws BrokenUploadError the client left or is too slow */
export async function* receiveBytes(
  request: IncomingMessage,
  { onBytes, isLent }: ReceiveOptions,
): AsyncIterable<Uint8Array> {
  let isSlow = false;
  let received = 0;
  const onSlow = () => {
    isSlow = true;
    request.destroy();
  };
  const pace = watchPace({ moved: () => received, onSlow });
  try {
    pace.waiting();
    // Whoever stops early still has an answer to send over this connection.
    for await (const chunk of request.iterator({ destroyOnReturn: false })) {
      pace.done();
      received += chunk.length;
      onBytes(chunk.length);
      yield chunk;
      if (isLent) free(chunk);
      pace.waiting();
    }
  } catch (error) {
    if (isSlow) throw new BrokenUploadError(408, 'The upload is too slow; the least is 16 KiB a second.');
    if (!request.complete) throw new BrokenUploadError(400, leftMessage);
    throw error;
  } finally {
    pace.stop();
  }
  if (!request.complete) throw new BrokenUploadError(400, leftMessage);
}

/** Chunks of bodies have memory of their own. */
function free({ buffer, byteLength }: Buffer<ArrayBuffer>): void {
  if (buffer.byteLength === byteLength) buffer.transfer(0);
}

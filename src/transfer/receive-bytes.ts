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

/** Chunks as they arrive. @throws BrokenUploadError the client left or is too slow */
export async function* receiveBytes(
  request: IncomingMessage,
  onBytes: (count: number) => void,
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

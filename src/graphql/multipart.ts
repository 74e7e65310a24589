/** GraphQL multipart requests: the parts are streamed; nothing but the operation itself is held in memory. */
import type { IncomingMessage } from 'node:http';
import type { FastifyReply, FastifyRequest } from 'fastify';
import { processRequest } from 'graphql-upload-ts';
import { watchPace } from '../http/pace.ts';
import { HttpError } from '../http/problem.ts';
import { bounds, sendContinue } from '../http/server.ts';
import { type Params, readParams } from './params.ts';

const filesMax = 4;

/**
 * The operation of a multipart request, with its files in place.
 * @throws HttpError 400 it is not one, 413 it has more or larger parts than it may
 */
export async function readMultipart(
  request: FastifyRequest,
  reply: FastifyReply,
  fileBytesMax: number,
): Promise<Params> {
  sendContinue(request, reply);
  endWhenSlow(request.raw);
  const params = readParams(await operationOf(request, reply, fileBytesMax));
  if (params) return params;
  throw new HttpError(
    400,
    'BAD_USER_INPUT',
    'Send one operation in a multipart request: an object with query, variables and operationName.',
  );
}

/** A request with files may last for hours, like any transfer; and must move, like any. */
function endWhenSlow(request: IncomingMessage): void {
  const { socket } = request;
  const before = socket.bytesRead;
  const pace = watchPace({ moved: () => socket.bytesRead - before, onSlow: () => socket.destroy() });
  pace.waiting();
  for (const event of ['end', 'close'] as const) request.once(event, () => pace.stop());
}

async function operationOf(
  request: FastifyRequest,
  reply: FastifyReply,
  fileBytesMax: number,
): Promise<unknown> {
  try {
    return await processRequest(request.raw, reply.raw, {
      maxFieldSize: bounds.jsonBytes,
      maxFileSize: fileBytesMax + 1, // a file of just that many counts as cut off
      maxFiles: filesMax,
    });
  } catch (error) {
    const { status, message } = error as { status?: number; message: string };
    const [reason] = message.slice(0, 200).split(' (http', 1);
    const text = `This is no GraphQL multipart request as it should be: ${reason}`;
    throw status === 413 ? new HttpError(413, 'TOO_LARGE', text) : new HttpError(400, 'BAD_USER_INPUT', text);
  }
}

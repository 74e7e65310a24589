/** GraphQL multipart requests: the parts are streamed; nothing but the operation itself is held in memory. */
import type { FastifyReply, FastifyRequest } from 'fastify';
import { processRequest } from 'graphql-upload-ts';
import { HttpError } from '../http/problem.ts';
import { bounds, sendContinue } from '../http/server.ts';
import type { Params } from './http.ts';

const filesMax = 4;

/**
 * The operation of a multipart request, with its files in place.
 * @throws HttpError 400 it is not one, or has more or larger parts than it may
 */
export async function readMultipart(
  request: FastifyRequest,
  reply: FastifyReply,
  fileBytesMax: number,
): Promise<Params> {
  sendContinue(request, reply);
  let operation: unknown;
  try {
    operation = await processRequest(request.raw, reply.raw, {
      maxFieldSize: bounds.jsonBytes,
      maxFileSize: fileBytesMax,
      maxFiles: filesMax,
    });
  } catch (error) {
    throw new HttpError(400, 'BAD_MULTIPART', `Not a GraphQL multipart request: ${(error as Error).message}`);
  }
  if (typeof operation !== 'object' || operation === null || Array.isArray(operation)) {
    throw new HttpError(
      400,
      'BAD_MULTIPART',
      'Send one operation in a multipart request, not a list of them.',
    );
  }
  const { query, variables, operationName } = operation as Partial<Params>;
  if (typeof query !== 'string') throw new HttpError(400, 'BAD_MULTIPART', 'The operation has no query.');
  return { query, variables, operationName };
}

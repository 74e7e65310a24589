/** A small question to a server of the operator, and the whole of its answer, within a time. */
import type { IncomingHttpHeaders } from 'node:http';
import { UnavailableError } from '../domain/errors.ts';
import { bytesOf, call, type HttpCall } from './http-call.ts';
import { connectionFailure, type Server, serverFailure } from './http-failure.ts';

export interface Reply {
  status: number;
  headers: IncomingHttpHeaders;
  text: string;
}

/** The same of what need not be text. */
export interface BytesReply extends Omit<Reply, 'text'> {
  body: Buffer;
}

/** Bytes; what is longer is no answer to such a question. */
const answerMax = 4 * 2 ** 20;

/**
 * `signal` ends the waiting, whatever the server still does.
 * @throws UnavailableError it cannot be reached, broke off, or `signal` was a timeout
 */
export async function ask(server: Server, options: HttpCall & { signal: AbortSignal }): Promise<Reply> {
  const { body, ...reply } = await askForBytes(server, { ...options, max: answerMax });
  return { ...reply, text: body.toString('utf8') };
}

/** As `ask`. @throws UnavailableError also when there are more than `max`, with AnswerTooLong as its cause */
export async function askForBytes(
  server: Server,
  { max, ...options }: HttpCall & { signal: AbortSignal; max: number },
): Promise<BytesReply> {
  const { signal } = options;
  try {
    const answer = await call(options);
    const body = await bytesOf(answer, max);
    return { status: answer.statusCode ?? 0, headers: answer.headers, body };
  } catch (error) {
    const failure = connectionFailure(server, signal.aborted ? signal.reason : error);
    if (failure instanceof UnavailableError) throw failure;
    throw serverFailure(server, 'broke off its answer', { cause: error });
  }
}

/** @throws UnavailableError it is no JSON; `what` it should have been, with its article */
export function jsonOf(server: Server, { text }: Reply, what: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw notWhat(server, what, cause);
  }
}

export const notWhat = (server: Server, what: string, cause?: unknown) =>
  serverFailure(server, `answered with something else than ${what}`, { cause });

/** What `promise` gives, or the reason of the signal when that comes first. */
export function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort, { once: true });
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}

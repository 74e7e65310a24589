/** How an upload is refused while its body may still be on the way. */
import type { FastifyReply, FastifyRequest } from 'fastify';

/** What we swallow of a body that nobody wants, so that the client gets to read why. */
const lingerBytes = 64 * 2 ** 20;
const lingerMs = 2_000;

/**
 * Makes the answer the last on its connection, and lets the client finish or notice it: a socket that is closed
 * while bytes arrive is reset, and the answer is lost with it. Nothing of the body is ever read as a request.
 */
export function lingerBeforeClose(request: FastifyRequest, reply: FastifyReply): void {
  const { raw } = request;
  if (raw.complete || raw.destroyed) return;
  reply.header('connection', 'close');
  let swallowed = 0;
  const socket = raw.socket;
  const stop = () => socket.destroy();
  const timer = setTimeout(stop, lingerMs);
  timer.unref();
  raw.on('data', (chunk: Buffer) => {
    swallowed += chunk.length;
    if (swallowed > lingerBytes) stop();
  });
  raw.once('close', () => clearTimeout(timer));
  raw.resume();
}

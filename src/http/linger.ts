/** How a request is refused while its body may still be on the way. */
import type { Socket } from 'node:net';
import type { FastifyReply, FastifyRequest } from 'fastify';

/** What we swallow of a body that nobody wants, so that the client gets to read why. */
const lingerBytes = 64 * 2 ** 20;
const lingerMs = 2_000;

const lingering = new WeakSet<Socket>();

/** Whether the connection has had, or is about to get, its last answer: nothing more on it is a request. */
export const isLingering = (socket: Socket): boolean => lingering.has(socket);

/**
 * Makes the answer the last on its connection when the body is not all here. A socket that is closed while bytes
 * arrive is reset, and the answer is lost with it; so only our half is closed, and the other stays open until the
 * client has finished or noticed. Nothing of the body is ever read as a request.
 */
export function lingerBeforeClose({ raw }: FastifyRequest, reply: FastifyReply): void {
  const { socket } = raw;
  if (raw.complete || raw.destroyed || lingering.has(socket)) return;
  lingering.add(socket);
  reply.header('connection', 'close');
  let swallowed = 0;
  const stop = () => socket.destroy();
  const timer = setTimeout(stop, lingerMs);
  timer.unref();
  // What Node calls after the last answer: it would close both halves.
  const close = socket.destroySoon.bind(socket);
  socket.destroySoon = () => (raw.readableEnded ? close() : void socket.end());
  raw.on('data', (chunk: Buffer) => {
    swallowed += chunk.length;
    if (swallowed > lingerBytes) stop();
  });
  raw.unpipe();
  raw.once('end', () => {
    if (socket.writableEnded) close();
  });
  socket.once('close', () => clearTimeout(timer));
  raw.resume();
}

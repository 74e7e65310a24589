/**
 * One request to one address, whatever the host is called: no lookup, no proxy, no kept connection, no credentials.
 * The name of the host stands in the Host header and, with TLS, in the certificate that is asked for.
 */
import http from 'node:http';
import https from 'node:https';
import { connect, isIP, type Socket } from 'node:net';
import { hostOf } from '../../domain/host-rule.ts';
import { portOf } from './rules.ts';

export interface Connection {
  url: URL;
  /** IPv4 or IPv6, as text. */
  address: string;
  method: 'GET' | 'HEAD';
  headers: Record<string, string>;
  connectMs: number;
  /** Until the headers of the answer are here. */
  answerMs: number;
  signal: AbortSignal | undefined;
}

/** @throws Error with a code: the connection failed, so that another address may be tried, or broke off */
export async function answerFrom(connection: Connection): Promise<http.IncomingMessage> {
  const { url, address, method, headers, connectMs, answerMs, signal } = connection;
  const isSecure = url.protocol === 'https:';
  const host = hostOf(url);
  const options: https.RequestOptions = {
    method,
    host: address,
    port: portOf(url),
    path: `${url.pathname}${url.search}`,
    headers: { ...headers, host: url.host, 'accept-encoding': 'identity', connection: 'close' },
    setHost: false,
    ...(isSecure
      ? { agent: new https.Agent({ keepAlive: false, proxyEnv: undefined }) }
      : { createConnection: leanConnection }),
    rejectUnauthorized: true,
    ...(isSecure && isIP(host) === 0 ? { servername: host } : {}),
    ...(signal ? { signal } : {}),
  };
  const request = isSecure ? https.request(options) : http.request(options);
  const times = [
    setTimeout(() => request.socket?.connecting !== false && request.destroy(timedOut()), connectMs),
    setTimeout(() => request.destroy(timedOut()), connectMs + answerMs),
  ];
  try {
    return await new Promise((resolve, reject) => {
      request.on('error', reject); // stays: what comes after the answer is heard of by its reader
      request.once('response', resolve);
      request.once('upgrade', (_answer, socket) => {
        socket.destroy();
        reject(Object.assign(new Error('The answer is another protocol'), { code: 'EPROTO' }));
      });
      request.end();
    });
  } finally {
    for (const timer of times) clearTimeout(timer);
  }
}

const readBytes = 256 * 1024;

/**
 * A connection whose bytes come in one buffer of its own: the parser copies what is of the body, so that a new buffer
 * for each read would only be thrown away. Receiving takes less than half of the processor's time so.
 */
function leanConnection({ host, port }: http.ClientRequestArgs): Socket {
  const socket: Socket = connect({
    host: host ?? '',
    port: Number(port),
    onread: {
      buffer: Buffer.allocUnsafeSlow(readBytes),
      callback(count, buffer) {
        socket.emit('data', (buffer as Buffer).subarray(0, count));
        return true;
      },
    },
  });
  return socket;
}

function timedOut(): Error {
  return Object.assign(new Error('There was no answer in time'), { code: 'ETIMEDOUT' });
}

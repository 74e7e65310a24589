/**
 * One request to one address, whatever the host is called: no lookup, no proxy, no kept connection, no credentials.
 * The name of the host stands in the Host header and, with TLS, in the certificate that is asked for.
 */
import http from 'node:http';
import https from 'node:https';
import { isIP } from 'node:net';
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
  const agent = { keepAlive: false, proxyEnv: undefined };
  const options: https.RequestOptions = {
    method,
    host: address,
    port: portOf(url),
    path: `${url.pathname}${url.search}`,
    headers: { ...headers, host: url.host, 'accept-encoding': 'identity', connection: 'close' },
    setHost: false,
    agent: isSecure ? new https.Agent(agent) : new http.Agent(agent),
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

function timedOut(): Error {
  return Object.assign(new Error('There was no answer in time'), { code: 'ETIMEDOUT' });
}

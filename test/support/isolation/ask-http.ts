/** A request, and everything that comes back. */
import type { TestServer } from '../server.ts';

export type HttpQuestion = RequestInit & { path: string };

export interface HttpReply {
  status: number;
  text: string;
  /** What differs in nothing from what comes back about a missing thing. */
  whole: string;
}

export async function askHttp(
  server: TestServer,
  token: string | null,
  { path, ...init }: HttpQuestion,
): Promise<HttpReply> {
  const response = await server.http(path, { ...init, ...(token === null ? {} : { token }) });
  const text = await response.text();
  const headers = [...response.headers].filter(([name]) => !ofTheMoment.has(name));
  return { status: response.status, text, whole: JSON.stringify([response.status, headers, text]) };
}

const ofTheMoment = new Set(['x-openstack-request-id', 'date', 'x-runtime']);

/** Not of the thing that was asked for, but of something about it. */
export const isThingMissing = (message: string) =>
  /^(No (image|namespace) "|There is no such token)/.test(message);

/**
 * What Barbican, the key manager of the cloud, holds under an id. It is asked as the user of the section `keystone`, who
 * sees the secrets of their own project, and those that others have given them (Secret ACLs).
 */
import { askForBytes, type BytesReply, orAborted } from './ask.ts';
import { AnswerTooLong, openLine } from './http-call.ts';
import { connectionFailure, statusFailure } from './http-failure.ts';
import { type Grant, type KeystoneAccess, keystoneSession } from './keystone.ts';

export interface BarbicanOptions {
  /** Of its API, without the version. */
  url: string;
  /** For all that is to be asked about one secret. */
  timeoutMs: number;
  keystone: Omit<KeystoneAccess, 'authUrl'> & {
    /** Ends in /v3. */
    url: string;
    connectTimeoutMs: number;
  };
}

export interface Barbican {
  /**
   * The payload of a secret; null: there is none of this id that we may read, or it is longer than bytesMax. `id` is a
   * lower-case UUID.
   * @throws UnavailableError Barbican or Keystone does not answer, or not as it should
   */
  payloadOf(id: string): Promise<Buffer | null>;
}

const server = { name: 'Barbican' };

/** One after the other: Barbican gives a payload only as the type that it was stored as. */
const types = ['application/octet-stream', 'application/pkix-cert', 'text/plain'];

export function openBarbican({
  url,
  timeoutMs,
  keystone,
  bytesMax,
}: BarbicanOptions & { bytesMax: number }): Barbican {
  const line = openLine({ connectMs: keystone.connectTimeoutMs });
  const session = keystoneSession({
    server: { name: 'Keystone' },
    access: { ...keystone, authUrl: keystone.url },
    line,
    now: Date.now,
    loginMs: timeoutMs,
  });

  const question = (
    id: string,
    { token }: Grant,
    { accept, signal }: { accept: string; signal: AbortSignal },
  ) =>
    askForBytes(server, {
      line,
      method: 'GET',
      url: `${url}/v1/secrets/${id}/payload`,
      headers: { 'x-auth-token': token, accept },
      signal,
      max: bytesMax,
    });

  /** With a token that is accepted. */
  async function ask(id: string, asking: { accept: string; signal: AbortSignal }): Promise<BytesReply> {
    const grant = await session.grant();
    const reply = await question(id, grant, asking);
    if (reply.status !== 401) return reply;
    session.forget(grant);
    return question(id, await session.grant(), asking);
  }

  async function find(id: string, signal: AbortSignal): Promise<Buffer | null> {
    let reply: BytesReply | null = null;
    for (const accept of types) {
      reply = await ask(id, { accept, signal });
      if (reply.status === 200) return reply.body;
      if (reply.status !== 406) break;
    }
    const status = reply?.status ?? 0;
    // Whose secret it is we are not told; that it is not ours to read is all there is to say.
    if ([403, 404, 406, 410].includes(status)) return null;
    throw statusFailure(server, status, { retryAfter: reply?.headers['retry-after'] });
  }

  return {
    async payloadOf(id) {
      const signal = AbortSignal.timeout(timeoutMs);
      try {
        return await orAborted(find(id, signal), signal);
      } catch (error) {
        if (error instanceof Error && error.cause instanceof AnswerTooLong) return null;
        throw connectionFailure(server, error);
      }
    },
  };
}

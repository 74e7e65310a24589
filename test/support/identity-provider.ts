/** A real OpenID Connect provider (oidc-provider) on loopback, whose keys can be changed, and which can be away. */

import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { exportJWK, generateKeyPair, type JWK } from 'jose';
import Provider from 'oidc-provider';
import { planted } from './planted.ts';

export interface IdentityProvider {
  readonly issuer: string;
  /** A JWT of the client; the claims come with it, and it is for this audience. */
  token(claims?: Record<string, unknown>, about?: { audience?: string; seconds?: number }): Promise<string>;
  /** Signs with a new key from now on; the one before stays published until the next change. */
  rotate(): Promise<void>;
  /** Only the newest key is left. */
  forgetOldKeys(): void;
  goAway(): Promise<void>;
  comeBack(): Promise<void>;
  /** How often the keys were fetched. */
  readonly keyFetches: number;
}

export const clientSecret = planted('client');

async function aKey(): Promise<JWK> {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  const kid = crypto.randomUUID();
  return { ...(await exportJWK(privateKey)), kid, alg: 'RS256', use: 'sig' };
}

export async function identityProvider(): Promise<IdentityProvider> {
  let keys = [await aKey()];
  let handle: RequestListener = () => {};
  let keyFetches = 0;
  let asked: { claims: Record<string, unknown>; audience: string; seconds: number };
  const server = createServer((request, response) => {
    if (request.url === '/jwks') keyFetches++;
    handle(request, response);
  });
  const listen = (port: number) =>
    new Promise<void>((resolve) => server.listen(port, '127.0.0.1', () => resolve()));
  await listen(0);
  const { port } = server.address() as AddressInfo;
  const issuer = `http://127.0.0.1:${port}`;

  function begin(): void {
    const provider = new Provider(issuer, {
      clients: [
        {
          client_id: 'panel',
          client_secret: clientSecret,
          grant_types: ['client_credentials'],
          redirect_uris: [],
          response_types: [],
        },
      ],
      jwks: { keys },
      cookies: { keys: ['of-no-use-here'] },
      extraTokenClaims: () => asked.claims,
      features: {
        devInteractions: { enabled: false },
        clientCredentials: { enabled: true },
        resourceIndicators: {
          enabled: true,
          defaultResource: () => 'https://images.example.org',
          getResourceServerInfo: () => ({
            scope: '',
            audience: asked.audience,
            accessTokenTTL: asked.seconds,
            accessTokenFormat: 'jwt',
          }),
        },
      },
    });
    handle = provider.callback();
  }
  begin();

  return {
    issuer,
    get keyFetches() {
      return keyFetches;
    },
    async token(claims = {}, { audience = 'vitrine', seconds = 600 } = {}) {
      asked = { claims, audience, seconds };
      const response = await fetch(`${issuer}/token`, {
        method: 'POST',
        headers: { authorization: `Basic ${btoa(`panel:${clientSecret}`)}` },
        body: new URLSearchParams({ grant_type: 'client_credentials' }),
      });
      const { access_token: token, ...rest } = (await response.json()) as { access_token?: string };
      if (!token) throw new Error(`No token: ${JSON.stringify(rest)}`);
      return token;
    },
    async rotate() {
      keys = [await aKey(), ...keys];
      begin();
    },
    forgetOldKeys() {
      keys = keys.slice(0, 1);
      begin();
    },
    async goAway() {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    },
    comeBack: () => listen(port),
  };
}

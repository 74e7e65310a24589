/** What every way of knowing tokens has in common. */
import { hash } from 'node:crypto';
import type { Caller } from '../domain/caller.ts';

/** One way of knowing tokens: a file, Keystone, an issuer of JWTs, or what the service gives out itself. */
export interface TokenCheck {
  /**
   * Who the token stands for; null: it is none of this way's, or not known to it, and another may be asked.
   * @throws UnauthenticatedError it is certainly of this way, and not good
   * @throws UnavailableError     it cannot be told now
   */
  callerOf(token: string, beside?: Beside): Promise<Caller | null>;
}

/** What comes with a token. */
export interface Beside {
  /** X-Service-Token: of the service that asks on behalf of the token's user. */
  readonly serviceToken: string | null;
}

/** What tokens are remembered by: how long looking one up takes tells nothing about how much of a guess was right. */
export const digestOf = (token: string) => hash('sha256', token, 'base64');

/** Told of every question to another service, and of what went wrong there; never a token. */
export interface IdentityWatch {
  asked(service: string, outcome: 'known' | 'unknown' | 'failed', seconds: number): void;
  warn(message: string): void;
}

/** Robot tokens: how they look, what may be written on one, and who has a say in it. Only digests of them are kept. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { type Caller, hasRole, type Role } from './caller.ts';
import { ForbiddenError, type ValidationIssue } from './errors.ts';
import { limits, textIssues } from './fields.ts';
import type { Instant } from './image.ts';
import { instantOf } from './instant.ts';

export interface Token {
  /** UUID; says nothing of the secret. */
  id: string;
  project: string;
  /** Who made it; null when the command line did. */
  user: string | null;
  name: string;
  description: string | null;
  /** Sorted, each once; at least one. */
  roles: readonly string[];
  readOnly: boolean;
  /** An ImageFilter as `search/token-filter.ts` keeps it; null: all images that the roles show. */
  imageFilter: unknown;
  createdAt: Instant;
  /** Null: never. */
  expiresAt: Instant | null;
  /** To the minute or so; null: not yet. */
  lastUsedAt: Instant | null;
}

/** What whoever makes a token says of it. */
export type TokenFields = Pick<Token, 'name' | 'description' | 'roles' | 'expiresAt'> & {
  project: string | null;
};

/** Programs that look for leaked secrets know them by it. */
const prefix = 'vtr_';
export const secretBytes = 32;

/** The secret that `random` bytes become. The last eight digits are a checksum, so that a typo costs no look at the database. */
export function secretOf(random: Uint8Array): string {
  const body = `${prefix}${Buffer.from(random).toString('hex')}`;
  return body + checksum(body);
}

const secretForm = /^vtr_[0-9a-f]{72}$/;

/** Whether it can be a robot token; any other text is some other kind of token. */
export function isSecret(text: string): boolean {
  return secretForm.test(text) && checksum(text.slice(0, -8)) === text.slice(-8);
}

const checksum = (body: string) => crc32(body).toString(16).padStart(8, '0');

/** What is kept of a secret, in hex. With 256 random bits nothing slower is needed. */
export const digestOfSecret = (secret: string): string => createHash('sha256').update(secret).digest('hex');

export const tokenLimits = { nameLength: 255, descriptionLength: 1000, perProject: 200 } as const;

const builtIn: readonly Role[] = ['admin', 'member', 'reader'];

/** What is wrong with the fields of a new token, roles apart from whether the maker may give them. */
export function tokenIssues(fields: TokenFields, maker: Caller, now: Date): ValidationIssue[] {
  const { name, description, project, roles, expiresAt } = fields;
  const found = textIssues(['name'], 'The name', name, tokenLimits.nameLength);
  const add = (path: string[], code: string, message: string) =>
    found.push({ path, code, message, suggestion: null });
  if (name.trim() === '') add(['name'], 'EMPTY', 'A token needs a name, such as what uses it.');
  found.push(
    ...textIssues(['description'], 'The description', description ?? '', tokenLimits.descriptionLength),
  );
  found.push(...textIssues(['project'], 'The project', project ?? '', limits.ownerLength));
  if (project === '') add(['project'], 'EMPTY', 'project is the id of a project.');
  if (roles.length === 0) add(['roles'], 'EMPTY', `A token needs a role: one of ${builtIn.join(', ')}.`);
  for (const [n, role] of roles.entries()) {
    if (isBuiltIn(role) || maker.roles.includes(role)) continue;
    const shown = JSON.stringify(role.slice(0, 64));
    add(['roles', String(n)], 'UNKNOWN_ROLE', `${shown} is no role; there are ${builtIn.join(', ')}.`);
  }
  if (expiresAt !== null && expiresAt <= instantOf(now)) {
    add(['expiresAt'], 'IN_THE_PAST', 'expiresAt is over already; give a later time, or leave it out.');
  }
  return found;
}

const isBuiltIn = (role: string): role is Role => builtIn.some((one) => one === role);

/** Whether the caller has the role, or one that implies it. */
const covers = (caller: Caller, role: string) =>
  caller.roles.includes(role) || (isBuiltIn(role) && hasRole(caller, role));

/**
 * A robot makes no tokens: what somebody stole would outlive its revocation by what it made.
 * @throws ForbiddenError the maker may not make it
 */
export function requireTokenMaker(maker: Caller, project: string | null, roles: readonly string[]): string {
  requirePerson(maker);
  if (project === null) throw new ForbiddenError('A token is for a project, and yours names none; name one.');
  if (project !== maker.project && !maker.isAdmin) {
    throw new ForbiddenError(
      'Only an admin makes tokens for another project than their own; leave project out.',
    );
  }
  const above = roles.filter((role) => !covers(maker, role));
  if (above.length === 0 && hasRole(maker, 'reader')) return project;
  throw new ForbiddenError(
    `A token has no more rights than its maker: you may not give ${above.join(', ') || 'any role'} (your roles: ${maker.roles.join(', ') || 'none'}).`,
  );
}

/** @throws ForbiddenError the caller is a robot itself */
export function requirePerson({ robot }: Caller): void {
  if (robot)
    throw new ForbiddenError('A robot token makes and revokes no tokens; somebody who logs in does.');
}

/**
 * Whether a token is there for the caller, to be listed and revoked: for admins, for its maker, and for those in its
 * project who could have made it. A robot sees itself.
 */
export function canSeeToken(
  caller: Caller,
  token: Pick<Token, 'id' | 'project' | 'user' | 'roles'>,
): boolean {
  if (caller.isAnonymous || caller.grant) return false;
  if (caller.robot) return caller.robot.tokenId === token.id;
  if (caller.isAdmin) return true;
  if (caller.project !== token.project) return false;
  const isMaker = caller.user !== null && caller.user === token.user;
  return isMaker || (hasRole(caller, 'member') && token.roles.every((role) => covers(caller, role)));
}

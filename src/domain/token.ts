/** Robot tokens: how they look, what may be written on one, and who has a say in it. Only digests of them are kept. */
import { createHash } from 'node:crypto';
import { crc32 } from 'node:zlib';
import { type Caller, hasRole } from './caller.ts';
import { ForbiddenError, type ValidationIssue } from './errors.ts';
import { limits, textIssues } from './fields.ts';
import { type Instant, parseImageId } from './image.ts';
import { instantOf } from './instant.ts';
import { mayAddToken, type Policy } from './policy.ts';

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

/** The UUID in an id, which may stand without its type; null: it is none. */
export const tokenKey = (id: unknown): string | null =>
  typeof id === 'string' ? parseImageId(id.replace(/^Token:/, '')) : null;

/** What stands on a token, as far as somebody said it. */
export const tokenFields = ({ id: _, createdAt, lastUsedAt, imageFilter, ...said }: Token) => ({
  ...said,
  // One value, however much it says.
  imageFilter: imageFilter === null ? null : JSON.stringify(imageFilter),
});

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

/** What is wrong with the fields of a new token, apart from whether the maker may give its roles. `known` are those there are. */
export function tokenIssues(fields: TokenFields, known: readonly string[], now: Date): ValidationIssue[] {
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
  if (roles.length === 0) add(['roles'], 'EMPTY', `A token needs a role: one of ${known.join(', ')}.`);
  for (const [n, role] of roles.entries()) {
    if (known.includes(role)) continue;
    const shown = JSON.stringify(role.slice(0, 64));
    add(['roles', String(n)], 'UNKNOWN_ROLE', `${shown} is no role; there are ${known.join(', ')}.`);
  }
  if (expiresAt !== null && expiresAt <= instantOf(now)) {
    add(['expiresAt'], 'IN_THE_PAST', 'expiresAt is over already; give a later time, or leave it out.');
  }
  return found;
}

/**
 * A robot makes no tokens: what somebody stole would outlive its revocation by what it made.
 * @throws ForbiddenError the maker may not make it
 */
export function requireTokenMaker(
  policy: Policy,
  maker: Caller,
  { project, roles }: { project: string | null; roles: readonly string[] },
): string {
  requirePerson(maker);
  if (project === null) throw new ForbiddenError('A token is for a project, and yours names none; name one.');
  const own = maker.roles.join(', ') || 'none';
  if (!mayAddToken(policy, maker, project)) {
    throw new ForbiddenError(
      project === maker.project
        ? `You may not make tokens here (your roles: ${own}); as a rule it needs the role reader in a project.`
        : 'As a rule only an admin makes tokens for another project than their own; leave project out.',
    );
  }
  const above = roles.filter((role) => !hasRole(maker, role));
  if (above.length === 0) return project;
  throw new ForbiddenError(
    `A token has no more rights than its maker: you may not give ${above.join(', ')} (your roles: ${own}).`,
  );
}

/** @throws ForbiddenError the caller is a robot itself */
export function requirePerson({ robot }: Caller): void {
  if (robot)
    throw new ForbiddenError('A robot token makes and revokes no tokens; somebody who logs in does.');
}

/** From the claims of a JWT to who asks, as the settings say. Pure. */
import { type Caller, callerWith } from '../domain/caller.ts';
import { UnauthenticatedError } from '../domain/errors.ts';

/** Names of claims; `a.b` is the claim of that name or, without one, b within a. */
export interface ClaimNames {
  user: string;
  project: string;
  roles: string;
}

type Claims = Readonly<Record<string, unknown>>;

/** @throws UnauthenticatedError there is no user, or one of them is not of its kind */
export function callerOfClaims(claims: Claims, names: ClaimNames): Caller {
  const user = textOf(claims, names.user);
  if (user === null)
    throw new UnauthenticatedError(`The token has no claim ${names.user}, which names its user.`);
  return callerWith({ user, project: textOf(claims, names.project), roles: rolesOf(claims, names.roles) });
}

function claimOf(claims: Claims, name: string): unknown {
  if (Object.hasOwn(claims, name)) return claims[name];
  let found: unknown = claims;
  for (const part of name.split('.')) {
    if (typeof found !== 'object' || found === null || !Object.hasOwn(found, part)) return undefined;
    found = (found as Claims)[part];
  }
  return found;
}

function textOf(claims: Claims, name: string): string | null {
  const value = claimOf(claims, name);
  if (value === undefined || value === null) return null;
  if (typeof value === 'string' && isName(value)) return value;
  throw new UnauthenticatedError(`The claim ${name} of the token is not a text of 1 to 255 characters.`);
}

/** A list, or a text with spaces between them, as `scope` is (RFC 8693 4.2). */
function rolesOf(claims: Claims, name: string): string[] {
  const value = claimOf(claims, name);
  if (value === undefined || value === null) return [];
  const roles = typeof value === 'string' ? value.split(' ').filter((role) => role !== '') : value;
  if (Array.isArray(roles) && roles.every((role) => typeof role === 'string' && isName(role))) return roles;
  throw new UnauthenticatedError(`The claim ${name} of the token is neither a list of roles nor a text.`);
}

const isName = (text: string) =>
  text.length >= 1 && text.length <= 255 && !text.includes('\0') && text.isWellFormed();

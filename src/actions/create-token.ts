/** Makes a robot token: what a program is allowed, and no more than who makes it. */
import { randomBytes } from 'node:crypto';
import { transaction } from '../db/client.ts';
import { whoWaits } from '../db/image-visible.ts';
import { checkPatterns } from '../db/patterns.ts';
import { insertToken, lockTokens } from '../db/tokens.ts';
import type { Caller } from '../domain/caller.ts';
import { QuotaExceededError, ValidationError } from '../domain/errors.ts';
import type { Instant } from '../domain/image.ts';
import {
  digestOfSecret,
  requireTokenMaker,
  secretBytes,
  secretOf,
  type Token,
  tokenIssues,
  tokenLimits,
} from '../domain/token.ts';
import type { ImageFilter } from '../search/image-filter.ts';
import { storedFilter } from '../search/token-filter.ts';
import type { App } from './app.ts';
import { requireToken, requireWriter } from './require-image.ts';

export interface CreateToken {
  name: string;
  description?: string | null;
  /** Left out: the caller's. Another one only for an admin. */
  project?: string | null;
  /** Left out: member. */
  roles?: readonly string[] | null;
  readOnly?: boolean | null;
  /** Checked as every filter from outside. */
  imageFilter?: ImageFilter | null;
  expiresAt?: Instant | null;
}

/**
 * Returns the token and its secret, which nobody can read again.
 *
 * @throws ForbiddenError     a role that is above the caller's, another project, or the caller is a robot
 * @throws ValidationError    every mistake of the input at once; or what the filter cannot say
 * @throws QuotaExceededError more tokens than a project can have
 */
export async function createToken(
  app: App,
  caller: Caller,
  input: CreateToken,
): Promise<{ token: Token; secret: string }> {
  requireToken(caller);
  requireWriter(caller);
  const roles = [...new Set(input.roles ?? ['member'])].sort();
  const { name, description = null, expiresAt = null, imageFilter } = input;
  const asked = input.project ?? caller.project;
  const issues = tokenIssues({ name, description, project: asked, roles, expiresAt }, caller, app.now());
  if (issues.length > 0) throw new ValidationError(issues);
  const project = requireTokenMaker(caller, asked, roles);
  const readOnly = input.readOnly ?? false;
  const filter = imageFilter ? storedFilter(imageFilter, { readOnly }) : null;
  if (imageFilter) await checkPatterns(app.db, whoWaits(caller), imageFilter, ['imageFilter']);
  const secret = secretOf(randomBytes(secretBytes));
  const token = await transaction(app.db, async (tx) => {
    const used = await lockTokens(tx, project);
    if (used >= tokenLimits.perProject) throw tooMany(project, used);
    return insertToken(tx, {
      digest: digestOfSecret(secret),
      project,
      user: caller.user,
      name,
      description,
      roles,
      readOnly,
      imageFilter: filter,
      expiresAt,
    });
  });
  return { token, secret };
}

function tooMany(project: string, used: number): QuotaExceededError {
  const limit = tokenLimits.perProject;
  return new QuotaExceededError(
    { resource: 'tokens', limit, used, requested: 1 },
    `Project ${project} has ${used} tokens, and ${limit} is the limit; revoke one first.`,
  );
}

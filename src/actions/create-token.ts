/** Makes a robot token: what a program is allowed, and no more than who makes it. */
import { randomBytes } from 'node:crypto';
import { recordChange } from '../db/audit.ts';
import { transaction } from '../db/client.ts';
import { whoWaits } from '../db/image-visible.ts';
import { checkPatterns } from '../db/patterns.ts';
import { insertToken, lockTokens } from '../db/tokens.ts';
import { type Actor, actorOf, changesOf, tokenObject } from '../domain/audit.ts';
import { type Caller, callerWith } from '../domain/caller.ts';
import { invalid, QuotaExceededError, ValidationError } from '../domain/errors.ts';
import type { Instant } from '../domain/image.ts';
import {
  digestOfSecret,
  requireTokenMaker,
  secretBytes,
  secretOf,
  type Token,
  tokenFields,
  tokenIssues,
  tokenLimits,
} from '../domain/token.ts';
import type { ImageFilter } from '../search/image-filter.ts';
import { propertiesIn, storedFilter } from '../search/token-filter.ts';
import type { App } from './app.ts';
import { hiddenFrom } from './asked-images.ts';
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
  /** Who is said to have done it, where that is not the caller. */
  by?: Actor;
}

/**
 * Returns the token and its secret, which nobody can read again.
 *
 * @throws ForbiddenError     a role that is above the caller's, another project, or the caller is a robot
 * @throws ValidationError    every mistake of the input at once; or what the filter cannot say, or not to the caller
 * @throws QuotaExceededError more tokens than a project can have
 */
export async function createToken(
  app: App,
  caller: Caller,
  input: CreateToken,
): Promise<{ token: Token; secret: string }> {
  requireToken(caller);
  requireWriter(caller);
  const { policy } = app;
  const roles = [...new Set((input.roles ?? ['member']).map((role) => role.toLowerCase()))].sort();
  const { name, description = null, expiresAt = null, imageFilter } = input;
  const asked = input.project ?? caller.project;
  const fields = { name, description, project: asked, roles, expiresAt };
  const issues = tokenIssues(fields, policy.roles, app.now());
  if (issues.length > 0) throw new ValidationError(issues);
  const project = requireTokenMaker(policy, caller, { project: asked, roles });
  const readOnly = input.readOnly ?? false;
  const filter = imageFilter ? storedFilter(imageFilter, { readOnly }) : null;
  if (imageFilter) requireSeen(app, imageFilter, { maker: caller, roles });
  if (imageFilter) await checkPatterns(app.db, whoWaits(caller), imageFilter, ['imageFilter']);
  const secret = secretOf(randomBytes(secretBytes));
  const token = await transaction(app.db, async (tx) => {
    const used = await lockTokens(tx, project);
    if (used >= tokenLimits.perProject) throw tooMany(project, used);
    const { user } = caller;
    const row = { project, user, name, description, roles, readOnly, imageFilter: filter, expiresAt };
    const made = await insertToken(tx, { ...row, digest: digestOfSecret(secret) });
    await recordChange(tx, {
      by: input.by ?? actorOf(caller),
      action: 'createToken',
      object: tokenObject(made),
      changes: changesOf(null, tokenFields(made)),
    });
    return made;
  });
  return { token, secret };
}

/**
 * A filter of properties that its maker does not read would tell of them; and free text that the token's roles do not find
 * would let through, under `not`, what the maker keeps out.
 */
function requireSeen(
  app: App,
  filter: ImageFilter,
  { maker, roles }: { maker: Caller; roles: readonly string[] },
): void {
  const hidden = hiddenFrom(app, maker);
  const { names, hasFreeText } = propertiesIn(filter);
  const name = names.find((one) => hidden?.has(one));
  if (name !== undefined) {
    const message = `Property ${JSON.stringify(name)} is protected from your roles; take another condition, or ask an admin.`;
    throw invalid(['imageFilter', 'properties'], 'PROTECTED', message);
  }
  const ofRobot = hiddenFrom(app, callerWith({ user: null, project: null, roles }));
  if (!hasFreeText || !ofRobot || ofRobot.describing.length === app.search.describing.length) return;
  const message =
    'Free text looks into properties that are protected from the roles of the token; take a condition on name, tags or properties.';
  throw invalid(['imageFilter', 'freeText'], 'PROTECTED', message);
}

function tooMany(project: string, used: number): QuotaExceededError {
  const limit = tokenLimits.perProject;
  return new QuotaExceededError(
    { resource: 'tokens', limit, used, requested: 1 },
    `Project ${project} has ${used} tokens, and ${limit} is the limit; revoke one first.`,
  );
}

/** Which robot tokens there are, without their secrets. */
import { findAllTokens, findToken, findTokensOf } from '../db/tokens.ts';
import type { Caller } from '../domain/caller.ts';
import { parseImageId } from '../domain/image.ts';
import { canSeeToken } from '../domain/policy.ts';
import type { Token } from '../domain/token.ts';
import type { App } from './app.ts';
import { requireToken } from './require-image.ts';

/** Those of a project that the caller may see, oldest first; null: of all projects. */
export async function listTokens(
  app: App,
  caller: Caller,
  { project }: { project: string | null },
): Promise<Token[]> {
  requireToken(caller);
  if (project?.includes('\0') || project?.isWellFormed() === false) return [];
  const all = project === null ? await findAllTokens(app.db) : await findTokensOf(app.db, project);
  return all.filter((token) => canSeeToken(app.policy, caller, token));
}

/** The token when the caller may see it; null when not, for whatever reason. */
export async function findSeenToken(app: App, caller: Caller, key: string): Promise<Token | null> {
  requireToken(caller);
  const id = parseImageId(key);
  const token = id === null ? null : await findToken(app.db, id);
  return token && canSeeToken(app.policy, caller, token) ? token : null;
}

/** How many imports of a project are under way, which is limited. */
import type { Statements } from '../db/client.ts';
import { countUnfinished } from '../db/tasks.ts';
import type { Caller } from '../domain/caller.ts';
import { RateLimitedError } from '../domain/errors.ts';
import type { App } from './app.ts';

/** How long an import takes nobody knows: this is when it is worth asking again. */
const retrySeconds = 10;

/** @throws RateLimitedError as many are under way as may be */
export async function requireTurn({ limits }: App, tx: Statements, { project }: Caller): Promise<void> {
  if (limits.imports === null || project === null) return;
  if ((await countUnfinished(tx, project)) < limits.imports) return;
  throw new RateLimitedError(
    `Project ${project} may have ${limits.imports} imports under way; try again when one of them is done.`,
    retrySeconds,
  );
}

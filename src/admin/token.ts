/** `vitrine token`: robot tokens on the database of the settings, its servers running or not. */
import type { App } from '../actions/app.ts';
import { createToken } from '../actions/create-token.ts';
import { listTokens } from '../actions/list-tokens.ts';
import { revokeToken } from '../actions/revoke-token.ts';
import type { Config } from '../config/config.ts';
import { parseDuration } from '../config/parse.ts';
import { type Caller, callerWith } from '../domain/caller.ts';
import type { Instant } from '../domain/image.ts';
import { instantOf, parseInstant } from '../domain/instant.ts';
import type { Token } from '../domain/token.ts';
import { checkedFilter } from '../search/filter-check.ts';
import type { ImageFilter } from '../search/image-filter.ts';
import { requireSearch } from '../search/language/bad-search.ts';
import { thisOperator } from './operator.ts';
import { flag } from './scrub.ts';
import { withApp } from './with-app.ts';

/** As the command line has them. */
export interface NewTokenFlags {
  project: string;
  name: string;
  description?: string;
  role?: string[];
  readOnly: boolean;
  images?: string;
  expires?: string;
  json: boolean;
}

/** Whoever reaches the database may do everything, and give every role. */
const operatorOf = ({ policy }: App): Caller =>
  callerWith({ user: null, project: null, roles: policy.roles });

/** @throws what is wrong with the flags */
export async function newRobotToken(config: Config, flags: NewTokenFlags): Promise<void> {
  const { project, name, description, role, readOnly, images, expires, json } = flags;
  const now = new Date();
  const expiresAt = expires === undefined ? null : flag('--expires', (text) => timeOf(text, now), expires);
  await withApp(config, async (app) => {
    const imageFilter = images === undefined ? null : await filterOf(app, images);
    const input = {
      project,
      name,
      description,
      roles: role,
      readOnly,
      imageFilter,
      expiresAt,
      by: thisOperator(),
    };
    const { token, secret } = await createToken(app, operatorOf(app), input);
    if (json) return console.log(JSON.stringify({ ...token, secret }));
    console.error(`Token ${token.id}. Its secret, which is not to be had again:`);
    console.log(secret);
  });
}

const farthestMs = 100 * 365 * 86_400_000;

function timeOf(text: string, now: Date): Instant {
  const instant = parseInstant(text);
  if (instant !== null) return instant;
  try {
    return instantOf(new Date(now.getTime() + parseDuration(text, 1_000, farthestMs)));
  } catch {
    throw new Error('is a while, such as 12h or 90d, or a time, such as 2027-01-31T12:00:00Z');
  }
}

/** Times in it are of now: a token does not move on with them. */
async function filterOf(app: App, search: string): Promise<ImageFilter> {
  const vocabulary = await app.metadefs.vocabulary.read();
  const operator = operatorOf(app);
  const typeOf = (name: string) => vocabulary.find(operator, name)?.property.type ?? null;
  const { where, orderBy } = requireSearch(search, app.now(), typeOf);
  if (orderBy.length > 0) throw new Error('--images says which images, not in which order; leave sort: out');
  return checkedFilter(where, ['imageFilter']);
}

export async function listRobotTokens(
  config: Config,
  { project, json }: { project?: string; json: boolean },
): Promise<void> {
  await withApp(config, async (app) => {
    const tokens = await listTokens(app, operatorOf(app), { project: project ?? null });
    for (const token of tokens) console.log(json ? JSON.stringify(token) : lineOf(token));
    if (!json) console.error(`${tokens.length} ${tokens.length === 1 ? 'token' : 'tokens'}`);
  });
}

function lineOf({ id, project, roles, readOnly, imageFilter, expiresAt, lastUsedAt, name }: Token): string {
  const rights = [...roles, ...(readOnly ? ['read-only'] : []), ...(imageFilter ? ['some images'] : [])];
  const until = expiresAt === null ? 'no end' : `until ${shown(expiresAt)}`;
  const used = lastUsedAt === null ? 'never used' : `used ${shown(lastUsedAt)}`;
  return [id, project, rights.join(','), until, used, JSON.stringify(name)].join('  ');
}

const shown = (instant: Instant) => `${instant.slice(0, 16)}Z`;

/** @throws NotFoundError there is no such token */
export async function revokeRobotToken(config: Config, id: string): Promise<void> {
  await withApp(config, async (app) => {
    const { name, project } = await revokeToken(app, operatorOf(app), { id, by: thisOperator() });
    console.error(`${JSON.stringify(name)} of project ${project} is revoked.`);
  });
}

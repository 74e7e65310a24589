/** Static tokens from a file: token -> Caller. The file is read again when it changes; no restart, no signal. */
import { randomBytes } from 'node:crypto';
import { link, mkdir, open, readFile, stat, unlink } from 'node:fs/promises';
import { dirname } from 'node:path';
import { z } from 'zod';
import { builtInRoles, type Caller, callerWith } from '../domain/caller.ts';
import { digestOf, type TokenCheck } from './token-check.ts';

const tokenEntry = z.strictObject({
  token: z.string().min(1).max(1024),
  user: z.string().min(1).max(255),
  project: z.string().min(1).max(255),
  roles: z.array(z.string()).min(1, 'a token needs a role'),
});
const tokenList = z
  .array(tokenEntry)
  .refine((list) => new Set(list.map((e) => e.token)).size === list.length, 'a token stands there twice');
export type TokenEntry = z.infer<typeof tokenEntry>;

/** The same, with roles that there are: a mistyped one would count for nothing. */
function tokenListWith(declaredRoles: readonly string[]) {
  const known: readonly string[] = [...builtInRoles, ...declaredRoles];
  return tokenList.superRefine((list, context) => {
    for (const [n, { roles }] of list.entries()) {
      for (const [m, role] of roles.entries()) {
        if (known.includes(role.toLowerCase())) continue;
        const message = `there is no such role; there is ${known.join(', ')}`;
        context.addIssue({ code: 'custom', path: [n, 'roles', m], message });
      }
    }
  });
}

/** The tokens file cannot be used: what is wrong, without any token. */
export class TokensFileError extends Error {}

/** How long a change of the file may go unseen. */
const lookAgainAfterMs = 500;

/**
 * Tokens of `path`. A file that becomes unreadable or wrong later leaves the tokens as they were and is
 * reported through `warn`, once for each change. `declaredRoles` are there besides the built-in ones.
 * @throws TokensFileError the file is missing or wrong now
 */
export async function openTokensFile(
  path: string,
  warn: (message: string) => void,
  declaredRoles: readonly string[] = [],
): Promise<TokenCheck> {
  const list = tokenListWith(declaredRoles);
  let callers = await readTokens(path, list);
  let seen = await fingerprint(path);
  let lookAgainAt = Date.now() + lookAgainAfterMs;

  async function refresh(): Promise<void> {
    lookAgainAt = Date.now() + lookAgainAfterMs;
    const now = await fingerprint(path);
    if (now === seen) return;
    seen = now;
    try {
      callers = await readTokens(path, list);
    } catch (error) {
      warn(`${(error as Error).message} The tokens stay as they were.`);
    }
  }

  return {
    async callerOf(token) {
      if (Date.now() >= lookAgainAt) await refresh();
      // Looked up by digest: how long it takes tells nothing about how much of a guess was right.
      return callers.get(digestOf(token)) ?? null;
    },
  };
}

async function fingerprint(path: string): Promise<string> {
  try {
    const { mtimeMs, size, ino } = await stat(path);
    return `${mtimeMs} ${size} ${ino}`;
  } catch {
    return 'missing';
  }
}

async function readTokens(path: string, list: typeof tokenList): Promise<Map<string, Caller>> {
  let content: unknown;
  try {
    content = JSON.parse(await readFile(path, 'utf8'));
  } catch (error) {
    const why =
      error instanceof SyntaxError
        ? 'is not JSON'
        : `cannot be read (${(error as NodeJS.ErrnoException).code})`;
    throw new TokensFileError(`VITRINE_TOKENS_FILE: ${path} ${why}.`);
  }
  const parsed = list.safeParse(content);
  if (!parsed.success) {
    const issues = parsed.error.issues.map((i) => `${i.path.join('.') || 'the file'}: ${i.message}`);
    throw new TokensFileError(`VITRINE_TOKENS_FILE: ${path} is not a list of tokens: ${issues.join('; ')}.`);
  }
  return new Map(parsed.data.map(({ token, ...who }) => [digestOf(token), callerWith(who)]));
}

/** Makes a tokens file with one admin and one member when there is none; readable by its owner only. All of it or nothing. */
export async function ensureTokensFile(path: string): Promise<void> {
  const entry = (user: string, project: string, role: 'admin' | 'member'): TokenEntry => ({
    token: randomBytes(24).toString('base64url'),
    user,
    project,
    roles: [role],
  });
  await mkdir(dirname(path), { recursive: true });
  const entries = [entry('admin', 'admin', 'admin'), entry('demo', 'demo', 'member')];
  const draft = `${path}.${randomBytes(4).toString('hex')}.draft`;
  const file = await open(draft, 'wx', 0o600);
  try {
    await file.writeFile(`${JSON.stringify(entries, null, 2)}\n`);
    await file.sync();
    await link(draft, path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  } finally {
    await file.close();
    await unlink(draft);
  }
}

/** The first token of a kind, for the banner's command; null when there is none. */
export async function firstToken(path: string, role: 'admin' | 'member'): Promise<string | null> {
  const parsed = tokenList.safeParse(JSON.parse(await readFile(path, 'utf8')));
  return parsed.data?.find((entry) => entry.roles.includes(role))?.token ?? null;
}

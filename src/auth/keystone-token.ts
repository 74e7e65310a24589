/** What Keystone says of a token (Identity API v3, "Validate and show information for token"): who it stands for. Pure. */
import { z } from 'zod';
import { type Caller, callerWith } from '../domain/caller.ts';

const id = z.string().min(1);
const tokenBody = z.object({
  token: z.object({
    expires_at: z.iso.datetime({ offset: true }),
    user: z.object({ id }),
    project: z.object({ id }).optional(),
    domain: z.object({ id }).optional(),
    system: z.object({ all: z.boolean().optional() }).optional(),
    roles: z.array(z.object({ name: z.string() })).default([]),
  }),
});

export interface KeystoneToken {
  caller: Caller;
  /** Milliseconds since 1970. */
  expiresAt: number;
}

/**
 * Null: it is no description of a token. Roles, those that others imply among them, are as Keystone has them.
 *
 * | scope   | project | roles                                                            |
 * |---------|---------|------------------------------------------------------------------|
 * | project | its id  | as they are                                                      |
 * | system  | none    | as they are                                                      |
 * | domain  | none    | none: images belong to projects, an admin of a domain is no other |
 * | none    | none    | none                                                             |
 */
export function keystoneToken(body: unknown): KeystoneToken | null {
  const parsed = tokenBody.safeParse(body);
  if (!parsed.success) return null;
  const { user, project, system, roles, expires_at } = parsed.data.token;
  const counts = project !== undefined || system?.all === true;
  const caller = callerWith({
    user: user.id,
    project: project?.id ?? null,
    roles: counts ? roles.map(({ name }) => name) : [],
  });
  return { caller, expiresAt: new Date(expires_at).getTime() };
}

/** Whether it says, as Keystone does, that there is no such token; an answer of whatever stands before it does not. */
export function saysUnknown(text: string): boolean {
  try {
    const { error } = JSON.parse(text) as { error?: { code?: unknown } };
    return error?.code === 404;
  } catch {
    return false;
  }
}

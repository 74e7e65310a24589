/** Who asks. Made from a token by `auth/`, or anonymous where no token came. */

export type Role = 'admin' | 'member' | 'reader';

export interface Caller {
  /** Null where the token has none. */
  readonly user: string | null;
  /** Null where the token has none; then nothing is the caller's own. */
  readonly project: string | null;
  /** As the token has them; roles that we do not know count for nothing. */
  readonly roles: readonly string[];
  readonly isAdmin: boolean;
  /** No token came: may see what describes the service, nothing else. */
  readonly isAnonymous: boolean;
  /** Came with a signed target: may do this one thing with this one image, and nothing else. */
  readonly grant?: { readonly imageId: string; readonly operation: 'upload' | 'download' };
  /** Came with a robot token: what that narrows its caller to. */
  readonly robot?: Robot;
}

export interface Robot {
  readonly tokenId: string;
  /** Reads and downloads; changes nothing. */
  readonly readOnly: boolean;
  /** Only images that match are there at all; null: whatever the roles show. What it means is `search/token-filter.ts`. */
  readonly imageFilter: object | null;
}

export const anonymous: Caller = Object.freeze({
  user: null,
  project: null,
  roles: [],
  isAdmin: false,
  isAnonymous: true,
});

/** Who a token stands for. */
export function callerWith(token: {
  user: string | null;
  project: string | null;
  roles: readonly string[];
  robot?: Robot;
}): Caller {
  return Object.freeze({ ...token, isAdmin: token.roles.includes('admin'), isAnonymous: false });
}

/** Who a signed target stands for. */
export function callerWithGrant(imageId: string, operation: 'upload' | 'download'): Caller {
  return Object.freeze({ ...anonymous, isAnonymous: false, grant: { imageId, operation } });
}

/** admin implies member, member implies reader. */
export function hasRole(caller: Caller, role: Role): boolean {
  if (caller.isAdmin) return true;
  if (role === 'reader') return caller.roles.includes('reader') || caller.roles.includes('member');
  return caller.roles.includes(role);
}

/** Whether it may change nothing, whatever its roles are. */
export const isReadOnly = ({ robot }: Caller): boolean => robot?.readOnly === true;

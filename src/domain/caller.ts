/** Who asks. Made from a token by `auth/`, or anonymous where no token came. */

/** The roles that Keystone brings along; the settings may declare more (`policy.roles`). */
export const builtInRoles = ['admin', 'member', 'reader', 'service'] as const;
export type Role = (typeof builtInRoles)[number];

/** The roles that come with a role, itself first. */
export const impliedRoles: Readonly<Record<Role, readonly Role[]>> = {
  admin: ['admin', 'member', 'reader'],
  member: ['member', 'reader'],
  reader: ['reader'],
  service: ['service'],
};

/** The roles that `role` stands for, itself first. */
export function rolesOf(role: string): readonly string[] {
  return Object.hasOwn(impliedRoles, role) ? impliedRoles[role as Role] : [role];
}

export interface Caller {
  /** Null where the token has none. */
  readonly user: string | null;
  /** Null where the token has none; then nothing is the caller's own. */
  readonly project: string | null;
  /** As the token has them, in lower case: OpenStack's names of roles have none. Unknown ones count for nothing. */
  readonly roles: readonly string[];
  readonly isAdmin: boolean;
  /** No token came: may see what describes the service, nothing else. */
  readonly isAnonymous: boolean;
  /** Came with a signed target: may do this one thing with this one image, and nothing else. */
  readonly grant?: {
    readonly imageId: string;
    readonly operation: 'upload' | 'download';
    /** Who made the target, where it says so; has no rights of his here. */
    readonly by?: Maker;
  };
  /** The request that it asks with: what it does is found again by it. */
  readonly requestId?: string;
}

/** Who made a signed target. */
export interface Maker {
  readonly user: string | null;
  readonly project: string | null;
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
}): Caller {
  const roles = token.roles.map((role) => role.toLowerCase());
  return Object.freeze({ ...token, roles, isAdmin: roles.includes('admin'), isAnonymous: false });
}

/** Who a signed target stands for. */
export function callerWithGrant(imageId: string, operation: 'upload' | 'download', by?: Maker): Caller {
  return Object.freeze({ ...anonymous, isAnonymous: false, grant: { imageId, operation, by } });
}

/** The same, in a request. */
export const inRequest = (caller: Caller, requestId: string): Caller => ({ ...caller, requestId });

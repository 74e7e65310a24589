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
  /** As the token has them; roles that the policy does not know count for nothing. */
  readonly roles: readonly string[];
  readonly isAdmin: boolean;
  /** No token came: may see what describes the service, nothing else. */
  readonly isAnonymous: boolean;
  /** Came with a signed target: may do this one thing with this one image, and nothing else. */
  readonly grant?: { readonly imageId: string; readonly operation: 'upload' | 'download' };
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
  return Object.freeze({ ...token, isAdmin: token.roles.includes('admin'), isAnonymous: false });
}

/** Who a signed target stands for. */
export function callerWithGrant(imageId: string, operation: 'upload' | 'download'): Caller {
  return Object.freeze({ ...anonymous, isAnonymous: false, grant: { imageId, operation } });
}

/** Who asks. Made from a token by `auth/`, or anonymous where no token came. */
import type { MembersKnown } from './policy.ts';

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
  /** Came with a robot token: what that narrows its caller to. */
  readonly robot?: Robot;
  /** The request that it asks with: what it does is found again by it. */
  readonly requestId?: string;
}

/** Who made a signed target. */
export interface Maker {
  readonly user: string | null;
  readonly project: string | null;
}

export interface Robot {
  readonly tokenId: string;
  /** Reads and downloads; changes nothing. */
  readonly readOnly: boolean;
  /** Only images that match are there at all; null: whatever the roles show. What it means is `search/token-filter.ts`. */
  readonly imageFilter: object | null;
  readonly view: RobotView;
}

/** What conditions of the filter look into, as the roles of the token have it. */
export interface RobotView {
  /** Properties that free text looks into, when these are not all that describe images; null: they are. */
  readonly describing: readonly string[] | null;
  /** Of which images it may know all members. */
  readonly membersKnown: MembersKnown;
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
  const roles = token.roles.map((role) => role.toLowerCase());
  return Object.freeze({ ...token, roles, isAdmin: roles.includes('admin'), isAnonymous: false });
}

/** Who a signed target stands for. */
export function callerWithGrant(imageId: string, operation: 'upload' | 'download', by?: Maker): Caller {
  return Object.freeze({ ...anonymous, isAnonymous: false, grant: { imageId, operation, by } });
}

/** The same, in a request. */
export const inRequest = (caller: Caller, requestId: string): Caller => ({ ...caller, requestId });

/** Whether it may change nothing, whatever its roles are. */
export const isReadOnly = ({ robot }: Caller): boolean => robot?.readOnly === true;

/** Whether the caller has the role, or one that it comes with. */
export const hasRole = ({ roles }: Caller, role: string): boolean =>
  roles.some((one) => rolesOf(one).includes(role));

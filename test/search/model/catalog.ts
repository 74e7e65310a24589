/**
 * A catalog in memory, as the contract describes images and callers: what the server is held against. Written
 * from the contract's words alone, so nothing here may be taken from src/db.
 */

/** An image as clients see it; enum values by their GraphQL names. */
export interface ModelImage {
  /** Lower-case UUID. */
  id: string;
  name: string | null;
  kind: string;
  status: string;
  visibility: string;
  owner: string | null;
  diskFormat: string | null;
  containerFormat: string | null;
  size: number | null;
  virtualSize: number | null;
  minDisk: number;
  minRam: number;
  /** MD5 in lower-case hex. */
  checksum: string | null;
  /** Lower-case hex by algorithm. */
  digests: Record<string, string>;
  protected: boolean;
  hidden: boolean;
  /** Whether the last upload or import failed. */
  failed: boolean;
  /** What is known of its signature, which the property signatureProperty makes it have; null: it has none. */
  signature: string | null;
  tags: string[];
  properties: Record<string, string>;
  /** Status by project. */
  members: Record<string, string>;
  copies: { store: string; isActive: boolean }[];
  /** RFC 3339, UTC, six decimals. */
  createdAt: string;
  updatedAt: string;
}

/** Each of the four properties of a signature makes an image have one. */
export const signatureProperty = 'img_signature';

/** Project null: the token has none. Members and readers of a project see the same. */
export interface ModelCaller {
  project: string | null;
  isAdmin: boolean;
  isAnonymous: boolean;
}

/** The value of a property; undefined when the image does not have it, whatever Object.prototype has. */
export function propertyOf(image: ModelImage, name: string): string | undefined {
  return Object.hasOwn(image.properties, name) ? image.properties[name] : undefined;
}

/** The status of a project's membership; undefined when it has none, or the image is not shared. */
export function membershipOf(image: ModelImage, project: string | null): string | undefined {
  if (image.visibility !== 'SHARED' || project === null) return undefined;
  return Object.hasOwn(image.members, project) ? image.members[project] : undefined;
}

/** The stores that have an active copy, each once. */
export function storesOf(image: ModelImage): string[] {
  return [...new Set(image.copies.filter((copy) => copy.isActive).map((copy) => copy.store))];
}

/** Microseconds since 1970 of an RFC 3339 time; exact for our centuries. */
export function microsOf(text: string): number {
  const [, seconds = '', fraction = '', zone = ''] = /^(.{19})(?:\.(\d{1,6}))?(.+)$/.exec(text) ?? [];
  return Date.parse(`${seconds}${zone.toUpperCase()}`) * 1000 + Number(fraction.padEnd(6, '0'));
}

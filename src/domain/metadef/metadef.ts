/**
 * Metadata definitions: namespaces that say which properties there are on which types of resources, and what their
 * values may be. Words and rules are those of the Image API v2 (/v2/metadefs).
 */
import type { Instant } from '../image.ts';

export const metadefVisibilities = ['public', 'private'] as const;
export type MetadefVisibility = (typeof metadefVisibilities)[number];

export const metadefTypes = ['string', 'integer', 'number', 'boolean', 'array', 'object', 'null'] as const;
export type MetadefType = (typeof metadefTypes)[number];

/** What becomes of images that break a definition: nothing is looked at; it is said; it is refused. */
export const metadefModes = ['off', 'warn', 'enforce'] as const;
export type MetadefMode = (typeof metadefModes)[number];

/** The resource type whose properties are the custom properties of images. */
export const imageResourceType = 'OS::Glance::Image';

/** What a property may hold, in the words of JSON schema; what is missing is not said. Ranges include their ends. */
export interface MetadefDefinition {
  title: string;
  description?: string;
  type: MetadefType;
  /** As they are written on an image. */
  enum?: string[];
  /** Any JSON. */
  default?: NonNullable<unknown>;
  minimum?: number;
  maximum?: number;
  /** Unicode characters. */
  minLength?: number;
  maxLength?: number;
  /** RE2; it may match anywhere. */
  pattern?: string;
  /** How values are written where several are meant: `<or>`, `<all-in>` ... */
  operators?: string[];
  required?: boolean;
  readOnly?: boolean;
  itemsType?: MetadefType;
  itemsEnum?: string[];
  minItems?: number;
  maxItems?: number;
  uniqueItems?: boolean;
  additionalItems?: boolean;
}

/** A definition with its name inside the namespace or object, without prefix. */
export interface NamedDefinition extends MetadefDefinition {
  name: string;
}

/** Properties that belong together. */
export interface ObjectContent {
  name: string;
  description?: string;
  /** Names of its properties that a resource with any of them must have. */
  required: string[];
  properties: NamedDefinition[];
}

/** That a namespace is for a type of resources, there with this prefix before its names. */
export interface AssociationContent {
  resourceType: string;
  prefix?: string;
  /** Which properties of the resource, where it has several kinds: `image` on a volume. */
  propertiesTarget?: string;
}

/** What stands about a namespace itself. */
export interface NamespaceFields {
  /** Unique in the service. */
  namespace: string;
  displayName: string | null;
  description: string | null;
  visibility: MetadefVisibility;
  protected: boolean;
  /** Project; null when it is nobody's. */
  owner: string | null;
}

/** What is in a namespace; each list is sorted by name. */
export interface NamespaceContent {
  properties: NamedDefinition[];
  objects: ObjectContent[];
  tags: string[];
  resourceTypes: AssociationContent[];
}

/** A namespace, whole: what files hold, and what an export gives. */
export type NamespaceDocument = NamespaceFields & NamespaceContent;

/** A namespace as it is kept. */
export interface MetadefNamespace extends NamespaceFields {
  /** Stays when it is renamed. */
  id: string;
  /** Grows by one at each change of the namespace or anything in it. */
  revision: number;
  createdAt: Instant;
  updatedAt: Instant;
}

export interface MetadefProperty extends NamedDefinition {
  id: string;
  namespaceId: string;
  /** The object it stands in; null when it stands in the namespace itself. */
  objectId: string | null;
  createdAt: Instant;
  updatedAt: Instant;
}

export interface MetadefObject {
  id: string;
  namespaceId: string;
  name: string;
  description: string | null;
  required: string[];
  createdAt: Instant;
  updatedAt: Instant;
}

export interface MetadefAssociation {
  namespaceId: string;
  resourceType: string;
  prefix: string | null;
  propertiesTarget: string | null;
  createdAt: Instant;
  updatedAt: Instant;
}

export interface MetadefTag {
  namespaceId: string;
  name: string;
  createdAt: Instant;
  updatedAt: Instant;
}

export interface MetadefResourceType {
  name: string;
  /** One that came with the service. */
  protected: boolean;
  createdAt: Instant;
  updatedAt: Instant;
}

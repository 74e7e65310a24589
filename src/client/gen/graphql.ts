/* eslint-disable */
/** Internal type. DO NOT USE DIRECTLY. */
type Exact<T extends { [key: string]: unknown }> = { [K in keyof T]: T[K] };
/** Internal type. DO NOT USE DIRECTLY. */
export type Incremental<T> = T | { [P in keyof T]?: P extends ' $fragmentName' | '__typename' ? T[P] : never };
import type { DocumentTypeDecoration } from '@graphql-typed-document-node/core';
/** A condition on a number of bytes. */
export type BigIntFilter = {
  /** Equal to this. */
  eq?: number | string | null | undefined;
  /** More than this. */
  gt?: number | string | null | undefined;
  /** This or more. */
  gte?: number | string | null | undefined;
  /** Equal to one of these; an empty list matches nothing. */
  in?: Array<number | string> | null | undefined;
  /** true: there is no value; false: there is one. */
  isNull?: boolean | null | undefined;
  /** Less than this. */
  lt?: number | string | null | undefined;
  /** This or less. */
  lte?: number | string | null | undefined;
  /** Has a value, and not this one. */
  ne?: number | string | null | undefined;
  /** Has a value, and none of these; an empty list matches every value. */
  notIn?: Array<number | string> | null | undefined;
};

/** What is around the disk. */
export type ContainerFormat =
  /** Amazon kernel image. */
  | 'AKI'
  /** Amazon machine image. */
  | 'AMI'
  /** Amazon ramdisk image. */
  | 'ARI'
  /** Nothing. */
  | 'BARE'
  /** A compressed file. */
  | 'COMPRESSED'
  /** Container image as a tar archive. */
  | 'DOCKER'
  /** OVA archive. */
  | 'OVA'
  /** OVF description. */
  | 'OVF'
  | '%future added value';

/** A condition on a choice. */
export type ContainerFormatFilter = {
  /** Equal to this. */
  eq?: ContainerFormat | null | undefined;
  /** Equal to one of these; an empty list matches nothing. */
  in?: Array<ContainerFormat> | null | undefined;
  /** true: there is no value; false: there is one. */
  isNull?: boolean | null | undefined;
  /** Has a value, and not this one. */
  ne?: ContainerFormat | null | undefined;
  /** Has a value, and none of these; an empty list matches every value. */
  notIn?: Array<ContainerFormat> | null | undefined;
};

/** What is left out gets its default; formats may follow later. */
export type CreateImageInput = {
  /** Needed before data. */
  containerFormat?: ContainerFormat | null | undefined;
  /** Needed before data. */
  diskFormat?: DiskFormat | null | undefined;
  /** Default false. */
  hidden?: boolean | null | undefined;
  /** Chosen by the client to make a retry safe (the second try gets ConflictError ALREADY_EXISTS); else the server makes one. */
  id?: string | null | undefined;
  /** GiB; default 0. */
  minDisk?: number | null | undefined;
  /** MiB; default 0. */
  minRam?: number | null | undefined;
  /** Up to 255 characters; not unique. */
  name?: string | null | undefined;
  /** Default the caller's project; another one only for an admin. */
  owner?: string | null | undefined;
  /** At most 128. */
  properties?: Array<PropertyInput> | null | undefined;
  /** Default false. */
  protected?: boolean | null | undefined;
  /** At most 128, each up to 255 characters; one given twice counts once. */
  tags?: Array<string> | null | undefined;
  /** Default SHARED, as Glance. */
  visibility?: ImageVisibility | null | undefined;
};

/** A condition on a time, to the microsecond. */
export type DateTimeFilter = {
  /** Equal to this. */
  eq?: string | null | undefined;
  /** After this. */
  gt?: string | null | undefined;
  /** At this or after. */
  gte?: string | null | undefined;
  /** Before this. */
  lt?: string | null | undefined;
  /** At this or before. */
  lte?: string | null | undefined;
  /** Has a value, and not this one. */
  ne?: string | null | undefined;
};

/** What the bytes are as a disk. */
export type DiskFormat =
  /** Amazon kernel image. */
  | 'AKI'
  /** Amazon machine image. */
  | 'AMI'
  /** Amazon ramdisk image. */
  | 'ARI'
  /** Whole disk with a GUID partition table. */
  | 'GPT'
  /** Optical disc (ISO 9660, UDF). */
  | 'ISO'
  /** Encrypted volume (LUKS). */
  | 'LUKS'
  /** Virtuozzo disk. */
  | 'PLOOP'
  /** QEMU copy-on-write, version 2 or 3. */
  | 'QCOW2'
  /** The bytes of the disk as they are. */
  | 'RAW'
  /** VirtualBox disk. */
  | 'VDI'
  /** Virtual hard disk (Hyper-V, Xen). */
  | 'VHD'
  /** Virtual hard disk, second version. */
  | 'VHDX'
  /** VMware disk. */
  | 'VMDK'
  | '%future added value';

/** A condition on a choice. */
export type DiskFormatFilter = {
  /** Equal to this. */
  eq?: DiskFormat | null | undefined;
  /** Equal to one of these; an empty list matches nothing. */
  in?: Array<DiskFormat> | null | undefined;
  /** true: there is no value; false: there is one. */
  isNull?: boolean | null | undefined;
  /** Has a value, and not this one. */
  ne?: DiskFormat | null | undefined;
  /** Has a value, and none of these; an empty list matches every value. */
  notIn?: Array<DiskFormat> | null | undefined;
};

/**
 * Elements of a list that is written as text: a JSON array; words after operators (<or> a <or> b, <all-in> a b);
 * otherwise what stands between commas. Whole elements, case as it stands.
 */
export type ElementsFilter = {
  /** Has this element. */
  has?: string | null | undefined;
  /** Has all of these; an empty list matches every value. */
  hasAll?: Array<string> | null | undefined;
  /** Has one of these; an empty list matches nothing. */
  hasAny?: Array<string> | null | undefined;
  /** Has none of these; an empty list matches every value. */
  hasNone?: Array<string> | null | undefined;
};

/** A condition on a number. */
export type FloatFilter = {
  /** Equal to this. */
  eq?: number | null | undefined;
  /** More than this. */
  gt?: number | null | undefined;
  /** This or more. */
  gte?: number | null | undefined;
  /** Equal to one of these; an empty list matches nothing. */
  in?: Array<number> | null | undefined;
  /** Less than this. */
  lt?: number | null | undefined;
  /** This or less. */
  lte?: number | null | undefined;
  /** Has a value, and not this one. */
  ne?: number | null | undefined;
  /** Has a value, and none of these; an empty list matches every value. */
  notIn?: Array<number> | null | undefined;
};

/** Ids as printed; one that is malformed matches nothing. */
export type IdFilter = {
  /** Equal to this. */
  eq?: string | null | undefined;
  /** Equal to one of these; an empty list matches nothing. */
  in?: Array<string> | null | undefined;
  /** Has a value, and not this one. */
  ne?: string | null | undefined;
  /** Has a value, and none of these; an empty list matches every value. */
  notIn?: Array<string> | null | undefined;
};

/** Where the copy of an image in one store is in its life. */
export type ImageCopyState =
  /** Whole, and read from. */
  | 'ACTIVE'
  /** Is being removed. */
  | 'DELETING'
  /** Could not be made, or was found damaged. */
  | 'FAILED'
  /** Asked for; nothing is there yet. */
  | 'PENDING'
  /** Its bytes are on the way. */
  | 'UPLOADING'
  | '%future added value';

/**
 * All given conditions must hold, and all operators inside one condition. and/or/not nest. Conditions are true
 * or false, never unknown: on a missing value every operator is false, ne and notIn too, except isNull: true and
 * exists: false; not turns exactly that around, so not: {name: {eq: "x"}} finds images without a name and
 * name: {ne: "x"} does not. Empty: {} and and: [] are true, or: [] false, in: [] false, notIn: [] true on a value.
 * null in place of a whole condition is as if left out; null as the operand of an operator is refused.
 */
export type ImageFilter = {
  /** All of these hold. */
  and?: Array<ImageFilter> | null | undefined;
  /** What is around the disk. */
  containerFormat?: ContainerFormatFilter | null | undefined;
  /** When it was registered. */
  createdAt?: DateTimeFilter | null | undefined;
  /** Any digest of the image (MD5 too), whole or by a prefix of at least 8 hex digits. */
  digest?: string | null | undefined;
  /** What the bytes are as a disk. */
  diskFormat?: DiskFormatFilter | null | undefined;
  /** Whether the last upload or import failed. */
  failed?: boolean | null | undefined;
  /**
   * Every word, and every phrase in double quotes, occurs in the name, a tag or a describing property
   * (description, os_distro, os_version ...), as a part of a word too; case does not matter.
   */
  freeText?: string | null | undefined;
  /** Whether it is hidden. At the top of where, or in its and, true also brings hidden ones. */
  hidden?: boolean | null | undefined;
  /** Id of the image. */
  id?: IdFilter | null | undefined;
  /** What it is for. */
  kind?: ImageKindFilter | null | undefined;
  /** GiB. */
  minDisk?: IntFilter | null | undefined;
  /** MiB. */
  minRam?: IntFilter | null | undefined;
  /** Name of the image. */
  name?: StringFilter | null | undefined;
  /** This does not hold. */
  not?: ImageFilter | null | undefined;
  /** One of these holds. */
  or?: Array<ImageFilter> | null | undefined;
  /** Project that owns it. */
  owner?: StringFilter | null | undefined;
  /** Every one must hold, on the same image; a name may stand more than once. */
  properties?: Array<PropertyFilter> | null | undefined;
  /** Whether it is protected from deletion. */
  protected?: boolean | null | undefined;
  /**
   * Images shared with a project, by the state of the membership. At the top of where, or in its and, PENDING or
   * REJECTED for the own project also brings those.
   */
  sharedWith?: SharedWithFilter | null | undefined;
  /** What is known of its signature; null when none of its properties speaks of one. */
  signature?: SignatureStateFilter | null | undefined;
  /** Bytes stored. */
  size?: BigIntFilter | null | undefined;
  /** Where it is in its life. */
  status?: ImageStatusFilter | null | undefined;
  /** Some active copy is in a store of such a name; not: {store: ...} means none is. */
  store?: StringFilter | null | undefined;
  /** Its tags. */
  tags?: TagsFilter | null | undefined;
  /** When a field of it last changed. */
  updatedAt?: DateTimeFilter | null | undefined;
  /** Bytes of the disk inside. */
  virtualSize?: BigIntFilter | null | undefined;
  /** Who sees it. At the top of where, or in its and, COMMUNITY also brings those of other projects. */
  visibility?: ImageVisibilityFilter | null | undefined;
};

/** What the image is for, derived when it is written: snapshots no longer drown real images in a search. */
export type ImageKind =
  /** A rotated backup of an instance: image_type=backup. */
  | 'BACKUP'
  /** Something to boot from. */
  | 'IMAGE'
  /** Kernel of a machine image: diskFormat AKI. */
  | 'KERNEL'
  /** Ramdisk of a machine image: diskFormat ARI. */
  | 'RAMDISK'
  /** A picture of an instance: image_type=snapshot, or instance_uuid is set. */
  | 'SNAPSHOT'
  /** Points to snapshots of volumes: block_device_mapping is set. */
  | 'VOLUME_SNAPSHOT'
  | '%future added value';

/** A condition on a choice. */
export type ImageKindFilter = {
  /** Equal to this. */
  eq?: ImageKind | null | undefined;
  /** Equal to one of these; an empty list matches nothing. */
  in?: Array<ImageKind> | null | undefined;
  /** Has a value, and not this one. */
  ne?: ImageKind | null | undefined;
  /** Has a value, and none of these; an empty list matches every value. */
  notIn?: Array<ImageKind> | null | undefined;
};

/** Where an image is in its life. DELETED is only seen where a deletion is reported; KILLED comes only with old imported data. */
export type ImageStatus =
  /** Has its data, which never changes again. */
  | 'ACTIVE'
  /** Has its data, which only an admin can download for now. */
  | 'DEACTIVATED'
  /** Is gone. */
  | 'DELETED'
  /** An import is at work. */
  | 'IMPORTING'
  /** An upload of an old service failed; only with imported data. */
  | 'KILLED'
  /** Will be gone; only with imported data. */
  | 'PENDING_DELETE'
  /** Registered; waits for its data. */
  | 'QUEUED'
  /** Its data is being uploaded. */
  | 'SAVING'
  /** Its data is being staged, or is staged and waits for an import. */
  | 'UPLOADING'
  | '%future added value';

/** A condition on a choice. */
export type ImageStatusFilter = {
  /** Equal to this. */
  eq?: ImageStatus | null | undefined;
  /** Equal to one of these; an empty list matches nothing. */
  in?: Array<ImageStatus> | null | undefined;
  /** Has a value, and not this one. */
  ne?: ImageStatus | null | undefined;
  /** Has a value, and none of these; an empty list matches every value. */
  notIn?: Array<ImageStatus> | null | undefined;
};

/** Who sees an image. */
export type ImageVisibility =
  /** Everybody, but in the lists of others only when they ask for it. */
  | 'COMMUNITY'
  /** Its project. */
  | 'PRIVATE'
  /** Everybody, in their lists. */
  | 'PUBLIC'
  /** Its project, and those it is shared with. */
  | 'SHARED'
  | '%future added value';

/** A condition on a choice. */
export type ImageVisibilityFilter = {
  /** Equal to this. */
  eq?: ImageVisibility | null | undefined;
  /** Equal to one of these; an empty list matches nothing. */
  in?: Array<ImageVisibility> | null | undefined;
  /** Has a value, and not this one. */
  ne?: ImageVisibility | null | undefined;
  /** Has a value, and none of these; an empty list matches every value. */
  notIn?: Array<ImageVisibility> | null | undefined;
};

/** A condition on a whole number. */
export type IntFilter = {
  /** Equal to this. */
  eq?: number | null | undefined;
  /** More than this. */
  gt?: number | null | undefined;
  /** This or more. */
  gte?: number | null | undefined;
  /** Equal to one of these; an empty list matches nothing. */
  in?: Array<number> | null | undefined;
  /** Less than this. */
  lt?: number | null | undefined;
  /** This or less. */
  lte?: number | null | undefined;
  /** Has a value, and not this one. */
  ne?: number | null | undefined;
  /** Has a value, and none of these; an empty list matches every value. */
  notIn?: Array<number> | null | undefined;
};

/** What a project answered to an image that is shared with it. */
export type MemberStatus =
  /** It finds the image in its list. */
  | 'ACCEPTED'
  /** Nothing yet: it can use the image by id, but does not find it in its list. */
  | 'PENDING'
  /** It does not want it. */
  | 'REJECTED'
  | '%future added value';

/**
 * A condition on one custom property. Give the view of the value that the comparison needs. A value that cannot
 * be read that way does not match, nor does a missing property. Several views must all hold. name alone means
 * exists: true. exists: false finds images without it and stands alone; text: {isNull: true} means the same.
 */
export type PropertyFilter = {
  /** The value as OpenStack reads it: true/yes/on/1 and false/no/off/0, in any case. */
  boolean?: boolean | null | undefined;
  /** The value as a list. */
  elements?: ElementsFilter | null | undefined;
  /** true: the image has it; false: it does not. */
  exists?: boolean | null | undefined;
  /** Name of the property. */
  name: string;
  /** The value as a decimal number; sign and exponent allowed. */
  number?: FloatFilter | null | undefined;
  /** The value as it is stored. */
  text?: StringFilter | null | undefined;
  /** The value as a version. */
  version?: VersionFilter | null | undefined;
};

/** A custom property. A name given twice in one list is a ValidationError. */
export type PropertyInput = {
  /** Up to 255 characters; not one of the base fields, not os_glance*. */
  name: string;
  /** Up to 64 KiB. */
  value: string;
};

/**
 * Images shared with a project. Another project's memberships are seen only on images that the caller's project
 * owns.
 */
export type SharedWithFilter = {
  /** The project; left out, the caller's. */
  project?: string | null | undefined;
  /** What it answered; left out, anything. */
  status?: MemberStatus | null | undefined;
};

/** What is known of the signature of an image that has one. */
export type SignatureState =
  /** It was not: there are no bytes yet, signatures are not checked here, or its properties were set or changed after the bytes came. */
  | 'UNCHECKED'
  /** It was checked, by a trusted certificate, for these bytes and the properties as they are now. */
  | 'VALID'
  | '%future added value';

/** A condition on a choice. */
export type SignatureStateFilter = {
  /** Equal to this. */
  eq?: SignatureState | null | undefined;
  /** Equal to one of these; an empty list matches nothing. */
  in?: Array<SignatureState> | null | undefined;
  /** true: there is no value; false: there is one. */
  isNull?: boolean | null | undefined;
  /** Has a value, and not this one. */
  ne?: SignatureState | null | undefined;
  /** Has a value, and none of these; an empty list matches every value. */
  notIn?: Array<SignatureState> | null | undefined;
};

/**
 * ignoreCase applies to every operator beside it. contains, startsWith and endsWith take text as it is,
 * without wildcards. matches is a POSIX extended regular expression that may match anywhere; a bad one is refused. Text compares and sorts by Unicode code point.
 */
export type StringFilter = {
  /** Has this somewhere. */
  contains?: string | null | undefined;
  /** Ends with this. */
  endsWith?: string | null | undefined;
  /** Equal to this. */
  eq?: string | null | undefined;
  /** Upper and lower case are the same. */
  ignoreCase?: boolean | null | undefined;
  /** Equal to one of these; an empty list matches nothing. */
  in?: Array<string> | null | undefined;
  /** true: there is no value; false: there is one. */
  isNull?: boolean | null | undefined;
  /** A POSIX extended regular expression matches somewhere; one that is none is refused. */
  matches?: string | null | undefined;
  /** Has a value, and not this one. */
  ne?: string | null | undefined;
  /** Has a value, and none of these; an empty list matches every value. */
  notIn?: Array<string> | null | undefined;
  /** Begins with this. */
  startsWith?: string | null | undefined;
};

/** Whole tags, case as it stands. */
export type TagsFilter = {
  /** Has this tag. */
  has?: string | null | undefined;
  /** Has all of these; an empty list matches every image. */
  hasAll?: Array<string> | null | undefined;
  /** Has one of these; an empty list matches nothing. */
  hasAny?: Array<string> | null | undefined;
  /** Has none of these; an empty list matches every image. */
  hasNone?: Array<string> | null | undefined;
  /** true: has no tag; false: has some. */
  isEmpty?: boolean | null | undefined;
};

/**
 * A field left out stays as it is; null clears name, diskFormat and containerFormat, and is a ValidationError
 * elsewhere. All or nothing.
 */
export type UpdateImageInput = {
  /** Those that are there already are no error. */
  addTags?: Array<string> | null | undefined;
  /** Only before there is data. */
  containerFormat?: ContainerFormat | null | undefined;
  /** Only before there is data. */
  diskFormat?: DiskFormat | null | undefined;
  /** Whether lists leave it out. */
  hidden?: boolean | null | undefined;
  /** The image. */
  id: string;
  /** Refused with REVISION_MISMATCH unless the image is at this revision; left out, the last writer wins. */
  ifRevision?: number | null | undefined;
  /** GiB. */
  minDisk?: number | null | undefined;
  /** MiB. */
  minRam?: number | null | undefined;
  /** Up to 255 characters. */
  name?: string | null | undefined;
  /** Only an admin. */
  owner?: string | null | undefined;
  /** All custom properties anew; not together with setProperties or removeProperties. */
  properties?: Array<PropertyInput> | null | undefined;
  /** Whether it can be deleted. */
  protected?: boolean | null | undefined;
  /** Those that are not there are no error; a name also in setProperties is. */
  removeProperties?: Array<string> | null | undefined;
  /** Those that are not there are no error. */
  removeTags?: Array<string> | null | undefined;
  /** Adds or changes these; the others stay. */
  setProperties?: Array<PropertyInput> | null | undefined;
  /** All tags anew; not together with addTags or removeTags. */
  tags?: Array<string> | null | undefined;
  /** PUBLIC only by an admin. */
  visibility?: ImageVisibility | null | undefined;
};

/**
 * Versions are compared part by part, numbers as numbers, pre-releases before releases:
 * 9.10 > 9.9 > 9.9-rc1 and 1.0-1ubuntu2 > 1.0-1 > 1.0 > 1.0~rc1. An operand that is no version is refused.
 */
export type VersionFilter = {
  /** Equal to this. */
  eq?: string | null | undefined;
  /** More than this. */
  gt?: string | null | undefined;
  /** This or more. */
  gte?: string | null | undefined;
  /** Equal to one of these; an empty list matches nothing. */
  in?: Array<string> | null | undefined;
  /** Less than this. */
  lt?: string | null | undefined;
  /** This or less. */
  lte?: string | null | undefined;
  /** Has a value, and not this one. */
  ne?: string | null | undefined;
  /** Has a value, and none of these; an empty list matches every value. */
  notIn?: Array<string> | null | undefined;
};

export type CreateForMainJobMutationVariables = Exact<{
  input: CreateImageInput;
}>;


export type CreateForMainJobMutation = { createImage:
    | { __typename: 'ConflictError', code: string, message: string }
    | { __typename: 'CreateImagePayload', image: { id: string, status: ImageStatus } }
    | { __typename: 'ForbiddenError', code: string, message: string }
    | { __typename: 'QuotaExceededError', code: string, message: string }
    | { __typename: 'ValidationError', code: string, message: string }
   | null };

export type FindForMainJobQueryVariables = Exact<{
  where?: ImageFilter | null | undefined;
}>;


export type FindForMainJobQuery = { images: { totalCount: number | null, totalSize: number | null, nodes: Array<{ id: string, name: string | null, status: ImageStatus, size: number | null, checksum: string | null, digests: Array<{ algorithm: string, value: string }>, copies: Array<{ state: ImageCopyState, size: number | null, store: { name: string } }>, download: { url: string } | null }> } | null };

export type CreateImageMutationVariables = Exact<{
  input: CreateImageInput;
}>;


export type CreateImageMutation = { createImage:
    | { __typename: 'ConflictError', code: string, message: string }
    | { __typename: 'CreateImagePayload', image: { id: string, name: string | null, status: ImageStatus, visibility: ImageVisibility, owner: string | null, kind: ImageKind, diskFormat: DiskFormat | null, containerFormat: ContainerFormat | null, minDisk: number, minRam: number, protected: boolean, hidden: boolean, tags: Array<string>, revision: number, createdAt: string, updatedAt: string, properties: Array<{ name: string, value: string }> } }
    | { __typename: 'ForbiddenError', code: string, message: string }
    | { __typename: 'QuotaExceededError', code: string, message: string, resource: string, limit: number, requested: number }
    | { __typename: 'ValidationError', code: string, message: string, issues: Array<{ path: Array<string>, code: string, message: string, suggestion: string | null }> }
   | null };

export type UpdateImageMutationVariables = Exact<{
  input: UpdateImageInput;
}>;


export type UpdateImageMutation = { updateImage:
    | { __typename: 'ConflictError', code: string, message: string, currentRevision: number | null }
    | { __typename: 'ForbiddenError', code: string, message: string }
    | { __typename: 'NotFoundError', code: string, message: string }
    | { __typename: 'QuotaExceededError', code: string, message: string, resource: string, limit: number, requested: number }
    | { __typename: 'UpdateImagePayload', image: { id: string, name: string | null, kind: ImageKind, visibility: ImageVisibility, diskFormat: DiskFormat | null, tags: Array<string>, revision: number, updatedAt: string, properties: Array<{ name: string, value: string }> } }
    | { __typename: 'ValidationError', code: string, message: string, issues: Array<{ path: Array<string>, code: string }> }
   | null };

export class TypedDocumentString<TResult, TVariables>
  extends String
  implements DocumentTypeDecoration<TResult, TVariables>
{
  __apiType?: NonNullable<DocumentTypeDecoration<TResult, TVariables>['__apiType']>;
  private value: string;
  public __meta__?: Record<string, any> | undefined;

  constructor(value: string, __meta__?: Record<string, any> | undefined) {
    super(value);
    this.value = value;
    this.__meta__ = __meta__;
  }

  override toString(): string & DocumentTypeDecoration<TResult, TVariables> {
    return this.value;
  }
}

export const CreateForMainJobDocument = new TypedDocumentString(`
    mutation CreateForMainJob($input: CreateImageInput!) {
  createImage(input: $input) {
    __typename
    ... on CreateImagePayload {
      image {
        id
        status
      }
    }
    ... on Error {
      code
      message
    }
  }
}
    `) as unknown as TypedDocumentString<CreateForMainJobMutation, CreateForMainJobMutationVariables>;
export const FindForMainJobDocument = new TypedDocumentString(`
    query FindForMainJob($where: ImageFilter) {
  images(where: $where) {
    totalCount
    totalSize
    nodes {
      id
      name
      status
      size
      checksum
      digests {
        algorithm
        value
      }
      copies {
        store {
          name
        }
        state
        size
      }
      download {
        url
      }
    }
  }
}
    `) as unknown as TypedDocumentString<FindForMainJobQuery, FindForMainJobQueryVariables>;
export const CreateImageDocument = new TypedDocumentString(`
    mutation CreateImage($input: CreateImageInput!) {
  createImage(input: $input) {
    __typename
    ... on CreateImagePayload {
      image {
        id
        name
        status
        visibility
        owner
        kind
        diskFormat
        containerFormat
        minDisk
        minRam
        protected
        hidden
        tags
        revision
        createdAt
        updatedAt
        properties {
          name
          value
        }
      }
    }
    ... on Error {
      code
      message
    }
    ... on ValidationError {
      issues {
        path
        code
        message
        suggestion
      }
    }
    ... on QuotaExceededError {
      resource
      limit
      requested
    }
  }
}
    `) as unknown as TypedDocumentString<CreateImageMutation, CreateImageMutationVariables>;
export const UpdateImageDocument = new TypedDocumentString(`
    mutation UpdateImage($input: UpdateImageInput!) {
  updateImage(input: $input) {
    __typename
    ... on UpdateImagePayload {
      image {
        id
        name
        kind
        visibility
        diskFormat
        tags
        revision
        updatedAt
        properties {
          name
          value
        }
      }
    }
    ... on Error {
      code
      message
    }
    ... on ConflictError {
      currentRevision
    }
    ... on ValidationError {
      issues {
        path
        code
      }
    }
    ... on QuotaExceededError {
      resource
      limit
      requested
    }
  }
}
    `) as unknown as TypedDocumentString<UpdateImageMutation, UpdateImageMutationVariables>;
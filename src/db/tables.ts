/**
 * The tables, as drizzle reads them for migrations and typed statements. Indexes that drizzle cannot say
 * (operator classes, partial ones) stand in the SQL of the migrations too, never only by hand.
 *
 * Every text that is compared or sorted has the collation "C", so that order and cursors do not depend on the
 * locale of the database. There is no btree on text without a bound.
 */
import { sql } from 'drizzle-orm';
import {
  bigint,
  boolean,
  check,
  customType,
  doublePrecision,
  foreignKey,
  index,
  integer,
  jsonb,
  pgTable,
  primaryKey,
  uniqueIndex,
  uuid,
} from 'drizzle-orm/pg-core';
import type { Actor, ActorKind, AuditChange, AuditObjectType, AuditResult } from '../domain/audit.ts';
import type { DigestState } from '../domain/blocks.ts';
import type {
  ContainerFormat,
  CopyDamage,
  CopyState,
  DigestAlgorithm,
  DiskFormat,
  ImageFailure,
  ImageKind,
  ImageStatus,
  ImageVisibility,
  Instant,
  MemberStatus,
  StagingState,
} from '../domain/image.ts';
import type { ImportOrder } from '../domain/import.ts';
import type { ImageInspection } from '../domain/inspection.ts';
import type { QuotaResource } from '../domain/quota.ts';
import type { SignatureRecord } from '../domain/signature.ts';
import type { TaskStatus, TaskType } from '../domain/task.ts';
import { instantFromText } from './client.ts';

export const text = customType<{ data: string }>({ dataType: () => 'text collate "C"' });
export const textArray = customType<{ data: string[] }>({ dataType: () => 'text[] collate "C"' });
const bytes = customType<{ data: Uint8Array }>({ dataType: () => 'bytea' });
export const instant = customType<{ data: Instant; driverData: string }>({
  dataType: () => 'timestamp(6) with time zone',
  fromDriver: instantFromText,
});

export const images = pgTable(
  'images',
  {
    id: uuid().primaryKey(),
    name: text(),
    status: text().$type<ImageStatus>().notNull(),
    visibility: text().$type<ImageVisibility>().notNull(),
    owner: text(),
    kind: text().$type<ImageKind>().notNull(),
    diskFormat: text('disk_format').$type<DiskFormat>(),
    containerFormat: text('container_format').$type<ContainerFormat>(),
    size: bigint({ mode: 'number' }),
    virtualSize: bigint('virtual_size', { mode: 'number' }),
    minDisk: integer('min_disk').notNull().default(0),
    minRam: integer('min_ram').notNull().default(0),
    checksum: text(),
    digests: jsonb().$type<Record<string, string>>().notNull().default({}),
    protected: boolean().notNull().default(false),
    hidden: boolean().notNull().default(false),
    tags: textArray().notNull().default(sql`'{}'`),
    properties: jsonb().$type<Record<string, string>>().notNull().default({}),
    /** Why the last upload or import failed, until the next one works. */
    failure: jsonb().$type<ImageFailure>(),
    inspection: jsonb().$type<ImageInspection>(),
    /** Of a signature that was good; it says nothing of other properties than its own (vitrine_signature_state). */
    signature: jsonb().$type<SignatureRecord>(),
    revision: integer().notNull().default(1),
    /** Who is writing the bytes now: grows with every claim; a stale writer's number no longer fits. */
    attempt: integer().notNull().default(0),
    /** Until when that writer need not be asked whether it lives; null when nobody writes. */
    leaseUntil: instant('lease_until'),
    createdAt: instant('created_at').notNull().default(sql`now()`),
    updatedAt: instant('updated_at').notNull().default(sql`now()`),
    /** What bare words are looked for in: lower case, a line for the name, each tag and each describing property. */
    searchText: text('search_text').generatedAlwaysAs(sql`vitrine_search_text(name, tags, properties)`),
  },
  (t) => [
    check('images_visibility', sql`${t.visibility} in ('public', 'community', 'shared', 'private')`),
    // What orders a list is plain ascending with id after it: read backward it serves the other direction.
    // The migration has visibility, owner and hidden INCLUDEd in those by time and by name, and the name by time.
    index('images_created').on(t.createdAt, t.id),
    index('images_updated').on(t.updatedAt, t.id),
    index('images_name').on(t.name, t.id),
    index('images_size').on(t.size, t.id),
    index('images_owner_created').on(t.owner, t.createdAt, t.id),
    index('images_owner_name').on(t.owner, t.name, t.id),
    index('images_public_created')
      .on(t.visibility, t.createdAt, t.id)
      .where(sql`visibility in ('public', 'community')`),
    index('images_public_name')
      .on(t.visibility, t.name, t.id)
      .where(sql`visibility in ('public', 'community')`),
    // Equal entries are stored once, so that all images are counted by a few pages of it.
    index('images_audience').on(t.visibility, t.owner, t.hidden),
    index('images_kind_created').on(t.kind, t.createdAt, t.id),
    index('images_properties').using('gin', sql`properties jsonb_path_ops`),
    index('images_tags').using('gin', t.tags),
    index('images_name_trgm').using('gin', sql`name gin_trgm_ops`),
    index('images_search_text').using('gin', sql`search_text gin_trgm_ops`),
    // The migration has the expression of this one: all marks of an image, in one list.
    index('images_marks').using(
      'gin',
      sql`vitrine_marks(name, tags, properties, search_text, checksum, digests, visibility, owner)`,
    ),
    // Of what is signed, in the order of time. The migration has statistics of the states beside it.
    index('images_signed')
      .on(t.createdAt, t.id)
      .where(sql`vitrine_signature_state(properties, signature) is not null`),
    index('images_lease').on(t.leaseUntil).where(sql`lease_until is not null`),
  ],
);

/**
 * What an image can be found by, as hashes in the order of time: each tag, each value of a property, each word of
 * its search text, the beginning of each digest. The images with one of these, newest first, are a piece of the
 * index. Kept by triggers on `images`; hashes may be equal, so that what is found is looked at again.
 */
export const terms = pgTable(
  'image_terms',
  {
    term: bigint({ mode: 'bigint' }).notNull(),
    createdAt: instant('created_at').notNull(),
    imageId: uuid('image_id').notNull(),
    /** Who may see it, roughly: 0 all, 1 to 65536 all who ask for community images, otherwise a hash of the owner. */
    audience: integer().notNull(),
  },
  (t) => [
    index('image_terms_newest').on(t.term, t.createdAt, t.imageId, t.audience),
    index('image_terms_audience').on(t.audience, t.term, t.createdAt, t.imageId),
  ],
);

/**
 * Every word of a search text (no name), and every value of the hot properties, read as a number and as a version:
 * what a part of a word or a range is turned into terms with. Words that are no longer used stay: they only find
 * nothing.
 */
export const vocabulary = pgTable(
  'image_vocabulary',
  {
    name: text().notNull(),
    value: text().notNull(),
    number: doublePrecision().generatedAlwaysAs(sql`case when name <> '' then vitrine_number(value) end`),
    version: text().generatedAlwaysAs(sql`case when name <> '' then vitrine_version(value) end`),
  },
  (t) => [
    primaryKey({ columns: [t.name, t.value] }),
    index('image_vocabulary_words').using('gin', sql`value gin_trgm_ops`).where(sql`name = ''`),
  ],
);

/**
 * How many images have a value of a property: by what decides who sees them, so that the values of all that a caller
 * sees are counted without looking at the images. Name '' is every image. Kept by triggers on `images` that only add
 * rows, so that no two writers wait for each other; those not merged yet are added up by the reaper.
 */
export const valueCounts = pgTable(
  'image_value_counts',
  {
    name: text().notNull(),
    /** Null: longer than 512 bytes. */
    value: text(),
    visibility: text().notNull(),
    owner: text(),
    hidden: boolean().notNull(),
    /** Of a row that is not merged: more, or fewer when negative. */
    images: bigint({ mode: 'number' }).notNull(),
    merged: boolean().notNull().default(false),
  },
  (t) => [
    // The migration has NULLS NOT DISTINCT, since null owners and values are equal, and the number INCLUDEd.
    uniqueIndex('image_value_counts_merged')
      .on(t.name, t.value, t.visibility, t.owner, t.hidden)
      .where(sql`merged`),
    index('image_value_counts_new').on(t.name).where(sql`not merged`),
    index('image_value_counts_none').on(t.name).where(sql`images = 0`),
  ],
);

/** Properties with indexes of their own, by `vitrine index` and the setting search.hotProperties. */
export const hotProperties = pgTable('hot_properties', { name: text().primaryKey() });

/** Ids of images that are gone: rows are deleted hard, and no id comes again. */
export const tombstones = pgTable('image_tombstones', {
  id: uuid().primaryKey(),
  owner: text(),
  deletedAt: instant('deleted_at').notNull().default(sql`now()`),
});

export const members = pgTable(
  'image_members',
  {
    imageId: uuid('image_id')
      .notNull()
      .references(() => images.id, { onDelete: 'cascade' }),
    project: text().notNull(),
    status: text().$type<MemberStatus>().notNull().default('pending'),
    createdAt: instant('created_at').notNull().default(sql`now()`),
    updatedAt: instant('updated_at').notNull().default(sql`now()`),
    /** The image's, kept by triggers: what is shared with a project in the order of time. */
    imageCreatedAt: instant('image_created_at').notNull().default(sql`'-infinity'`),
  },
  (t) => [
    primaryKey({ columns: [t.imageId, t.project] }),
    index('image_members_who').on(t.project, t.status, t.imageCreatedAt, t.imageId),
  ],
);

/**
 * The bytes of an image in a store, from the claim on: the row is there before the first byte, so an object
 * without a row never gets one.
 */
export const copies = pgTable(
  'image_copies',
  {
    id: uuid().primaryKey().defaultRandom(),
    imageId: uuid('image_id').notNull(),
    store: text().notNull(),
    /** Unique per attempt; says nothing about the image to who reads the store. */
    key: text().notNull(),
    state: text().$type<CopyState | StagingState>().notNull(),
    size: bigint({ mode: 'number' }),
    /** The task that makes it, if one does. */
    taskId: uuid('task_id'),
    createdAt: instant('created_at').notNull().default(sql`now()`),
    verifiedAt: instant('verified_at'),
    /** How often in a row it could not be read although its store answers, and when that was last. */
    unreadTimes: integer('unread_times').notNull().default(0),
    unreadAt: instant('unread_at'),
    /** What is wrong with it; the state is failed then. Null: nothing that is known. */
    damage: jsonb().$type<CopyDamage>(),
    /** Of one that is written to take the place of a damaged one: until when its writer need not be asked. */
    leaseUntil: instant('lease_until'),
    /** The image's, kept by triggers: whose quota counts it. */
    owner: text(),
    /** What the quota counts: reserved while it is written, and its size from then on, by a trigger. */
    bytes: bigint({ mode: 'number' }).notNull().default(0),
  },
  (t) => [
    uniqueIndex('image_copies_once')
      .on(t.imageId, t.store)
      .where(sql`state in ('pending', 'uploading', 'active')`),
    index('image_copies_task').on(t.taskId).where(sql`task_id is not null`),
    index('image_copies_staged').on(t.createdAt).where(sql`state = 'staged'`),
    // What is to be read again next, what never was, what is damaged, and who writes in place of it.
    index('image_copies_store_due')
      .on(t.store, sql`coalesce(verified_at, created_at)`, t.id)
      .where(sql`state = 'active'`),
    index('image_copies_unverified').on(t.createdAt).where(sql`state = 'active' and verified_at is null`),
    index('image_copies_damaged').on(t.store).where(sql`damage is not null`),
    index('image_copies_lease').on(t.leaseUntil).where(sql`lease_until is not null`),
    foreignKey({ columns: [t.imageId], foreignColumns: [images.id] }).onDelete('cascade'),
    index('image_copies_image').on(t.imageId),
    index('image_copies_object').on(t.store, t.key),
    // Images that are being written or wait staged, by project.
    index('image_copies_writing')
      .on(t.owner, t.imageId)
      .where(sql`state in ('pending', 'uploading', 'staging', 'staged') and lease_until is null`),
  ],
);

/**
 * Resumable uploads: what has come, and what is needed to go on from there on any machine. An upload is open as long
 * as its image is being saved by its attempt, and done when its copy is active; its claim lasts until it expires.
 */
export const uploads = pgTable(
  'uploads',
  {
    /** Random and secret: who knows it may send. */
    id: text().primaryKey(),
    imageId: uuid('image_id')
      .notNull()
      .references(() => images.id, { onDelete: 'cascade' }),
    attempt: integer().notNull(),
    store: text().notNull(),
    key: text().notNull(),
    /** Bytes that will come; null as long as nobody said. */
    length: bigint({ mode: 'number' }),
    /** Bytes that are here, as of the last pause. */
    received: bigint({ mode: 'number' }).notNull().default(0),
    /** Digests that the bytes must have. */
    expected: jsonb().$type<{ algorithm: DigestAlgorithm; value: string }[]>().notNull(),
    /** The header Upload-Metadata, given back as it came. */
    metadata: text(),
    /** What the store's driver goes on with, and the last bytes, which it does not take in so small a piece. */
    writeState: jsonb('write_state').$type<unknown>(),
    tail: bytes(),
    /** The digests of what is here, as far as they are computed: base64 by algorithm. */
    digestState: jsonb('digest_state').$type<DigestState>(),
    /** Fences who appends: grows with every request that does. */
    turn: integer().notNull().default(0),
    /** Until when that request need not be asked whether it lives; null when there is none. */
    heldUntil: instant('held_until'),
    expiresAt: instant('expires_at').notNull(),
    createdAt: instant('created_at').notNull().default(sql`now()`),
    /** Who began it: its end is said to be theirs. The default is for servers of a version that does not know it. */
    begunBy: jsonb('begun_by')
      .$type<Actor>()
      .notNull()
      .default({ kind: 'link', user: null, project: null, roles: [], requestId: null }),
  },
  (t) => [index('uploads_image').on(t.imageId), index('uploads_expiry').on(t.expiresAt)],
);

/**
 * What the blocks of an image have to be, `blocksAtOnce` of them in a row; those of all its copies are the same. Beside
 * the image, of whose rows they would make large ones. Written when it is published, or when its bytes are first read.
 */
export const imageBlocks = pgTable(
  'image_blocks',
  {
    imageId: uuid('image_id')
      .notNull()
      .references(() => images.id, { onDelete: 'cascade' }),
    /** Which blocks: from part * blocksAtOnce on. */
    part: integer().notNull(),
    /** XXH64, 8 bytes each. */
    sums: bytes().notNull(),
    /** SHA-256, 32 bytes each; null until they are computed, in the background. */
    digests: bytes(),
  },
  (t) => [primaryKey({ columns: [t.imageId, t.part] })],
);

/** Objects that nobody needs any more, until they are removed; or that no row claims, since they were seen. */
export const strays = pgTable(
  'stray_objects',
  {
    store: text().notNull(),
    key: text().notNull(),
    /** True: a row gave it up, it goes at once. False: found without a row, it goes after the grace time. */
    released: boolean().notNull(),
    seenAt: instant('seen_at').notNull().default(sql`now()`),
    /** What it counts in whose quota until it is removed: set by a trigger when its copy goes. */
    owner: text(),
    bytes: bigint({ mode: 'number' }).notNull().default(0),
    staged: boolean().notNull().default(false),
    /** Until when somebody may still write it: its image was deleted meanwhile. */
    heldUntil: instant('held_until'),
  },
  (t) => [
    primaryKey({ columns: [t.store, t.key] }),
    index('stray_objects_owner').on(t.owner).where(sql`owner is not null`),
  ],
);

/**
 * Bytes of each project: those of its copies and of what it deleted and is not removed yet. Kept by triggers on both
 * that only add rows, so that no two writers wait for each other; the reaper adds up those not merged yet.
 */
export const projectUsage = pgTable(
  'project_usage',
  {
    owner: text().notNull(),
    /** In the staging area. */
    staged: boolean().notNull(),
    /** Of a row that is not merged: more, or fewer when negative. */
    bytes: bigint({ mode: 'number' }).notNull(),
    merged: boolean().notNull().default(false),
  },
  (t) => [
    // The migration has the number INCLUDEd.
    uniqueIndex('project_usage_merged').on(t.owner, t.staged).where(sql`merged`),
    index('project_usage_new').on(t.owner).where(sql`not merged`),
  ],
);

/** Limits of single projects, in place of those of the settings. */
export const projectQuotas = pgTable(
  'project_quotas',
  {
    project: text().notNull(),
    resource: text().$type<QuotaResource>().notNull(),
    /** Null: none, whatever the settings say. */
    limit: bigint('max_amount', { mode: 'number' }),
    setBy: text('set_by'),
    setAt: instant('set_at').notNull().default(sql`now()`),
  },
  (t) => [primaryKey({ columns: [t.project, t.resource] })],
);

/** Work that goes on after its request was answered, as users see it; the queue only says when a worker takes it up. */
export const tasks = pgTable(
  'tasks',
  {
    id: uuid().primaryKey().defaultRandom(),
    type: text().$type<TaskType>().notNull(),
    status: text().$type<TaskStatus>().notNull().default('pending'),
    /** No foreign key: a task outlives its image. */
    imageId: uuid('image_id'),
    owner: text(),
    /** The name by which workers of the queue choose what they can do. */
    queue: text().notNull(),
    /** What is to be done, secrets and all; null once it is over. */
    order: jsonb().$type<ImportOrder>(),
    /** The same as everybody may read it. */
    input: jsonb(),
    result: jsonb(),
    message: text(),
    done: bigint({ mode: 'number' }),
    total: bigint({ mode: 'number' }),
    /** Fences: a later worker has a higher number. */
    attempt: integer().notNull().default(0),
    /** How many attempts failed, and how many were handed on by workers that stopped; of all others the worker died. */
    failures: integer().notNull().default(0),
    stops: integer().notNull().default(0),
    user: text('user_id'),
    requestId: text('request_id'),
    createdAt: instant('created_at').notNull().default(sql`now()`),
    updatedAt: instant('updated_at').notNull().default(sql`now()`),
    expiresAt: instant('expires_at'),
  },
  (t) => [
    index('tasks_image').on(t.imageId, t.createdAt, t.id),
    index('tasks_unfinished').on(t.createdAt).where(sql`status in ('pending', 'processing')`),
    index('tasks_expires').on(t.expiresAt).where(sql`expires_at is not null`),
  ],
);

/**
 * Workers of the queue, by the names that it locks jobs with, and when they last said that they live; also machines
 * that have a staging area of their own, by the names of their queues.
 */
export const workers = pgTable('workers', {
  id: text().primaryKey(),
  seenAt: instant('seen_at').notNull().default(sql`now()`),
});

/** Work that only one may do at a time, on whatever machine: who does it, and until when he need not be asked. */
export const leases = pgTable('leases', {
  name: text().primaryKey(),
  holder: text().notNull(),
  until: instant('held_until').notNull(),
});

/** Secrets and facts of this installation: the key that signs transfer targets. */
export const installation = pgTable('installation', {
  name: text().primaryKey(),
  value: text().notNull(),
});

/**
 * Who changed what, or was not let: an entry is added in the transaction of the change. The migration has triggers that
 * refuse every other change of the table, but for entries that are older than they are kept (db/audit).
 */
export const auditLog = pgTable(
  'audit_log',
  {
    id: bigint({ mode: 'number' }).primaryKey().generatedAlwaysAsIdentity(),
    /** The moment itself, not that of the transaction: entries about one image are in the order of its changes. */
    at: instant().notNull().default(sql`clock_timestamp()`),
    actorKind: text('actor_kind').$type<ActorKind>().notNull(),
    actorUser: text('actor_user'),
    actorProject: text('actor_project'),
    actorRoles: textArray('actor_roles').notNull().default(sql`'{}'`),
    /** Of the robot token, which may be gone. */
    actorRobot: uuid('actor_robot'),
    requestId: text('request_id'),
    action: text().notNull(),
    result: text().$type<AuditResult>().notNull().default('done'),
    objectType: text('object_type').$type<AuditObjectType>().notNull(),
    objectId: text('object_id'),
    objectName: text('object_name'),
    /** The project that it belonged to before. */
    objectOwner: text('object_owner'),
    changes: jsonb().$type<readonly AuditChange[]>().notNull().default([]),
    message: text(),
    times: integer().notNull().default(1),
  },
  (t) => [
    index('audit_log_at').on(t.at, t.id),
    index('audit_log_object').on(t.objectId, t.at, t.id),
    index('audit_log_owner').on(t.objectOwner, t.at, t.id),
    index('audit_log_user').on(t.actorUser, t.at, t.id),
    index('audit_log_project').on(t.actorProject, t.at, t.id),
    index('audit_log_request').on(t.requestId),
  ],
);

/** Robot tokens, without their secrets: what is kept of those finds a token and does not make one. */
export const tokens = pgTable(
  'tokens',
  {
    id: uuid().primaryKey().defaultRandom(),
    /** SHA-256 of the secret, lower-case hex. */
    digest: text().notNull(),
    project: text().notNull(),
    user: text('user_id'),
    name: text().notNull(),
    description: text(),
    roles: textArray().notNull(),
    readOnly: boolean('read_only').notNull().default(false),
    imageFilter: jsonb('image_filter'),
    createdAt: instant('created_at').notNull().default(sql`now()`),
    expiresAt: instant('expires_at'),
    lastUsedAt: instant('last_used_at'),
  },
  (t) => [
    uniqueIndex('tokens_digest').on(t.digest),
    index('tokens_project').on(t.project, t.createdAt, t.id),
  ],
);

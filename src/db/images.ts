/** An image and its row: read as domain values, only as wide as asked; added and changed. */
import { inArray, sql } from 'drizzle-orm';
import type { Caller } from '../domain/caller.ts';
import type { Image, ImageField, MemberStatus } from '../domain/image.ts';
import { tokenFilter } from '../search/token-filter.ts';
import type { Database, Statements } from './client.ts';
import { whoWaits } from './image-visible.ts';
import { newParams, type Params } from './params.ts';
import { hasPatterns } from './patterns.ts';
import { signatureSql } from './signature-state.ts';
import { images } from './tables.ts';
import { tokenFilterSql } from './token-filter.ts';

/** An image with what decides whether the caller may see it: the membership of the caller's project. */
export interface SeenImage extends Image {
  membership: MemberStatus | null;
  /** Where it can be read from: Store.id of each active copy, in the order of their names. */
  stores: string[];
  /** The same with the key of each, where it was asked for: for who may know where the bytes are. */
  places?: { store: string; key: string }[];
}
export type SeenField = keyof SeenImage;

const instantJson = (column: string) =>
  `to_char(${column} at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS.US"Z"')`;

/** Field of the domain -> SQL. Everything of an image in the one statement that reads it. */
const fieldSql: Record<ImageField, string> = {
  id: 'i.id',
  name: 'i.name',
  kind: 'i.kind',
  status: 'i.status',
  visibility: 'i.visibility',
  owner: 'i.owner',
  diskFormat: 'i.disk_format',
  containerFormat: 'i.container_format',
  size: 'i.size',
  virtualSize: 'i.virtual_size',
  minDisk: 'i.min_disk',
  minRam: 'i.min_ram',
  checksum: 'i.checksum',
  digests: 'i.digests',
  protected: 'i.protected',
  hidden: 'i.hidden',
  tags: 'i.tags',
  properties: 'i.properties',
  copies: `coalesce((select jsonb_agg(jsonb_build_object(
      'id', c.id, 'store', c.store, 'state', c.state, 'size', c.size,
      'createdAt', ${instantJson('c.created_at')}, 'verifiedAt', ${instantJson('c.verified_at')}) order by c.store, c.id)
    from image_copies c where c.image_id = i.id and c.state not in ('staging', 'staged')), '[]'::jsonb)`,
  failure: 'i.failure',
  inspection: 'i.inspection',
  signature: signatureSql,
  revision: 'i.revision',
  createdAt: 'i.created_at',
  updatedAt: 'i.updated_at',
};

const storesSql = `array(select c.store from image_copies c where c.image_id = i.id and c.state = 'active' order by c.store)`;

const placesSql = `coalesce((select jsonb_agg(jsonb_build_object('store', c.store, 'key', c.key) order by c.created_at, c.id)
  from image_copies c where c.image_id = i.id and c.state = 'active'), '[]'::jsonb)`;

const allFields: readonly SeenField[] = [...(Object.keys(fieldSql) as ImageField[]), 'stores'];

/** The select list for these fields of `images i`. */
export function columnsSql(fields: Iterable<SeenField>, caller: Caller, params: Params): string {
  return [...new Set(fields)].map((field) => `${seenSql(field, caller, params)} as "${field}"`).join(', ');
}

function seenSql(field: SeenField, caller: Caller, params: Params): string {
  if (field === 'membership') return membershipSql(caller, params);
  if (field === 'places') return placesSql;
  return field === 'stores' ? storesSql : fieldSql[field];
}

function membershipSql(caller: Caller, params: Params): string {
  if (caller.project === null) return 'null::text';
  const project = params.add(caller.project, 'text');
  return `(select m.status from image_members m where m.image_id = i.id and m.project = ${project})`;
}

/**
 * Images by id, whoever may see them: the caller of this decides with `canSee`. In no order; missing ones, and those that
 * the caller's token is not for, are left out. `fields` only narrows; what `canSee` needs always comes.
 */
export async function findImagesById(
  db: Database,
  caller: Caller,
  ids: readonly string[],
  fields: readonly SeenField[] = allFields,
): Promise<SeenImage[]> {
  const params = newParams();
  const needed: SeenField[] = ['id', 'status', 'visibility', 'owner', 'protected', 'membership'];
  const columns = columnsSql([...needed, ...fields], caller, params);
  const text = `select ${columns} from images i
    where i.id = any(${params.add(ids, 'uuid[]')}) and ${tokenFilterSql(caller, params)}`;
  // With a filter the text is one of many, and may take its time.
  const filter = tokenFilter(caller);
  if (!filter) return db.query<SeenImage>(text, params.values);
  const costlyFor = hasPatterns([filter]) ? whoWaits(caller) : undefined;
  return db.search<SeenImage>(text, params.values, { costlyFor });
}

/** What the image says that its bytes are; nothing of one that is gone. */
export async function findFormats(
  db: Database,
  id: string,
): Promise<Pick<Image, 'diskFormat' | 'containerFormat'>> {
  const text = `select disk_format as "diskFormat", container_format as "containerFormat" from images where id = $1::uuid`;
  const [row] = await db.query<Pick<Image, 'diskFormat' | 'containerFormat'>>(text, [id]);
  return row ?? { diskFormat: null, containerFormat: null };
}

/** All properties of an image, whoever may read them; none of one that is gone. */
export async function findProperties(db: Database, id: string): Promise<Image['properties']> {
  const text = 'select properties from images where id = $1::uuid';
  const [row] = await db.query<Pick<Image, 'properties'>>(text, [id]);
  return row?.properties ?? {};
}

interface Batch {
  ids: Set<string>;
  found: Promise<Map<string, SeenImage>>;
}

const batches = new WeakMap<Database, Map<string, Batch>>();

/**
 * One image by id, as findImagesById; null when it is missing. Those who ask for the same of different images in one
 * turn of the event loop share a statement: to send one costs more than to find an image. Of the caller what is read
 * hangs on the project and the robot token alone, so that two of them share what they get, which nobody changes.
 */
export async function findImageById(
  db: Database,
  caller: Caller,
  id: string,
  fields: readonly SeenField[] = allFields,
): Promise<SeenImage | null> {
  const open = batches.get(db) ?? new Map<string, Batch>();
  batches.set(db, open);
  const same = JSON.stringify([caller.project, caller.robot?.tokenId, fields]);
  const batch = open.get(same) ?? newBatch();
  batch.ids.add(id);
  return (await batch.found).get(id) ?? null;

  function newBatch(): Batch {
    const ids = new Set<string>();
    const found = new Promise<void>(setImmediate).then(async () => {
      open.delete(same);
      const images = await findImagesById(db, caller, [...ids], fields);
      return new Map(images.map((image) => [image.id, image]));
    });
    open.set(same, { ids, found });
    return { ids, found };
  }
}

/** What a write must know of an image: its row, locked until the transaction ends; null when it is gone. */
export async function lockImage(tx: Statements, id: string): Promise<ImageRow | null> {
  const [row] = await tx
    .select()
    .from(images)
    .where(inArray(images.id, [id]))
    .for('update');
  return row ?? null;
}

export type ImageRow = typeof images.$inferSelect;
export type NewImageRow = typeof images.$inferInsert;
export type ImageChange = Partial<Omit<NewImageRow, 'id' | 'revision' | 'createdAt' | 'updatedAt'>>;

/** Adds an image. @throws a unique violation (23505) when the id is taken now */
export async function insertImage(tx: Statements, row: NewImageRow): Promise<void> {
  await tx.insert(images).values(row);
}

/** Changes fields of an image: its revision grows by one. */
export async function updateImageRow(tx: Statements, id: string, change: ImageChange): Promise<void> {
  await tx
    .update(images)
    .set({ ...change, revision: sql`${images.revision} + 1`, updatedAt: sql`now()` })
    .where(inArray(images.id, [id]));
}

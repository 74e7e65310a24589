/** The whole catalog, read once from front to back in one snapshot, a batch at a time. */
import type { DatabaseAddress } from './client.ts';
import { instantFromText } from './client.ts';
import type { LoadedImage } from './load-rows.ts';
import { openPool } from './pool.ts';

const batch = 2_000;

// Instants and numbers of eight bytes come as text.
const imagesSql = `
select id, name, status, visibility, owner, kind, disk_format as "diskFormat", container_format as "containerFormat",
  size, virtual_size as "virtualSize", min_disk as "minDisk", min_ram as "minRam", checksum, digests, protected,
  hidden, tags, properties, created_at::text as "createdAt", updated_at::text as "updatedAt",
  case when exists (select from image_members m where m.image_id = i.id) then (
    select jsonb_agg(jsonb_build_object('project', project, 'status', status, 'createdAt', created_at::text,
      'updatedAt', updated_at::text) order by project)
    from image_members m where m.image_id = i.id
  ) else '[]' end as members
from images i order by created_at, id`;

type Row = Omit<LoadedImage, 'size' | 'virtualSize'> & { size: string | null; virtualSize: string | null };

/** Oldest first, then by id. */
export async function* readCatalog(address: DatabaseAddress): AsyncGenerator<LoadedImage[], undefined> {
  for await (const rows of readBatches<Row>(address, imagesSql)) yield rows.map(imageOf);
}

/** What metadata definitions speak of. */
export type ImageProperties = Pick<LoadedImage, 'id' | 'owner' | 'properties'>;

/** Of all images, or of those of a project; in no order. */
export function readImageProperties(
  address: DatabaseAddress,
  owner: string | null,
): AsyncGenerator<ImageProperties[], undefined> {
  const which = owner === null ? '' : 'where owner = $1::text';
  return readBatches(
    address,
    `select id, owner, properties from images ${which}`,
    owner === null ? [] : [owner],
  );
}

/** The rows of a statement in one snapshot; the next batch is asked for while one is used. */
async function* readBatches<R extends object>(
  address: DatabaseAddress,
  statement: string,
  values: readonly unknown[] = [],
): AsyncGenerator<R[], undefined> {
  const pool = openPool(address, { max: 1, applicationName: 'vitrine export' });
  const client = await pool.connect();
  const fetch = async () => (await client.query<R>(`fetch ${batch} from catalog`)).rows;
  try {
    // Whoever reads slowly keeps the transaction open for as long.
    await client.query('begin read only; set local idle_in_transaction_session_timeout = 0');
    await client.query(`declare catalog no scroll cursor for ${statement}`, [...values]);
    let next = fetch();
    for (;;) {
      const rows = await next;
      if (rows.length === 0) return;
      next = fetch();
      next.catch(() => {}); // heard of by the next turn, if there is one
      yield rows;
    }
  } finally {
    client.release(true);
    await pool.end();
  }
}

function imageOf(row: Row): LoadedImage {
  return {
    ...row,
    size: row.size === null ? null : Number(row.size),
    virtualSize: row.virtualSize === null ? null : Number(row.virtualSize),
    createdAt: instantFromText(row.createdAt),
    updatedAt: instantFromText(row.updatedAt),
    members: row.members.map((member) => ({
      ...member,
      createdAt: instantFromText(member.createdAt),
      updatedAt: instantFromText(member.updatedAt),
    })),
  };
}

/**
 * What /v2 is measured against: for each of its questions one statement written by hand behind node:http, with nothing
 * around it. The answers are those of the product, to the value.
 *
 *   node bench/support/bare-rest.ts <port> <address of the database, as JSON> <project, or admin>
 */
import { connect } from '../../src/db/client.ts';
import { serveJson } from './serve-json.ts';

type Row = Record<string, unknown> & {
  id: string;
  properties: Record<string, string>;
  digests: Record<string, string>;
  stores: string[];
  created_at: string;
  updated_at: string;
};

const [port, address, project] = process.argv.slice(2);
if (!port || !address || !project) throw new Error('usage: bare-rest.ts <port> <address> <project>');
const sql = connect(JSON.parse(address));

const columns = sql`id, name, status, visibility, owner, disk_format, container_format, size, virtual_size, checksum,
  digests, protected, hidden, tags, properties, min_disk, min_ram,
  to_char(created_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as created_at,
  to_char(updated_at at time zone 'UTC', 'YYYY-MM-DD"T"HH24:MI:SS"Z"') as updated_at,
  array(select store from image_copies c where c.image_id = i.id and c.state = 'active' order by c.store) as stores`;

const listed =
  project === 'admin'
    ? sql`not hidden and (visibility <> 'community' or owner = 'admin')`
    : sql`not hidden and (visibility = 'public' or owner = ${project} or visibility = 'shared' and id in (
        select image_id from image_members where project = ${project} and status = 'accepted'))`;

function imageOf({ properties, digests, hidden, stores, ...row }: Row): object {
  const algorithm = digests.sha512 === undefined ? null : 'sha512';
  return {
    ...row,
    ...properties,
    os_hidden: hidden,
    os_hash_algo: algorithm,
    os_hash_value: algorithm && digests.sha512,
    ...(stores.length > 0 && { stores: stores.join(',') }),
    self: `/v2/images/${row.id}`,
    file: `/v2/images/${row.id}/file`,
    schema: '/v2/schemas/image',
  };
}

async function list(query: URLSearchParams): Promise<string> {
  const limit = Number(query.get('limit'));
  const { limit: _limit, ...properties } = Object.fromEntries(query);
  const filter = Object.keys(properties).length > 0 ? sql`and properties @> ${sql.json(properties)}` : sql``;
  const rows = await sql<Row[]>`select ${columns} from images i where ${listed} ${filter}
    order by i.created_at desc, i.id desc limit ${limit + 1}`;
  const page = rows.slice(0, limit);
  const params = query.toString();
  return JSON.stringify({
    images: page.map(imageOf),
    first: `/v2/images?${params}`,
    ...(rows.length > limit && { next: `/v2/images?${params}&marker=${page.at(-1)?.id}` }),
    schema: '/v2/schemas/images',
  });
}

async function one(id: string): Promise<string> {
  const [row] = await sql<Row[]>`select ${columns} from images i where id = ${id}`;
  return JSON.stringify(row && imageOf(row));
}

async function answer(url: string): Promise<string> {
  const { pathname, searchParams } = new URL(url, 'http://bare');
  return pathname === '/v2/images' ? list(searchParams) : one(pathname.slice('/v2/images/'.length));
}

serveJson(Number(port), answer);

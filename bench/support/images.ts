/**
 * A catalog to measure on: images of 200 projects, a few of them large and most of them small, with eight
 * properties and three tags each. Always the same but for its ids.
 */
import type pg from 'pg';
import type { DatabaseAddress } from '../../src/db/client.ts';
import { restoreDerived, takeDerivedAway } from '../../src/db/load-derived.ts';
import { openPool } from '../../src/db/pool.ts';

/** A project of middling size: about one image in 300 is its own. */
export const middlingProject = 'project-60';

/**
 * Adds `count` images, one a minute up to now, and lets PostgreSQL learn what is in them. Into an empty catalog,
 * which nobody may use meanwhile, without its indexes, which are made afterwards.
 */
export async function fillImages(address: DatabaseAddress, count: number): Promise<void> {
  const pool = openPool(address, { max: 2, applicationName: 'vitrine bench', statementTimeoutMs: 0 });
  try {
    const clients = [await pool.connect(), await pool.connect()] as const;
    await takeDerivedAway(clients[0]);
    await insertImages(clients[0], count);
    await restoreDerived(clients);
    await clients[0].query(
      'vacuum (analyze) images, image_members, image_terms, image_vocabulary, image_value_counts',
    );
    for (const client of clients) client.release();
  } finally {
    await pool.end();
  }
}

async function insertImages(client: pg.ClientBase, count: number): Promise<void> {
  await client.query('begin');
  await client.query('select setseed(0.42)');
  await client.query(wordSql);
  await client.query(imagesSql, [count]);
  await client.query(membersSql);
  await client.query('commit');
}

const syllables = [
  ...[
    'ba',
    'ce',
    'di',
    'fo',
    'gu',
    'ha',
    'je',
    'ki',
    'lo',
    'mu',
    'na',
    'pe',
    'qui',
    'ro',
    'su',
    'ta',
    've',
    'wi',
  ],
  ...[
    'xo',
    'yu',
    'za',
    'bre',
    'cli',
    'dro',
    'flu',
    'gra',
    'ple',
    'pri',
    'sco',
    'stu',
    'tra',
    'vle',
    'smi',
    'spo',
  ],
  ...['snu', 'kla', 'kre', 'gli', 'blo', 'thu'],
];

/** Words of descriptions, the most common first. */
export const words: readonly string[] = syllables.flatMap((first) =>
  syllables.map((second) => `${first}${second}el`),
);

/** The first of the words is in nearly every fourth image, and the last in one of 1,600. */
const wordSql = `
create function pg_temp.word(x float8) returns text language sql immutable as $$
  select (syllables)[1 + n / 40] || (syllables)[1 + n % 40] || 'el'
  from (select floor(1600 * x * x * x)::int as n,
    array[${syllables.map((syllable) => `'${syllable}'`).join(', ')}] as syllables) as drawn
$$`;

/** Of a hundred: 2 public, 2 community, 6 shared; of the projects the largest has 7. */
const imagesSql = `
insert into images (id, name, status, visibility, owner, kind, disk_format, container_format, size, checksum,
  digests, tags, properties, created_at, updated_at)
select gen_random_uuid(), distro || '-' || version || '-' || i, status,
  case when seen < 0.02 then 'public' when seen < 0.04 then 'community' when seen < 0.10 then 'shared' else 'private' end,
  'project-' || floor(200 * power(project, 2)), 'image', disk, 'bare', size,
  case when size is not null then md5(i::text) end,
  case when size is null then '{}' else jsonb_build_object('sha512', repeat(md5(i::text), 4)) end,
  array['team-' || floor(20 * a), 'tier-' || floor(4 * b), 'week-' || i % 52],
  jsonb_build_object('os_distro', distro, 'os_version', version, 'os_type', 'linux',
    'hw_architecture', case when c < 0.8 then 'x86_64' else 'aarch64' end,
    'hypervisor_type', case when c < 0.9 then 'kvm' else 'vmware' end,
    'hw_disk_bus', case when b < 0.7 then 'virtio' else 'scsi' end,
    'build', md5(i::text),
    'description', 'Cloud image of ' || distro || ' for ' || pg_temp.word(e) || ' ' || pg_temp.word(f) || ' with ' || pg_temp.word(g)),
  made, made
from (
  select i, seen, project, a, b, c, e, f, g,
    (array['debian', 'ubuntu', 'fedora', 'rocky', 'alpine', 'arch'])[1 + floor(6 * a)] as distro,
    floor(8 + 20 * b) || '.' || floor(10 * c) as version,
    (array['qcow2', 'raw', 'vmdk'])[1 + floor(3 * c)] as disk,
    case when d < 0.95 then 'active' when d < 0.98 then 'queued' else 'deactivated' end as status,
    case when d < 0.95 or d >= 0.98 then (1 + floor(8000 * a)) * 1048576 end as size,
    now() - ($1::int - i) * interval '1 minute' as made
  from (
    select i, random() as seen, random() as project, random() as a, random() as b, random() as c, random() as d,
      random() as e, random() as f, random() as g
    from generate_series(1, $1::int) i
  ) as drawn
) as described
order by i`;

/** A shared image has three members; most of them have accepted. */
const membersSql = `
insert into image_members (image_id, project, status)
select id, 'project-' || (ascii(substr(id::text, n)) * 7 + ascii(substr(id::text, n + 4)) + n * 31) % 200,
  case when n = 3 and id::text > '8' then 'pending' else 'accepted' end
from images, generate_series(1, 3) n
where visibility = 'shared'
on conflict do nothing`;

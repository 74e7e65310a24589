/**
 * A catalog to measure on: images of 200 projects, a few of them large and most of them small, with eight
 * properties and three tags each. Always the same but for its ids.
 */
import { connect, type DatabaseAddress } from '../../src/db/client.ts';

/** A project of middling size: about one image in 300 is its own. */
export const middlingProject = 'project-60';

/** Adds `count` images, one a minute up to now, and lets PostgreSQL learn what is in them. */
export async function fillImages(address: DatabaseAddress, count: number): Promise<void> {
  const sql = connect(address, { poolSize: 1, statementTimeoutMs: 0 });
  try {
    await sql.begin(async (tx) => {
      await tx.unsafe('select setseed(0.42)');
      await tx.unsafe(imagesSql, [count] as never[]);
      await tx.unsafe(membersSql);
    });
    await sql.unsafe('vacuum analyze images, image_members');
  } finally {
    await sql.end();
  }
}

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
    'build', md5(i::text), 'release_notes', 'https://images.example/' || distro || '/' || version || '/' || i),
  made, made
from (
  select i, seen, project, a, b, c,
    (array['debian', 'ubuntu', 'fedora', 'rocky', 'alpine', 'arch'])[1 + floor(6 * a)] as distro,
    floor(8 + 20 * b) || '.' || floor(10 * c) as version,
    (array['qcow2', 'raw', 'vmdk'])[1 + floor(3 * c)] as disk,
    case when d < 0.95 then 'active' when d < 0.98 then 'queued' else 'deactivated' end as status,
    case when d < 0.95 or d >= 0.98 then (1 + floor(8000 * a)) * 1048576 end as size,
    now() - ($1::int - i) * interval '1 minute' as made
  from (
    select i, random() as seen, random() as project, random() as a, random() as b, random() as c, random() as d
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

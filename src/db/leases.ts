/** Work that only one may do at a time, on whatever machine: by a lease that the one who is at it renews. */
import type { Database } from './client.ts';

/** How long a holder may be silent; it says so much more often. */
const leaseSeconds = 30;

/** True: `holder` has it now, or had it and goes on. */
export async function takeLease(db: Database, name: string, holder: string): Promise<boolean> {
  const text = `insert into leases (name, holder, held_until)
    values ($1::text, $2::text, now() + make_interval(secs => $3::int))
    on conflict (name) do update set holder = excluded.holder, held_until = excluded.held_until
    where leases.held_until < now() or leases.holder = excluded.holder
    returning name`;
  return (await db.query(text, [name, holder, leaseSeconds])).length > 0;
}

/** Others may come at once. */
export async function dropLease(db: Database, name: string, holder: string): Promise<void> {
  await db.query('delete from leases where name = $1::text and holder = $2::text', [name, holder]);
}

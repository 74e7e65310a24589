/**
 * How many images have a term. It is only asked to choose a way: what was known some minutes ago will do, and of common
 * terms what PostgreSQL's statistics say.
 */
import type { Database } from './client.ts';

/** A row of image_terms before it is hashed: as vitrine_terms has it. */
export interface Term {
  name: string;
  value: string;
}

export interface TermCounts {
  /** In the catalog. */
  images: number;
  /** PostgreSQL goes along an index from one element of an array to the next (17 and later), in the index's order. */
  seeks: boolean;
  of(term: Term): number;
}

/** Rows of a term that are counted; with more of them they are estimated. */
const countedRows = 300;
/** As many has a common term where PostgreSQL has no statistics yet. */
const unknownRows = 5_000;

interface Known {
  counts: Map<string, { count: number; until: number }>;
  common: Promise<Common> | null;
  commonUntil: number;
}

/** The terms that PostgreSQL knows as common, by their hash. */
interface Common {
  images: number;
  seeks: boolean;
  counts: ReadonlyMap<string, number>;
  /** Rows of a term that is neither rare nor among these. */
  otherwise: number;
}

const known = new WeakMap<Database, Known>();
const countsKept = 20_000;
const countsFreshMs = 600_000;
const commonFreshMs = 300_000;

const keyOf = ({ name, value }: Term) => `${name}\u0000${value}`;

export async function countTerms(db: Database, terms: readonly Term[]): Promise<TermCounts> {
  const memory: Known = known.get(db) ?? { counts: new Map(), common: null, commonUntil: 0 };
  known.set(db, memory);
  const { counts } = memory;
  if (counts.size > countsKept) counts.clear();
  const common = await commonTerms(db, memory);
  const now = performance.now();
  const missing = terms.filter((term) => !((counts.get(keyOf(term))?.until ?? 0) > now));
  if (missing.length > 0) {
    const asLists = [missing.map(({ name }) => name), missing.map(({ value }) => value)];
    const rows = await db.search<{ term: string; count: number }>(countSql, asLists, { prepared: true });
    for (const [n, { term, count }] of rows.entries()) {
      const estimated = count < countedRows ? count : (common.counts.get(term) ?? common.otherwise);
      counts.set(keyOf(missing[n] as Term), { count: estimated, until: now + countsFreshMs });
    }
  }
  return { images: common.images, seeks: common.seeks, of: (term) => counts.get(keyOf(term))?.count ?? 0 };
}

const countSql = `
select h.term::text, (select count(*)::int
  from (select from image_terms as t where t.term = h.term limit ${countedRows}) as counted) as count
from unnest($1::text[], $2::text[]) with ordinality as k (name, value, n)
cross join lateral (select vitrine_term(k.name, k.value) as term offset 0) as h order by k.n`;

/** What was known before is good enough while it is read again. */
function commonTerms(db: Database, memory: Known): Promise<Common> {
  if (memory.common && memory.commonUntil > performance.now()) return memory.common;
  memory.commonUntil = performance.now() + commonFreshMs;
  const reading = readCommon(db);
  const before = memory.common ?? reading;
  memory.common = before;
  reading.then(
    () => {
      memory.common = reading;
    },
    () => {
      if (before === reading) memory.common = null;
    },
  );
  return before;
}

async function readCommon(db: Database): Promise<Common> {
  const [row] = await db.search<{ images: number; seeks: boolean; terms: string[]; counts: number[] }>(
    commonSql,
    [],
  );
  const counts = new Map(row?.terms.map((term, n) => [term, row.counts[n] ?? 0]));
  const least = Math.min(2 * unknownRows, ...counts.values());
  return {
    images: Math.max(1, row?.images ?? 0),
    seeks: row?.seeks ?? false,
    counts,
    otherwise: Math.max(countedRows, least / 2),
  };
}

const commonSql = `
select (select reltuples::float8 from pg_class where oid = 'images'::regclass) as images,
  current_setting('server_version_num')::int >= 170000 as seeks,
  coalesce(array_agg(m.term::text), '{}') as terms,
  coalesce(array_agg(m.share * c.reltuples::float8), '{}') as counts
from pg_stats as s
join pg_class as c on c.oid = 'image_terms'::regclass
join pg_namespace as n on n.oid = c.relnamespace and n.nspname = s.schemaname
cross join lateral unnest(s.most_common_vals::text::bigint[], s.most_common_freqs::float8[]) as m (term, share)
where s.tablename = 'image_terms' and s.attname = 'term'`;

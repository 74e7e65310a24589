/**
 * What metadata definitions cost where images are: a page of images with their definitions against the same page
 * without, the check of an image that is written, and the values of a property over the whole catalog. `run.ts`
 * makes the catalog.
 */
import { loadNamespace } from '../src/actions/metadef/load-namespaces.ts';
import { type DatabaseAddress, openDatabase } from '../src/db/client.ts';
import { openVocabulary } from '../src/db/metadef/vocabulary.ts';
import { serviceFor } from '../src/domain/audit.ts';
import { callerWith } from '../src/domain/caller.ts';
import type { NamespaceDocument } from '../src/domain/metadef/metadef.ts';
import type { Vocabulary } from '../src/domain/metadef/vocabulary.ts';
import { middlingProject } from './support/images.ts';
import { type LoadGenerator, startLoadGenerator } from './support/load.ts';
import { compare, middle, ratio, report, summary } from './support/rounds.ts';
import type { Vitrine } from './support/vitrine.ts';

export interface MeasuringMetadefs {
  vitrine: Vitrine;
  /** The database that it runs on. */
  address: DatabaseAddress;
  rounds: number;
  /** Of each round. */
  seconds: number;
}

const [namespaces, propertiesEach] = [200, 25];
const checkedProperties = 60;

/** Everything, printed. */
export async function measureMetadefs(measuring: MeasuringMetadefs): Promise<void> {
  const vocabulary = await fillDefinitions(measuring.address);
  const generator = startLoadGenerator();
  try {
    for (const connections of [1, 16]) await measurePage(measuring, { generator, connections });
    measureCheck(vocabulary);
    for (const project of ['admin', middlingProject]) await measureUsage(measuring, { generator, project });
  } finally {
    generator.stop();
  }
}

/** Every kind of definition, in namespaces of a prefix each; and what the catalog's images have beside the shipped ones. */
function definitions(n: number): NamespaceDocument {
  const property = (i: number) => ({
    name: `property_${i}`,
    title: `Property ${i}`,
    ...(
      [
        { type: 'string', enum: ['one', 'two', 'three', 'four', 'five'] },
        { type: 'integer', minimum: 1, maximum: 100 },
        { type: 'boolean' },
        { type: 'string', pattern: '^[a-z0-9-]{1,40}$' },
        { type: 'array', itemsEnum: ['a', 'b', 'c'] },
      ] as const
    )[i % 5],
  });
  return {
    namespace: `Bench::Namespace${n}`,
    displayName: null,
    description: null,
    visibility: 'public',
    owner: null,
    protected: false,
    properties: [
      ...Array.from({ length: propertiesEach - 1 }, (_, i) => property(i)),
      { name: 'zz_build', title: 'Build', type: 'string' },
    ] as unknown as NamespaceDocument['properties'],
    objects: [],
    tags: [],
    resourceTypes: [{ resourceType: 'OS::Glance::Image', prefix: `bench${n}_` }],
  };
}

async function fillDefinitions(address: DatabaseAddress): Promise<Vocabulary> {
  const db = openDatabase(address, { poolSize: 1, applicationName: 'vitrine bench' });
  try {
    for (let n = 0; n < namespaces; n++)
      await loadNamespace(db, definitions(n), { mode: 'new', by: serviceFor() });
    return await openVocabulary(db).read();
  } finally {
    await db.close();
  }
}

const page = (property: string) =>
  `{ images(first: 25) { nodes { name status size tags properties { name value ${property} } } } }`;

async function measurePage(
  { vitrine, rounds, seconds }: MeasuringMetadefs,
  { generator, connections }: { generator: LoadGenerator; connections: number },
): Promise<void> {
  const contender = (query: string) => ({
    load: {
      url: `${vitrine.url}/graphql`,
      body: JSON.stringify({ query }),
      headers: vitrine.headersOf(middlingProject),
      connections,
      seconds,
    },
    pid: vitrine.pid,
  });
  const contenders = {
    plain: contender(page('')),
    defined: contender(page('definition { name title type } issues { code message }')),
  };
  const results = await compare(generator, contenders, rounds);
  const title = `25 images with definitions and issues, ${connections} ${connections === 1 ? 'connection' : 'connections'}`;
  const speed = ratio(results.defined, results.plain, (r) => r.perSecond);
  report(`${title}, requests a second / without`, speed, { limit: 0.5, kind: 'least' });
  console.log(`        without ${summary(results.plain)}\n        with    ${summary(results.defined)}`);
}

/** Right and wrong values of every kind, and a few names that are nobody's. */
function anImage(seed: number): Record<string, string> {
  const values = [
    ['one', 'tow'],
    ['7', '700'],
    ['yes', 'perhaps'],
    ['a-b-c', 'A b'],
    ['a,b', 'a,x'],
  ];
  const entries = Array.from({ length: checkedProperties }, (_, i) => {
    const n = (seed * 7 + i * 13) % namespaces;
    const [right = '', wrong = ''] = values[i % 5] ?? [];
    if (i % 20 === 19) return [`my_own_property_${i}`, right];
    return [`bench${n}_property_${i % 5}`, i % 10 === 9 ? wrong : right];
  });
  return Object.fromEntries(entries);
}

function measureCheck(vocabulary: Vocabulary): void {
  const caller = callerWith({ user: 'bench', project: middlingProject, roles: ['member'] });
  const images = Array.from({ length: 500 }, (_, i) => anImage(i));
  const run = () => images.reduce((sum, image) => sum + vocabulary.issuesOf(caller, image).length, 0);
  for (let i = 0; i < 20; i++) run();
  const times = 40;
  const before = process.cpuUsage();
  for (let i = 0; i < times; i++) run();
  const { user, system } = process.cpuUsage(before);
  const ms = (user + system) / 1000 / (times * images.length);
  report(`check of an image of ${checkedProperties} properties, ms of CPU`, ms, { limit: 0.3, kind: 'most' });
}

const usages = [
  ['OS::Compute::LibvirtImage', 'hw_disk_bus'],
  ['OS::OperatingSystem', 'os_distro'],
  ['OS::OperatingSystem', 'os_version'],
] as const;

async function measureUsage(
  { vitrine, rounds }: MeasuringMetadefs,
  { generator, project }: { generator: LoadGenerator; project: string },
): Promise<void> {
  const who = project === 'admin' ? 'an admin' : 'a member';
  for (const [namespace, name] of usages) {
    const query = `{ metadefNamespace(namespace: "${namespace}") { property(name: "${name}") { nameOn usage { buckets { value count } otherCount missingCount } } } }`;
    const load = {
      url: `${vitrine.url}/graphql`,
      body: JSON.stringify({ query }),
      headers: vitrine.headersOf(project),
      connections: 1,
      requests: 20,
      seconds: 10,
    };
    const { images } = await vitrine.query<{ images: { totalCount: number } }>(
      project,
      '{ images { totalCount } }',
    );
    const { metadefNamespace } = await vitrine.query<{
      metadefNamespace: {
        property: { usage: { buckets: { count: number }[]; otherCount: number; missingCount: number } };
      };
    }>(project, query);
    const { buckets, otherCount, missingCount } = metadefNamespace.property.usage;
    const sum = buckets.reduce((all, { count }) => all + count, otherCount + missingCount);
    if (sum !== images.totalCount) throw new Error(`${name}: counted ${sum} of ${images.totalCount} images`);
    const results = await compare(generator, { usage: { load: load as never, pid: vitrine.pid } }, rounds);
    const ms = middle(results.usage, (r) => r.p50);
    report(`usage of ${name} over ${sum} images by ${who}, p50 in ms`, ms, { limit: 200, kind: 'most' });
  }
}

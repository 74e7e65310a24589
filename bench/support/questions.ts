/**
 * What a search must be quick at: the questions, each asked with ever other words, values and places, so that no
 * cache of answers helps.
 */
import { words } from './images.ts';
import type { Random } from './random.ts';

/** Images of the catalog that the asker sees: names, values and places to ask about. */
export interface Sample {
  id: string;
  name: string;
  properties: Record<string, string>;
}

export interface Asked {
  /** Images in the catalog. */
  images: number;
  random: Random;
  sample: Sample;
}

export interface Variables {
  where?: object;
  search?: string;
  orderBy?: object[];
  /** The list goes on behind this image. */
  behind?: string;
}

/** rows: a page of 25. */
export type QuestionKind = 'rows' | 'count' | 'facets' | 'total';

export interface Question {
  name: string;
  kind: QuestionKind;
  ask(asked: Asked): Variables;
}

const page = (name: string, ask: Question['ask']): Question => ({ name, kind: 'rows', ask });
const equals = (name: string, value: string) => ({ name, text: { eq: value } });

const common = words.slice(0, 60);
const middling = words.slice(60, 800);
const rare = words.slice(800);
const letters = [...'abcdefghijklmnopqrstuvwxyz'];

const distros = ['debian', 'ubuntu', 'fedora', 'rocky', 'alpine', 'arch'];
const architectures = ['x86_64', 'aarch64'];
const buses = ['virtio', 'scsi'];
/** Two of these meet in every twentieth image at least. */
const commonPairs = [
  ...distros.flatMap((distro) => [
    [equals('os_distro', distro), equals('os_type', 'linux')],
    ...architectures.map((arch) => [equals('os_distro', distro), equals('hw_architecture', arch)]),
    ...buses.map((bus) => [equals('os_distro', distro), equals('hw_disk_bus', bus)]),
    [equals('os_distro', distro), equals('hypervisor_type', 'kvm')],
  ]),
  ...architectures.flatMap((arch) =>
    buses.map((bus) => [equals('hw_architecture', arch), equals('hw_disk_bus', bus)]),
  ),
  ...buses.map((bus) => [equals('hw_disk_bus', bus), equals('hypervisor_type', 'kvm')]),
  ...architectures.map((arch) => [equals('hw_architecture', arch), equals('hypervisor_type', 'kvm')]),
  ...architectures.map((arch) => [equals('hw_architecture', arch), equals('os_type', 'linux')]),
  ...buses.map((bus) => [equals('hw_disk_bus', bus), equals('os_type', 'linux')]),
  ...['kvm', 'vmware'].map((type) => [equals('hypervisor_type', type), equals('os_type', 'linux')]),
];

const version = (random: Random) => `${random.integer(8, 28)}.${random.integer(0, 10)}`;
const versions = (random: Random, count: number) => {
  const found = new Set<string>();
  while (found.size < count) found.add(version(random));
  return [...found];
};
const tags = {
  team: (random: Random) => `team-${random.integer(0, 20)}`,
  tier: (random: Random) => `tier-${random.integer(0, 4)}`,
  week: (random: Random) => `week-${random.integer(0, 52)}`,
};
const part = (text: string, from: number, length: number) => text.slice(from, from + length);

export const questions: readonly Question[] = [
  page('a word, no hits', ({ random }) => ({
    search: Array.from({ length: random.integer(5, 10) }, () => random.pick(letters)).join(''),
  })),
  page('a word, some hits', ({ random }) => ({ search: random.pick(rare) })),
  page('a word, many hits', ({ random }) => ({ search: random.pick([...common, ...distros]) })),
  page('a phrase', ({ random }) => ({
    search: random.pick([
      `"${random.pick(common)} ${random.pick(middling)}"`,
      `"${random.pick(common)} with ${random.pick(common)}"`,
      `"image of ${random.pick(distros)} for ${random.pick(middling)}"`,
    ]),
  })),
  page('two words', ({ random }) => ({
    search: `${random.pick([...common, ...distros])} ${random.pick([...common, ...middling])}`,
  })),
  page('two properties, common', ({ random }) => ({ where: { properties: random.pick(commonPairs) } })),
  page('two properties, middling', ({ random }) => ({
    where: {
      properties: [
        equals('os_version', version(random)),
        random.pick([
          equals('os_distro', random.pick(distros)),
          equals('hw_architecture', random.pick(architectures)),
          equals('hw_disk_bus', random.pick(buses)),
        ]),
      ],
    },
  })),
  page('two properties, rare', ({ sample: { properties } }) => ({
    where: {
      properties: [equals('build', properties.build ?? ''), equals('os_distro', properties.os_distro ?? '')],
    },
  })),
  page('one of three values', ({ random }) => ({
    where: { properties: [{ name: 'os_version', text: { in: versions(random, 3) } }] },
  })),
  page('all of some tags', ({ random }) => {
    const hasAll = [tags.team(random), tags.tier(random), tags.week(random)];
    return { where: { tags: { hasAll: random.some(random.integer(2, 4), hasAll) } } };
  }),
  page('name, a prefix', ({ random, sample: { name } }) => ({
    where: { name: { startsWith: name.slice(0, random.integer(4, name.length + 1)) } },
  })),
  page('name, a part', ({ random, sample: { name } }) => {
    const length = random.integer(4, Math.min(11, name.length + 1));
    return { where: { name: { contains: part(name, random.integer(0, name.length - length + 1), length) } } };
  }),
  page('range of numbers', ({ random }) => {
    const from = random.integer(80, 275) / 10;
    return { where: property('number', { gte: from, lt: from + random.integer(1, 40) / 10 }) };
  }),
  page('range of versions', ({ random }) => {
    const major = random.integer(8, 28);
    const [gte, lt] = [`${major}.${random.integer(0, 10)}`, `${major + random.integer(1, 4)}`];
    return { where: property('version', random.pick([{ gte, lt }, { gte }, { lt }])) };
  }),
  page('by name, deep', ({ random, sample: { id } }) => ({
    orderBy: [{ field: 'NAME', direction: random.pick(['ASC', 'DESC']) }],
    behind: id,
  })),
  page('by a hot property, deep', ({ random, sample: { id } }) => ({
    orderBy: [
      {
        field: 'PROPERTY',
        property: random.pick(['os_version', 'os_version', 'os_distro']),
        as: random.pick(['TEXT', 'NUMBER', 'VERSION']),
        direction: random.pick(['ASC', 'DESC']),
      },
    ],
    behind: id,
  })),
  { name: 'totalCount of 10,000', kind: 'count', ask: tenThousand },
  // Not by tags, which are counted: that facet would be one of all images.
  { name: 'four facets of 10,000', kind: 'facets', ask: byVersions },
  { name: 'totalCount of all', kind: 'total', ask: () => ({}) },
];

function property(as: 'number' | 'version', range: object): object {
  return { properties: [{ name: 'os_version', [as]: range }] };
}

/** A filter that leaves about 10,000 images: some of the 200 versions, which are alike in number; or a tag. */
function tenThousand(asked: Asked): Variables {
  return asked.random.pick([byVersions, byVersions, byTag])(asked);
}

function byVersions({ images, random }: Asked): Variables {
  const count = Math.max(1, Math.min(200, Math.round((200 * 10_000) / images)));
  const from = random.integer(80, 280 - count + 1) / 10;
  return random.pick([
    { where: property('number', { gte: from, lt: from + count / 10 }) },
    { where: { properties: [{ name: 'os_version', text: { in: versions(random, Math.min(20, count)) } }] } },
  ]);
}

function byTag({ images, random }: Asked): Variables {
  const virtio = { properties: [equals('hw_disk_bus', 'virtio')] };
  if (images > 500_000) return { where: { tags: { has: tags.week(random) }, ...virtio } };
  return {
    where: {
      tags: {
        hasAny: random.some(
          2,
          Array.from({ length: 20 }, (_, n) => `team-${n}`),
        ),
      },
    },
  };
}

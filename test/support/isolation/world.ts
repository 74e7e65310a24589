/** Who asks and what there is: everybody and everything that the isolation matrix is made of. */
import { randomBytes, randomUUID } from 'node:crypto';
import type { App } from '../../../src/actions/app.ts';
import { transaction } from '../../../src/db/client.ts';
import { tasks, tokens } from '../../../src/db/tables.ts';
import type { MemberStatus } from '../../../src/domain/image.ts';
import { type AnImage, anImage } from '../an-image.ts';
import type { TestServer } from '../server.ts';

export interface Who {
  name: string;
  /** Null: sends none. */
  token(server: TestServer): string | null;
  project: string | null;
  /** Null: nobody that the service knows. */
  role: 'admin' | 'member' | 'reader' | 'service' | null;
}

const of = (project: string, role: Exclude<Who['role'], null>): Who => ({
  name: `${role} of ${project}`,
  token: (server) => server.tokenOf(project, role),
  project,
  role,
});

/** The images are blue's; they are shared with yellow, gray and green, who answered nothing, no and yes. */
export const everybody: readonly Who[] = [
  { name: 'nobody', token: () => null, project: null, role: null },
  { name: 'an unknown token', token: () => 'no-such-token', project: null, role: null },
  of('blue', 'reader'),
  of('blue', 'member'),
  of('admin', 'admin'),
  of('red', 'member'),
  of('red', 'reader'),
  of('yellow', 'member'),
  of('gray', 'member'),
  of('green', 'member'),
  of('green', 'reader'),
  of('service', 'service'),
];

/** What the oracle knows of an object. */
export interface Facts {
  visibility: 'private' | 'shared' | 'community' | 'public';
  owner: string | null;
  members: Record<string, MemberStatus>;
  deactivated: boolean;
  hidden: boolean;
}

export interface Thing extends Facts {
  name: string;
  /** An image that there is, one that was deleted, one that there never was; or a namespace. */
  is: 'image' | 'deleted' | 'missing' | 'namespace' | 'no namespace';
  /** Of the image or the namespace: a UUID. */
  id: string;
  /** Of its task. */
  task: string;
  /** Of a robot token of its owner, which another one made. */
  token: string;
  /** Of the namespace. */
  namespace: string;
}

const shares = { yellow: 'pending', green: 'accepted', gray: 'rejected' } as const;

/** Rows of images by what they are, all of blue but for the one without an owner. */
const images: Record<string, AnImage> = {
  private: { visibility: 'private' },
  'no longer shared': { visibility: 'private', members: shares },
  shared: { visibility: 'shared', members: shares },
  community: { visibility: 'community' },
  public: { visibility: 'public' },
  ownerless: { visibility: 'private', owner: null },
  'private, queued': { visibility: 'private', status: 'queued' },
  'shared, queued': { visibility: 'shared', status: 'queued', members: shares },
  'public, queued': { visibility: 'public', status: 'queued' },
  'private, importing': { visibility: 'private', status: 'importing' },
  'private, deactivated': { visibility: 'private', status: 'deactivated' },
  'shared, deactivated': { visibility: 'shared', status: 'deactivated', members: shares },
  'public, deactivated': { visibility: 'public', status: 'deactivated' },
  'public, hidden': { visibility: 'public', hidden: true },
  'private, protected': { visibility: 'private', protected: true },
  'shared, protected': { visibility: 'shared', protected: true, members: shares },
};

export const imageNames = Object.keys(images);
/** A word that only this image has. */
export const wordOf = (name: string) => `w${imageNames.indexOf(name)}x`;
export const sizeOf = (name: string) => 1_000 + imageNames.indexOf(name);

export const thingNames = [...imageNames, 'deleted', 'missing'];
export const namespaceNames = ['public', 'private', 'public, protected', 'private, protected', 'missing'];

/** A new image of this name, with a task; or what is left of one. Marked ones are found by what only they have. */
export async function aThing(server: TestServer, name: string, isMarked = false): Promise<Thing> {
  const { app } = server;
  const given = images[name];
  const facts: Facts = {
    visibility: given?.visibility ?? 'shared',
    owner: given?.owner === null ? null : 'blue',
    members: given?.members ?? {},
    deactivated: given?.status === 'deactivated',
    hidden: given?.hidden ?? false,
  };
  const nothing = {
    ...facts,
    name,
    id: randomUUID(),
    task: randomUUID(),
    token: randomUUID(),
    namespace: '',
  };
  if (name === 'missing') return { ...nothing, is: 'missing' };
  const word = wordOf(name);
  const id = await anImage(app, {
    name: 'secret',
    ...(isMarked && {
      size: sizeOf(name),
      name: `${word} secret`,
      tags: [`tag_${word}`],
      properties: { [`secret_${word}`]: word, secret_mark: word },
    }),
    ...given,
  });
  if (!given) {
    await server.raw(
      server.tokenOf('admin'),
      `mutation { deleteImage(input: {id: "${id}"}) { __typename } }`,
    );
    return { ...nothing, is: 'deleted', id };
  }
  const task = await aTask(app, id, facts.owner);
  return { ...nothing, is: 'image', id, task, token: await aToken(app) };
}

async function aTask(app: App, imageId: string, owner: string | null): Promise<string> {
  const row = { id: randomUUID(), imageId, owner, queue: 'import', message: 'secret' };
  await transaction(app.db, async (tx) => {
    await tx.insert(tasks).values({ ...row, type: 'api_image_import', status: 'success' });
  });
  return row.id;
}

async function aToken(app: App): Promise<string> {
  const digest = randomBytes(32).toString('hex');
  const id = randomUUID();
  const row = { id, digest, project: 'blue', user: 'somebody', name: 'secret', roles: ['member'] };
  await transaction(app.db, async (tx) => {
    await tx.insert(tokens).values(row);
  });
  return id;
}

let count = 0;

/** A new namespace of blue. */
export async function aNamespace(server: TestServer, name: string): Promise<Thing> {
  const visibility = name.startsWith('private') ? 'private' : 'public';
  const facts = { owner: 'blue', members: {}, deactivated: false, hidden: false, visibility } as const;
  const namespace = `secret-${String(++count).padStart(6, '0')}`;
  const nothing = { ...facts, name, id: randomUUID(), task: '', token: '', namespace };
  if (name === 'missing') return { ...nothing, is: 'no namespace' };
  const { data } = await server.raw(
    server.tokenOf('admin'),
    `mutation ($input: CreateMetadefNamespaceInput!) {
      createMetadefNamespace(input: $input) { ... on CreateMetadefNamespacePayload { namespace { id } } } }`,
    {
      input: {
        namespace,
        visibility: visibility.toUpperCase(),
        owner: 'blue',
        protected: name.includes('protected'),
        properties: [{ name: 'secret', title: 'secret', type: 'STRING' }],
      },
    },
  );
  const id = String(data.createMetadefNamespace.namespace.id).replace('MetadefNamespace:', '');
  return { ...nothing, is: 'namespace', id };
}

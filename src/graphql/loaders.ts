/** Look-ups of single things, batched within a request: one statement however many fields ask. */
import DataLoader from 'dataloader';
import type { App } from '../actions/app.ts';
import { requireToken } from '../actions/require-image.ts';
import { findBlocks } from '../db/blocks.ts';
import type { FoundPage } from '../db/found-page.ts';
import { findImagesById, type SeenImage } from '../db/images.ts';
import { findMembers } from '../db/members.ts';
import { countTasksOfImages, findTasksOfImages, type TasksPage } from '../db/task-pages.ts';
import type { BlockRange, Blocks } from '../domain/blocks.ts';
import type { Caller } from '../domain/caller.ts';
import type { ImageMember } from '../domain/image.ts';
import { canSee, tasksSeenBy } from '../domain/policy.ts';
import { readable } from '../domain/property-protection.ts';
import type { Task } from '../domain/task.ts';
import { createMetadefLoaders, type MetadefLoaders } from './metadef/loaders.ts';

export interface Loaders {
  /** By lower-case UUID, with the properties that the caller may read; null when it is missing or not to be seen. */
  readonly image: DataLoader<string, SeenImage | null>;
  /** All memberships of an image, oldest first: what the caller may see of them is decided by who asks. */
  readonly members: DataLoader<string, ImageMember[]>;
  readonly tasks: TaskLoaders;
  /** What these blocks of an image have to be; null when that is not known. */
  blocks(range: BlockRange): DataLoader<string, Blocks | null>;
  readonly metadefs: MetadefLoaders;
}

/** Tasks of an image that the caller sees, newest first. */
export interface TaskLoaders {
  page(imageId: string, page: TasksPage): Promise<FoundPage<Task>>;
  count(imageId: string): Promise<number>;
}

/** Each is made when it is first used: most requests use none. */
export function createLoaders(app: App, caller: Caller): Loaders {
  let image: Loaders['image'] | undefined;
  let members: Loaders['members'] | undefined;
  let tasks: Loaders['tasks'] | undefined;
  let metadefs: MetadefLoaders | undefined;
  const blocks = new Map<string, DataLoader<string, Blocks | null>>();
  return {
    get image() {
      image ??= imageLoader(app, caller);
      return image;
    },
    get members() {
      members ??= membersLoader(app);
      return members;
    },
    get tasks() {
      tasks ??= taskLoaders(app, caller);
      return tasks;
    },
    blocks(range) {
      const key = `${range.start}-${range.end}`;
      const loader = blocks.get(key) ?? blocksLoader(app, range);
      blocks.set(key, loader);
      return loader;
    },
    get metadefs() {
      metadefs ??= createMetadefLoaders(app, caller);
      return metadefs;
    },
  };
}

function imageLoader(app: App, caller: Caller): Loaders['image'] {
  return new DataLoader(async (ids) => {
    requireToken(caller);
    const images = await findImagesById(app.db, caller, ids);
    const seen = new Map(
      images
        .filter((image) => canSee(app.policy, caller, image))
        .map((image) => [image.id, readable(app.protection, caller, image)]),
    );
    return ids.map((id) => seen.get(id) ?? null);
  });
}

function membersLoader(app: App): Loaders['members'] {
  return new DataLoader(async (ids) => {
    const groups = Map.groupBy(await findMembers(app.db, ids), (member) => member.imageId);
    return ids.map((id) => groups.get(id) ?? []);
  });
}

function blocksLoader({ db }: App, range: BlockRange): DataLoader<string, Blocks | null> {
  return new DataLoader(async (ids) => {
    const found = await findBlocks(db, ids, range);
    return ids.map((id) => found.get(id) ?? null);
  });
}

function taskLoaders({ db, policy }: App, caller: Caller): TaskLoaders {
  const seen = tasksSeenBy(policy, caller);
  if (seen === 'none') {
    return { page: async () => ({ items: [], hasNext: false, hasPrevious: false }), count: async () => 0 };
  }
  const owner = seen === 'all' ? null : seen.owner;
  const pages = new Map<string, DataLoader<string, FoundPage<Task>>>();
  const counts = new DataLoader((ids: readonly string[]) => countTasksOfImages(db, ids, owner));
  return {
    page(imageId, page) {
      const key = JSON.stringify(page);
      const loader =
        pages.get(key) ?? new DataLoader((ids: readonly string[]) => findTasksOfImages(db, ids, owner, page));
      pages.set(key, loader);
      return loader.load(imageId);
    },
    count: (imageId) => counts.load(imageId),
  };
}

/** Changes what stands about an image: all of the change or nothing of it. */

import { recordChange } from '../db/audit.ts';
import { transaction } from '../db/client.ts';
import { type ImageChange, type ImageRow, updateImageRow } from '../db/images.ts';
import { findUsageOfImage, takeRoom } from '../db/quotas.ts';
import { actorOf, changesOf, imageObject } from '../domain/audit.ts';
import type { Caller } from '../domain/caller.ts';
import { ConflictError, ForbiddenError, ValidationError, type ValidationIssue } from '../domain/errors.ts';
import {
  normalTags,
  type PropertyInput,
  projectIssues,
  propertyListIssues,
  propertyNameIssues,
  tagListIssues,
} from '../domain/fields.ts';
import { type ContainerFormat, type DiskFormat, type ImageVisibility, kindOf } from '../domain/image.ts';
import { formatsAreOpen } from '../domain/lifecycle.ts';
import { mayDo, mayEver } from '../domain/policy.ts';
import { changedProperties, readable } from '../domain/property-protection.ts';
import { allowanceOf } from './allowance.ts';
import type { App } from './app.ts';
import { fieldIssues } from './create-image.ts';
import { checkProperties, type GivenProperties, type WrittenImage } from './metadef/check-properties.ts';
import {
  imageAfterChange,
  type LockedImage,
  requireInTokenFilter,
  requireLockedImage,
  requireVisibilityRight,
} from './require-image.ts';

/** Left out stays; null clears name, diskFormat and containerFormat and is a mistake elsewhere. */
export interface UpdateImage {
  id: string;
  ifRevision?: number | null;
  name?: string | null;
  visibility?: ImageVisibility | null;
  owner?: string | null;
  diskFormat?: DiskFormat | null;
  containerFormat?: ContainerFormat | null;
  minDisk?: number | null;
  minRam?: number | null;
  protected?: boolean | null;
  hidden?: boolean | null;
  tags?: string[] | null;
  addTags?: string[] | null;
  removeTags?: string[] | null;
  properties?: PropertyInput[] | null;
  setProperties?: PropertyInput[] | null;
  removeProperties?: string[] | null;
}

/**
 * Returns the changed image, and what the metadata definitions say against it; its revision grew by one, unless
 * nothing was different.
 *
 * @throws NotFoundError      the caller may not see the image
 * @throws ForbiddenError     not the owner's; a visibility or owner that is not the caller's to give; a protected
 *                            property; or what the caller's token is not for afterwards
 * @throws ValidationError    every mistake of the input at once; or, where definitions are enforced, every property
 *                            that is set to something else and breaks one
 * @throws ConflictError      REVISION_MISMATCH, or WRONG_STATUS: formats are fixed once there is data
 * @throws QuotaExceededError more tags or properties than an image can have, or a new owner without room for it
 */
export function updateImage(app: App, caller: Caller, input: UpdateImage): Promise<WrittenImage> {
  return updateImageBy(app, caller, { id: input.id, newOwner: input.owner ?? null, decide: () => input });
}

/** A change that hangs on what stands there: decided while nobody else can change the image, perhaps more than once. */
export interface UpdateImageBy {
  id: string;
  /** The owner that it may be given; null: it keeps its own. */
  newOwner: string | null;
  /** Sees the properties that the caller may read. May throw what the change is refused with. */
  decide(image: ImageRow): Omit<UpdateImage, 'id'>;
}

/** As updateImage. @throws also what `decide` throws */
export async function updateImageBy(
  app: App,
  caller: Caller,
  { id: asked, newOwner, decide }: UpdateImageBy,
): Promise<WrittenImage> {
  const check = await checkProperties(app, caller);
  const { policy } = app;
  // Looked up before the transaction: it may have to ask elsewhere. Whether the owner may change is asked in it.
  const isTaker =
    newOwner !== null && projectIssues([], newOwner).length === 0 && mayEver(policy, caller, 'giveAway');
  const taker = isTaker ? await allowanceOf(app, newOwner) : null;
  const id = await transaction(app.db, async (tx) => {
    const image = await requireLockedImage(tx, caller, { id: asked, operation: 'update', policy });
    const seen = readable(app.protection, caller, image);
    const input = { ...decide(seen), id: image.id };
    const issues = updateIssues(input);
    if (issues.length > 0) throw new ValidationError(issues);
    requireRevision(image, input.ifRevision);
    const change = difference(image, changed(app, caller, { image, input }));
    checkRights(app, caller, { image, change });
    if (change.properties) for (const given of newValues(seen, input)) check.require(given);
    if (change.owner != null && change.owner !== newOwner) throw new Error('An owner that nobody spoke of.');
    if (change.owner != null && taker) await takeRoom(tx, taker, await findUsageOfImage(tx, image.id));
    if (Object.keys(change).length === 0) return image.id;
    await updateImageRow(tx, image.id, change);
    await requireInTokenFilter(tx, caller, image.id);
    const changes = changesOf(image, change);
    await recordChange(tx, {
      by: actorOf(caller),
      action: 'updateImage',
      object: imageObject(image),
      changes,
    });
    return image.id;
  });
  const image = await imageAfterChange(app, caller, id);
  return { image, issues: check.issuesOf(image.properties) };
}

/** What was there before, and could be seen, stays allowed, whatever its definition has become. */
function newValues(image: ImageRow, input: UpdateImage): GivenProperties[] {
  return (['properties', 'setProperties'] as const).map((field) => ({
    field,
    properties: input[field] ?? [],
    isKept: ({ name, value }) => Object.hasOwn(image.properties, name) && image.properties[name] === value,
  }));
}

/** @throws ConflictError REVISION_MISMATCH: somebody changed the image since that revision */
export function requireRevision(image: ImageRow, ifRevision: number | null | undefined): void {
  if (ifRevision == null || ifRevision === image.revision) return;
  throw new ConflictError(
    'REVISION_MISMATCH',
    `Image ${image.id} is at revision ${image.revision}, not ${ifRevision}; read it again and decide anew.`,
    image.revision,
  );
}

function updateIssues(input: UpdateImage): ValidationIssue[] {
  const found = fieldIssues(input);
  const add = (path: string[], code: string, message: string) =>
    found.push({ path, code, message, suggestion: null });
  for (const field of notNull) {
    if (input[field] === null) add([field], 'REQUIRED', `${field} cannot be null; leave it out to keep it.`);
  }
  if (input.tags && (input.addTags || input.removeTags)) {
    add(['tags'], 'CONTRADICTION', 'Give all tags anew, or addTags and removeTags, not both.');
  }
  if (input.properties && (input.setProperties || input.removeProperties)) {
    add(
      ['properties'],
      'CONTRADICTION',
      'Give all properties anew, or setProperties and removeProperties, not both.',
    );
  }
  found.push(...tagListIssues(['addTags'], input.addTags ?? []));
  found.push(...propertyListIssues(['setProperties'], input.setProperties ?? []));
  for (const [i, name] of (input.removeProperties ?? []).entries()) {
    const path = ['removeProperties', String(i)];
    found.push(...propertyNameIssues(path, name));
    if (input.setProperties?.some((p) => p.name === name)) {
      add(path, 'CONTRADICTION', `Property ${name} is to be set and removed at once.`);
    }
  }
  return found;
}

const notNull = [
  'visibility',
  'owner',
  'minDisk',
  'minRam',
  'protected',
  'hidden',
  'tags',
  'addTags',
  'removeTags',
  'properties',
  'setProperties',
  'removeProperties',
] as const satisfies (keyof UpdateImage)[];

/** The fields as they will stand; those not spoken of are missing. */
function changed(
  app: App,
  caller: Caller,
  { image, input }: { image: ImageRow; input: UpdateImage },
): ImageChange {
  const change: ImageChange = {};
  for (const field of ['name', 'diskFormat', 'containerFormat'] as const) {
    if (input[field] !== undefined) Object.assign(change, { [field]: input[field] });
  }
  for (const field of ['visibility', 'owner', 'minDisk', 'minRam', 'protected', 'hidden'] as const) {
    if (input[field] != null) Object.assign(change, { [field]: input[field] });
  }
  if (input.tags || input.addTags || input.removeTags) {
    const gone = new Set(input.removeTags ?? []);
    const kept = (input.tags ?? image.tags).filter((tag) => !gone.has(tag));
    change.tags = normalTags([...kept, ...(input.addTags ?? [])]);
  }
  if (input.properties || input.setProperties || input.removeProperties) {
    change.properties = changedProperties(app.protection, caller, { there: image.properties, change: input });
  }
  if (change.properties || change.diskFormat !== undefined) {
    change.kind = kindOf({ ...image, ...change } as ImageRow);
  }
  return change;
}

/** Only what is really different: an update that says what stands there already changes nothing. */
function difference(image: ImageRow, change: ImageChange): ImageChange {
  const isSame = (a: unknown, b: unknown) => a === b || stable(a) === stable(b);
  const entries = Object.entries(change).filter(
    ([field, value]) => !isSame(image[field as keyof ImageRow], value),
  );
  return Object.fromEntries(entries);
}

function stable(value: unknown): string {
  if (value === null || typeof value !== 'object' || Array.isArray(value)) return JSON.stringify(value);
  return JSON.stringify(Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1)));
}

function checkRights(
  { policy }: App,
  caller: Caller,
  { image, change }: { image: LockedImage; change: ImageChange },
): void {
  if (change.owner !== undefined && !mayDo(policy, caller, 'giveAway', image)) {
    const roles = caller.roles.join(', ') || 'none';
    throw new ForbiddenError(
      `You may not give an image to another project (roles: ${roles}); leave owner out, or ask an admin.`,
    );
  }
  if (change.visibility) requireVisibilityRight(policy, caller, image, change.visibility);
  const formatsChange = change.diskFormat !== undefined || change.containerFormat !== undefined;
  if (formatsChange && !formatsAreOpen(image.status)) {
    throw new ConflictError(
      'WRONG_STATUS',
      `Image ${image.id} is ${image.status}; its formats were fixed when its data came. Make a new image.`,
    );
  }
  const clears = change.diskFormat === null || change.containerFormat === null;
  if (clears && image.status !== 'queued') {
    throw new ConflictError(
      'WRONG_STATUS',
      `Image ${image.id} is ${image.status}, and its data needs both formats; change them in place of clearing them.`,
    );
  }
}

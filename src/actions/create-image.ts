/** Registers an image: metadata now, bytes later. */
import { randomUUID } from 'node:crypto';
import { recordChange } from '../db/audit.ts';
import { transaction } from '../db/client.ts';
import { isTombstoned } from '../db/copies.ts';
import { sqlState } from '../db/failure.ts';
import { insertImage } from '../db/images.ts';
import { takeRoom } from '../db/quotas.ts';
import { actorOf, changesOf, imageObject } from '../domain/audit.ts';
import type { Caller } from '../domain/caller.ts';
import { ConflictError, ForbiddenError, ValidationError, type ValidationIssue } from '../domain/errors.ts';
import {
  limits,
  minimumIssues,
  normalProperties,
  normalTags,
  type PropertyInput,
  projectIssues,
  propertyListIssues,
  tagListIssues,
  textIssues,
} from '../domain/fields.ts';
import {
  type ContainerFormat,
  type DiskFormat,
  type ImageVisibility,
  kindOf,
  parseImageId,
} from '../domain/image.ts';
import { mayCreate } from '../domain/policy.ts';
import { requireCreatable } from '../domain/property-protection.ts';
import { allowanceOf } from './allowance.ts';
import type { App } from './app.ts';
import { checkProperties, type WrittenImage } from './metadef/check-properties.ts';
import {
  imageAfterChange,
  requireInTokenFilter,
  requireToken,
  requireVisibilityRight,
  requireWriter,
} from './require-image.ts';

/** What is left out gets its default; formats may follow later. */
export interface CreateImage {
  id?: string | null;
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
  properties?: PropertyInput[] | null;
}

/**
 * Returns the new image, queued, at revision 1, and what the metadata definitions say against it.
 *
 * @throws ValidationError    every mistake of the input at once; or, where definitions are enforced, every property
 *                            that breaks one
 * @throws ForbiddenError     an owner or a visibility that is not the caller's to give, or a protected property; or the
 *                            caller's token is for other images
 * @throws ConflictError      ALREADY_EXISTS: the id is or was in use, by whomever
 * @throws QuotaExceededError more tags or properties than an image can have, or images than the project may
 */
export async function createImage(app: App, caller: Caller, input: CreateImage): Promise<WrittenImage> {
  requireToken(caller);
  requireWriter(caller);
  const owner = input.owner ?? caller.project;
  const issues = createIssues(input);
  if (issues.length > 0) throw new ValidationError(issues);
  const visibility = input.visibility ?? 'shared';
  checkRights(app, caller, { owner, visibility });
  requireCreatable(app.protection, caller, input.properties ?? []);
  const check = await checkProperties(app, caller);
  check.require({ field: 'properties', properties: input.properties ?? [] });

  const id = input.id == null ? randomUUID() : input.id.toLowerCase();
  const properties = normalProperties((input.properties ?? []).map((p) => [p.name, p.value] as const));
  const diskFormat = input.diskFormat ?? null;
  const row = {
    id,
    name: input.name ?? null,
    status: 'queued' as const,
    visibility,
    owner,
    kind: kindOf({ diskFormat, properties }),
    diskFormat,
    containerFormat: input.containerFormat ?? null,
    minDisk: input.minDisk ?? 0,
    minRam: input.minRam ?? 0,
    protected: input.protected ?? false,
    hidden: input.hidden ?? false,
    tags: normalTags(input.tags ?? []),
    properties,
  };
  const allowance = await allowanceOf(app, owner);
  try {
    await transaction(app.db, async (tx) => {
      await takeRoom(tx, allowance, { images: 1 });
      await insertImage(tx, row);
      // Asked after the insert: it waits for a deletion under way, and this statement then sees its tombstone.
      if (input.id != null && (await isTombstoned(tx, id))) throw taken(id);
      await requireInTokenFilter(tx, caller, id);
      const { id: _, ...fields } = row;
      const changes = changesOf(null, fields);
      await recordChange(tx, {
        by: actorOf(caller),
        action: 'createImage',
        object: imageObject(row),
        changes,
      });
    });
  } catch (error) {
    if (sqlState(error) === '23505') throw taken(id);
    throw error;
  }
  const image = await imageAfterChange(app, caller, id);
  return { image, issues: check.issuesOf(image.properties) };
}

const taken = (id: string) =>
  new ConflictError('ALREADY_EXISTS', `The image id ${id} is or was in use; take another one.`);

function createIssues(input: CreateImage): ValidationIssue[] {
  const found: ValidationIssue[] = [];
  if (input.id != null && parseImageId(input.id) === null) {
    const message = 'An image id is a UUID, such as 0f6e2a0e-3c1f-4f0e-9d55-2f5b2c1f8a11.';
    found.push({ path: ['id'], code: 'BAD_ID', message, suggestion: null });
  }
  return [...found, ...fieldIssues(input)];
}

/** Issues of the fields that creating and updating share; paths begin at the input. */
export function fieldIssues(input: Omit<CreateImage, 'id'>): ValidationIssue[] {
  const found: ValidationIssue[] = [];
  if (input.name != null) found.push(...textIssues(['name'], 'The name', input.name, limits.nameLength));
  if (input.owner != null) found.push(...projectIssues(['owner'], input.owner));
  if (input.minDisk != null) found.push(...minimumIssues(['minDisk'], 'minDisk', input.minDisk));
  if (input.minRam != null) found.push(...minimumIssues(['minRam'], 'minRam', input.minRam));
  found.push(...tagListIssues(['tags'], input.tags ?? []));
  found.push(...propertyListIssues(['properties'], input.properties ?? []));
  return found;
}

function checkRights(
  app: App,
  caller: Caller,
  { owner, visibility }: { owner: string | null; visibility: ImageVisibility },
): void {
  if (!mayCreate(app.policy, caller, owner)) {
    const roles = caller.roles.join(', ') || 'none';
    throw new ForbiddenError(
      owner === caller.project
        ? `You may not create images here (roles: ${roles}); as a rule it needs the role member in a project.`
        : `You may not create images for another project than your own (roles: ${roles}); leave owner out.`,
    );
  }
  const image = { id: '', status: 'queued', visibility: 'private', owner, protected: false } as const;
  requireVisibilityRight(app.policy, caller, { ...image, membership: null }, visibility);
}

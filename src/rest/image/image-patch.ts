/** JSON patches of images, in both media types: read once, and applied to an image as it stands. */
import type { UpdateImage } from '../../actions/update-image.ts';
import type { ImageRow } from '../../db/images.ts';
import type { PropertyInput } from '../../domain/fields.ts';
import { HttpError } from '../../http/problem.ts';
import { requireObject } from '../json.ts';
import { badRequest, notWritable } from '../problem.ts';
import { isBase, readField, requireWritable } from './image-fields.ts';
import { type LocationStep, readLocationStep } from './location-patch.ts';

const v20 = 'application/openstack-images-v2.0-json-patch';
const v21 = 'application/openstack-images-v2.1-json-patch';
export const patchTypes: readonly string[] = [v20, v21];

type Change = Omit<UpdateImage, 'id'>;

/** A step, checked as far as it can be without the image. */
type Step =
  | { op: 'set'; change: Change }
  /** `mayExist` and `mustExist` are about a custom property of that name. */
  | { op: 'setProperty'; property: PropertyInput; mayExist: boolean; mustExist: boolean }
  | { op: 'removeProperty'; name: string }
  | { op: 'moveProperty'; from: string; name: string };

export interface Patch {
  /** Null: it says nothing of the owner. */
  newOwner: string | null;
  /** Done by themselves, once the rest is. */
  locations: readonly LocationStep[];
  /** @throws HttpError 409 a custom property that is not there, or is */
  changeOf(image: ImageRow): Change;
}

/**
 * The change that a patch stands for, given the image: applied in order, saved once.
 * @throws HttpError 400 no patch, or a value that is none for its field; 403 fields that are not the client's.
 */
export function readPatch(json: unknown, mediaType: string, hasLocations: boolean): Patch {
  if (!Array.isArray(json)) throw badRequest('A patch is a list of operations.');
  const operations = json.map((item: unknown) => {
    const operation = requireObject(item, 'Each operation of a patch');
    return mediaType === v20 ? readOldOperation(operation) : readOperation(operation);
  });
  const isOfLocations = ({ path }: Operation) => hasLocations && path === 'locations';
  const steps = operations.filter((one) => !isOfLocations(one)).map(stepOf);
  const locations = operations
    .filter(isOfLocations)
    .map(({ op, below, value }) => readLocationStep(op, below, value));
  const owners = steps.flatMap((step) => (step.op === 'set' && step.change.owner) || []);
  return { newOwner: owners.at(-1) ?? null, locations, changeOf: (image) => apply(steps, image) };
}

interface Operation {
  op: string;
  path: string;
  /** What stands below `locations`: '', '/-' or '/0'. Nothing else has anything below it. */
  below: string;
  /** Undefined: none was given. */
  value: unknown;
  from: string | null;
  /** An `add` that finds the property there is refused. */
  isNew: boolean;
}

/** RFC 6902. Of its six operations only these: `move` because python-jsonpatch makes it of a property renamed. */
const known = ['add', 'replace', 'remove', 'move'];
const names = known.join(', ');

function readOperation({ op, path, value, from }: Record<string, unknown>): Operation {
  if (typeof op !== 'string' || !known.includes(op))
    throw badRequest(`An operation's op is one of ${names}.`);
  if (op !== 'move') return { op, ...placeOf(path), value, from: null, isNew: false };
  return { op, ...placeOf(path), value: undefined, from: placeOf(from).path, isNew: false };
}

/** `{"add": "/x", "value": ...}`, as the API had it before RFC 6902 came. */
function readOldOperation(operation: Record<string, unknown>): Operation {
  const ops = ['add', 'replace', 'remove'].filter((name) => Object.hasOwn(operation, name));
  const [op] = ops;
  if (op === undefined || ops.length > 1)
    throw badRequest('An operation has one of add, replace and remove.');
  return { op, ...placeOf(operation[op]), value: operation.value, from: null, isNew: op === 'add' };
}

/** The one name that a JSON pointer (RFC 6901) into an image has. */
function placeOf(pointer: unknown): Pick<Operation, 'path' | 'below'> {
  if (typeof pointer !== 'string' || !pointer.startsWith('/')) throw badPointer(pointer);
  const [, name = '', ...deeper] = pointer.split('/');
  if (name === 'locations') return { path: name, below: pointer.slice('/locations'.length) };
  if (name === '' || deeper.length > 0 || /~(?![01])/.test(name)) throw badPointer(pointer);
  return { path: name.replaceAll('~1', '/').replaceAll('~0', '~'), below: '' };
}

const badPointer = (pointer: unknown) =>
  badRequest(`${JSON.stringify(pointer)?.slice(0, 100)} is no path to a field of an image, such as "/name".`);

function stepOf({ op, path: name, value, from, isNew }: Operation): Step {
  if (op === 'remove') return { op: 'removeProperty', name: requireRemovable(name) };
  if (op === 'move') {
    requireWritable(name);
    if (isBase(name)) throw badRequest(`Nothing can be moved to ${name}, which every image has.`);
    return { op: 'moveProperty', from: requireRemovable(from ?? ''), name };
  }
  if (value === undefined) throw badRequest(`An operation with op ${op} has a value.`);
  const field = readField(name, value);
  if (field.base !== null) {
    if (isNew) throw conflict(`${name} is there already; replace it.`);
    return { op: 'set', change: { [field.base]: field.value } };
  }
  const { property } = field;
  return { op: 'setProperty', property, mayExist: !isNew, mustExist: op === 'replace' };
}

function requireRemovable(name: string): string {
  requireWritable(name);
  if (isBase(name)) throw notWritable(`Property ${name} may not be removed.`);
  return name;
}

function apply(steps: readonly Step[], image: ImageRow): Change {
  const change: Change = {};
  const properties = new Map(Object.entries(image.properties));
  const require = (name: string) => {
    const value = properties.get(name);
    if (value === undefined) throw conflict(`Property ${name.slice(0, 255)} does not exist.`);
    return value;
  };
  for (const step of steps) {
    if (step.op === 'set') Object.assign(change, step.change);
    else if (step.op === 'setProperty') {
      const { name, value } = step.property;
      if (step.mustExist) require(name);
      if (!step.mayExist && properties.has(name)) throw conflict(`Property ${name} already present.`);
      properties.set(name, value);
    } else if (step.op === 'removeProperty') {
      require(step.name);
      properties.delete(step.name);
    } else {
      const value = require(step.from);
      properties.delete(step.from);
      properties.set(step.name, value);
    }
  }
  return { ...change, ...differenceOf(image.properties, properties) };
}

/** Only what changes: what else stands there is not the client's doing. */
function differenceOf(before: Readonly<Record<string, string>>, now: ReadonlyMap<string, string>): Change {
  const isKept = (name: string, value: string) => Object.hasOwn(before, name) && before[name] === value;
  const changed = [...now].filter(([name, value]) => !isKept(name, value));
  const removed = Object.keys(before).filter((name) => !now.has(name));
  return {
    ...(changed.length > 0 && { setProperties: changed.map(([name, value]) => ({ name, value })) }),
    ...(removed.length > 0 && { removeProperties: removed }),
  };
}

const conflict = (message: string) => new HttpError(409, 'CONFLICT', message);

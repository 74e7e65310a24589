/**
 * Calls that were denied to somebody we know, in the audit log. Each is written at once; the same again within a minute is
 * only counted, and written once more at its end. So a flood of them fills no disk: of one actor a minute leaves the
 * calls to so many objects, and those to all others as if they named none.
 */
import type { Logger } from 'pino';
import { findImageObject, recordChange } from '../db/audit.ts';
import { type Database, transaction } from '../db/client.ts';
import { findNamespace } from '../db/metadef/namespaces.ts';
import { type Actor, type AuditedObject, type AuditObjectType, actorOf } from '../domain/audit.ts';
import type { Caller } from '../domain/caller.ts';
import { ForbiddenError } from '../domain/errors.ts';
import { parseImageId } from '../domain/image.ts';

/** What somebody asked for. */
export interface Call {
  /** A mutation, or what the byte routes do: `downloadImage`. */
  action: string;
  type: AuditObjectType;
  /** As it was asked for; null: none was named. */
  id: string | null;
}

export interface Denials {
  /** Notes it; where the log cannot be written the answer is the same, and the service's own log has it. */
  note(caller: Caller, call: Call, error: ForbiddenError): Promise<void>;
  /** Writes what was only counted. */
  flush(): Promise<void>;
  /** The same, for the last time. */
  close(): Promise<void>;
}

const minuteMs = 60_000;
/** Of one actor in a minute. */
const objectsMax = 30;

interface Denied {
  by: Actor;
  call: Call;
  message: string;
  /** Since it was written. */
  again: number;
}

export function openDenials(db: Database, log: Logger): Denials {
  let minute = new Map<string, Map<string, Denied>>();
  const timer = setInterval(() => void flush(), minuteMs).unref();

  async function write({ by, call, message }: Denied, times: number): Promise<void> {
    const { action } = call;
    try {
      const object = await objectOf(db, call);
      const entry = { by, action, object, result: 'denied', message, times } as const;
      await transaction(db, (tx) => recordChange(tx, entry));
    } catch (error) {
      log.error({ err: error, actor: by, ...call, times }, 'a denied call is not in the audit log');
    }
  }

  async function flush(): Promise<void> {
    const over = minute;
    minute = new Map();
    for (const ofActor of over.values()) {
      for (const denied of ofActor.values()) if (denied.again > 0) await write(denied, denied.again);
    }
  }

  return {
    async note(caller, call, { message }) {
      const by = actorOf(caller);
      const who = JSON.stringify([by.kind, by.user, by.project, by.robot]);
      const ofActor = minute.get(who) ?? new Map<string, Denied>();
      minute.set(who, ofActor);
      const isNew = !ofActor.has(keyOf(call));
      const counted = isNew && ofActor.size >= objectsMax ? { ...call, id: null } : call;
      const known = ofActor.get(keyOf(counted));
      if (known) {
        known.again++;
        return;
      }
      const denied = { by, call: counted, message: counted === call ? message : tooMany, again: 0 };
      ofActor.set(keyOf(counted), denied);
      await write(denied, 1);
    },
    flush,
    async close() {
      clearInterval(timer);
      await flush();
    },
  };
}

const tooMany = `More than ${objectsMax} different calls were denied within a minute; these are the others.`;

const keyOf = ({ action, type, id }: Call) => JSON.stringify([action, type, id]);

/** What was denied was seen: whose it is may be told. */
async function objectOf(db: Database, { type, id }: Call): Promise<AuditedObject> {
  const imageId = type === 'image' && id !== null ? parseImageId(id) : null;
  const image = imageId === null ? null : await findImageObject(db, imageId);
  if (image) return image;
  const isName = type === 'metadefNamespace' && id !== null && !id.includes('\0') && id.isWellFormed();
  const namespace = isName ? await findNamespace(db, id) : null;
  return namespace
    ? { type, id: namespace.id, name: namespace.namespace, owner: namespace.owner }
    : { type, id, owner: null };
}

/** Does what a door was asked for; when it is denied, that is noted, and told as it was. */
export async function notingDenial<T>(
  app: { denials: Denials },
  { caller, ...call }: Call & { caller: Caller },
  work: () => Promise<T>,
): Promise<T> {
  try {
    return await work();
  } catch (error) {
    await noteIfDenied(app, { caller, error, call: () => call });
    throw error;
  }
}

/** The same, for a door that has the error. Without a token nobody is known who could be named. */
export async function noteIfDenied(
  { denials }: { denials: Denials },
  { caller, error, call }: { caller: Caller; error: unknown; call(): Call },
): Promise<void> {
  if (error instanceof ForbiddenError && !caller.isAnonymous) await denials.note(caller, call(), error);
}

/** Which properties of an image of another region its import takes over, and what is to be told of them. */
import { callerWith } from '../domain/caller.ts';
import { propertiesBeside } from '../domain/fields.ts';
import type { ImportOrder } from '../domain/import.ts';
import type { App } from './app.ts';
import { checkProperties } from './metadef/check-properties.ts';

/** So many sentences, or names, are told. */
const toldMax = 10;

export interface TakenOver {
  taken: Record<string, string>;
  /** Null: there is nothing to tell. */
  note: string | null;
}

/**
 * Those that the image lacks and has room for, and that who asked for the import may create. Where definitions are enforced, what breaks one stays behind: the
 * bytes are what was asked for, and nobody here chose these values.
 */
export async function takeOver(
  app: App,
  {
    project,
    isAdmin,
    roles = [isAdmin ? 'admin' : 'member'],
  }: Pick<ImportOrder, 'project' | 'isAdmin' | 'roles'>,
  found: Readonly<Record<string, string>>,
  own: Readonly<Record<string, string>>,
): Promise<TakenOver> {
  const caller = callerWith({ user: null, project, roles });
  const check = await checkProperties(app, caller);
  const isNew = ([name]: [string, string]) =>
    !Object.hasOwn(own, name) && (app.protection?.may(caller, 'create', name) ?? true);
  const offered = Object.fromEntries(Object.entries(found).filter(isNew));
  const issues = check.issuesOf(offered).filter(({ code }) => code !== 'MISSING');
  const refused = new Set(check.isEnforced ? issues.map(({ property }) => property) : []);
  const welcome = Object.fromEntries(Object.entries(offered).filter(([name]) => !refused.has(name)));
  const taken = propertiesBeside(own, welcome);
  const noRoom = Object.keys(welcome).filter((name) => !Object.hasOwn(taken, name));
  const sentences = [
    ...firsts(issues.map(({ message }) => message)),
    ...(refused.size > 0 ? [`Not taken over: ${firsts([...refused]).join(', ')}.`] : []),
    ...(noRoom.length > 0 ? [`No room for: ${firsts(noRoom).join(', ')}.`] : []),
  ];
  return { taken, note: sentences.join(' ') || null };
}

const firsts = (texts: readonly string[]) =>
  texts.length > toldMax ? [...texts.slice(0, toldMax), `and ${texts.length - toldMax} more`] : texts;

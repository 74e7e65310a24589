/**
 * Property protection: which custom properties a caller may create, read, update and delete, by rules on their names.
 * The first rule whose pattern is found in the name decides; without one it is forbidden. What may not be read is as if
 * it were not there. Null in place of the protection: there are no rules, and everything is allowed.
 */
import { RE2JS } from 're2js';
import { type Caller, rolesOf } from './caller.ts';
import { ForbiddenError } from './errors.ts';
import { normalProperties, type PropertyInput } from './fields.ts';
import type { Policy } from './policy.ts';
import { type RuleName, ruleNames } from './policy-rules.ts';
import { signatureProperties } from './signature.ts';

export const propertyOperations = ['create', 'read', 'update', 'delete'] as const;
export type PropertyOperation = (typeof propertyOperations)[number];

/** Everybody; nobody; the roles that a rule of the policy names; or roles. */
export type PropertyAccess = '@' | '!' | RuleName | readonly string[];

export interface ProtectionRule extends Readonly<Record<PropertyOperation, PropertyAccess>> {
  /** A regular expression (RE2), which may match anywhere in the name. */
  readonly name: string;
}

export interface PropertyProtection {
  may(caller: Pick<Caller, 'roles'>, operation: PropertyOperation, name: string): boolean;
}

/** They are the service's own: no rule is asked. */
const ownPrefix = 'os_glance_';

/** Names whose rule is remembered: users may ask for any. */
const rememberedMax = 20_000;

/** @throws what is wrong with a pattern, which the settings have looked at before */
export function protectionWith(
  rules: readonly ProtectionRule[] | null,
  policy: Policy,
): PropertyProtection | null {
  if (rules === null) return null;
  const compiled = rules.map((rule) => ({
    pattern: RE2JS.compile(rule.name),
    roles: Object.fromEntries(
      propertyOperations.map((operation) => [operation, rolesWith(rule[operation], policy)]),
    ) as Record<PropertyOperation, ReadonlySet<string> | 'all'>,
  }));
  const known = new Map<string, (typeof compiled)[number] | null>();

  function ruleFor(name: string) {
    let found = known.get(name);
    if (found !== undefined) return found;
    found = compiled.find(({ pattern }) => pattern.matcher(name).find()) ?? null;
    if (known.size >= rememberedMax) known.clear();
    known.set(name, found);
    return found;
  }

  return {
    may(caller, operation, name) {
      if (name.startsWith(ownPrefix)) return true;
      const roles = ruleFor(name)?.roles[operation];
      return roles === 'all' || (roles !== undefined && caller.roles.some((role) => roles.has(role)));
    },
  };
}

/** Every role that has the access, by itself or by a role that comes with it. */
function rolesWith(access: PropertyAccess, { roles, rules }: Policy): ReadonlySet<string> | 'all' {
  if (access === '@') return 'all';
  if (access === '!') return new Set();
  const named: readonly string[] = isRule(access) ? Object.keys(rules[access]) : access;
  return new Set(roles.filter((role) => rolesOf(role).some((one) => named.includes(one))));
}

const isRule = (access: PropertyAccess): access is RuleName =>
  typeof access === 'string' && (ruleNames as readonly string[]).includes(access);

type Properties = Record<string, string>;

/** The image as the caller may read it; itself when nothing is hidden. Its properties may not have been read. */
export function readable<T extends { properties?: Properties; signature?: unknown }>(
  protection: PropertyProtection | null,
  caller: Caller,
  image: T,
): T {
  if (protection === null) return image;
  const isSigned = image.signature != null;
  const hidesSignature =
    isSigned && signatureProperties.some((name) => !protection.may(caller, 'read', name));
  return readableProperties(protection, caller, hidesSignature ? { ...image, signature: null } : image);
}

function readableProperties<T extends { properties?: Properties }>(
  protection: PropertyProtection,
  caller: Caller,
  image: T,
): T {
  const { properties } = image;
  if (properties === undefined) return image;
  const names = Object.keys(properties);
  const seen = names.filter((name) => protection.may(caller, 'read', name));
  if (seen.length === names.length) return image;
  return { ...image, properties: Object.fromEntries(seen.map((name) => [name, properties[name] ?? ''])) };
}

/** @throws ForbiddenError one of a new image may not be created */
export function requireCreatable(
  protection: PropertyProtection | null,
  caller: Caller,
  given: readonly PropertyInput[],
): void {
  if (protection === null) return;
  refuse(
    caller,
    given
      .filter(({ name }) => !protection.may(caller, 'create', name))
      .map(({ name }) => ({ name, to: 'create' })),
  );
}

/** What is to become of properties; lists that are not given say nothing. */
export interface PropertiesChange {
  /** All of them anew. */
  properties?: readonly PropertyInput[] | null | undefined;
  setProperties?: readonly PropertyInput[] | null | undefined;
  removeProperties?: readonly string[] | null | undefined;
}

/**
 * The properties as they will stand. What the caller may not read stays and counts for nothing, and nothing that is
 * said tells whether it is there; of all properties anew, those that may not be deleted stay too.
 *
 * @throws ForbiddenError     a property may not be created, updated or removed
 * @throws QuotaExceededError more than an image can have, of those that the caller sees
 */
export function changedProperties(
  protection: PropertyProtection | null,
  caller: Caller,
  { there, change }: { there: Properties; change: PropertiesChange },
): Properties {
  const may = (operation: PropertyOperation, name: string) =>
    protection === null || protection.may(caller, operation, name);
  const entries = Object.entries(there);
  const seen = new Map(entries.filter(([name]) => may('read', name)));
  const refused: Refused[] = [];
  const given = change.properties ?? change.setProperties ?? [];
  for (const { name, value } of given) {
    if (seen.get(name) === value) continue;
    // Of what is not read nobody is told whether it would be created or updated: it takes both.
    const isHidden = !may('read', name);
    if ((isHidden || !seen.has(name)) && !may('create', name)) refused.push({ name, to: 'create' });
    else if ((isHidden || seen.has(name)) && !may('update', name)) {
      refused.push({ name, to: isHidden ? 'create' : 'update' });
    }
  }
  const gone = new Set(change.removeProperties?.filter((name) => seen.has(name)));
  for (const name of gone) if (!may('delete', name)) refused.push({ name, to: 'delete' });
  refuse(caller, refused);
  const kept = [...seen].filter(([name]) => (change.properties ? !may('delete', name) : !gone.has(name)));
  const visible = normalProperties([...kept, ...given.map(({ name, value }) => [name, value] as const)]);
  return { ...Object.fromEntries(entries.filter(([name]) => !seen.has(name))), ...visible };
}

interface Refused {
  name: string;
  to: Exclude<PropertyOperation, 'read'>;
}

/** More are not told one by one. */
const shownMax = 5;

function refuse(caller: Caller, refused: readonly Refused[]): void {
  if (refused.length === 0) return;
  const shown = refused.slice(0, shownMax).map(({ name, to }) => `${to} ${JSON.stringify(name)}`);
  const more = refused.length > shownMax ? ` and ${refused.length - shownMax} more` : '';
  const roles = caller.roles.join(', ') || 'none';
  throw new ForbiddenError(
    `Properties are protected: you may not ${shown.join(', ')}${more} (roles: ${roles}); leave them out, or ask an admin.`,
  );
}

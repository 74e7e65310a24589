/** The section `propertyProtection`: rules on the names of custom properties, in the order in which they are asked. */
import { RE2JS } from 're2js';
import { z } from 'zod';
import { builtInRoles } from '../domain/caller.ts';
import { ruleNames } from '../domain/policy-rules.ts';
import {
  type PropertyAccess,
  type ProtectionRule,
  propertyOperations,
} from '../domain/property-protection.ts';
import { meant } from './policy.ts';
import { keys, one } from './shape.ts';
import type { FileValue } from './yaml.ts';

const pattern = one((text) => {
  try {
    RE2JS.compile(text);
  } catch (error) {
    throw new Error(`is no regular expression (RE2): ${(error as Error).message}`);
  }
  return text;
});

const access = z.custom<FileValue>((value) => value !== undefined, { error: 'is missing' });

export const propertyProtectionSection = z
  .array(keys({ name: pattern, create: access, read: access, update: access, delete: access }), {
    error:
      'is a list of rules, such as [{ name: ^billing_, create: [admin], read: "@", update: "!", delete: "!" }]',
  })
  .min(1, { error: 'has at least one rule; leave it out to protect nothing' })
  .max(1000, { error: 'has at most 1000 rules' })
  .optional();

type Section = z.infer<typeof propertyProtectionSection>;

/** The rules; null: there are none. Whether roles are known shows where all sections are (sections.ts). */
export function protectionRules(
  section: Section,
  declaredRoles: readonly string[],
  problem: (path: (string | number)[], message: string) => void,
): readonly ProtectionRule[] | null {
  if (section === undefined) return null;
  const roles = [...new Set([...builtInRoles, ...declaredRoles])];
  const rules = section.map((rule, n) => {
    const read = (value: FileValue, operation: string) =>
      readAccess(value, roles, (message) => problem([n, operation], message));
    const accesses = propertyOperations.map((operation) => [operation, read(rule[operation], operation)]);
    return Object.freeze({ name: rule.name, ...Object.fromEntries(accesses) }) as ProtectionRule;
  });
  return Object.freeze(rules);
}

/** '@', '!', the name of a rule of the policy, or a list of roles. */
function readAccess(
  value: FileValue,
  roles: readonly string[],
  problem: (message: string) => void,
): PropertyAccess {
  const shape = `is '@' for all, '!' for nobody, a list of roles, or the name of a rule of the policy`;
  if (Array.isArray(value)) {
    const [only] = value;
    if (value.length === 1 && (only === '@' || only === '!')) return only;
    for (const role of value) {
      if (role === '@' || role === '!') problem(`has '${role}' among roles, where it stands alone`);
      else if (typeof role !== 'string') problem(shape);
      else if (!roles.includes(role))
        problem(`names ${JSON.stringify(role)}, which is no role${meant(role, roles)}`);
    }
    if (value.length === 0) problem(`names no role; for nobody it is '!'`);
    return Object.freeze(value as string[]);
  }
  if (value === '@' || value === '!') return value;
  if (typeof value !== 'string') problem(shape);
  else if (roles.includes(value)) problem(`is a role: write it as a list, [${value}]`);
  else if (!(ruleNames as string[]).includes(value)) problem(`${shape}${meant(value, ruleNames)}`);
  return value as PropertyAccess;
}

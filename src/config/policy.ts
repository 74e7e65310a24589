/** The section `policy`: roles that there are besides those of Keystone, and rules in place of the built-in ones. */
import { z } from 'zod';
import { builtInRoles } from '../domain/caller.ts';
import { didYouMean } from '../domain/did-you-mean.ts';
import type { PolicyOverrides } from '../domain/policy.ts';
import {
  type Grant,
  type Grants,
  objects,
  type Relation,
  type RuleName,
  ruleNames,
  ruleOf,
} from '../domain/policy-rules.ts';
import { keys, listOf, one } from './shape.ts';
import type { FileValue } from './yaml.ts';

export const policySection = keys({
  roles: listOf(
    one((text) => {
      if (!/^[^\s@!]{1,255}$/u.test(text) || text === 'any')
        throw new Error('is the name of a role: 1 to 255 characters without blanks, @ and !; and not any');
      if (text !== text.toLowerCase())
        throw new Error('is in lower case: names of roles have none, and are read so');
      return text;
    }),
    100,
  ).default([]),
  rules: z.custom<FileValue>(() => true).optional(),
}).transform((section, context): PolicyOverrides => {
  const roles = [...new Set([...builtInRoles, ...section.roles])];
  const problem = (path: string[], message: string) =>
    context.addIssue({ code: 'custom', path: ['rules', ...path], message });
  const rules: Partial<Record<RuleName, Grants>> = {};
  for (const [name, who] of entriesOf(section.rules, 'a map of rules to who may', (m) => problem([], m))) {
    const isKnown = (ruleNames as string[]).includes(name);
    if (!isKnown) problem([name], `is no rule${meant(name, ruleNames)}`);
    else rules[name as RuleName] = readRule(name as RuleName, who, { roles, problem });
  }
  return Object.freeze({ roles: section.roles, rules: Object.freeze(rules) });
});

interface Reading {
  roles: readonly string[];
  problem(path: string[], message: string): void;
}

function readRule(name: RuleName, who: FileValue, { roles, problem }: Reading): Grants {
  const { on, limit } = ruleOf(name);
  if (limit?.only === 'built in') problem([name], `cannot be overridden: ${limit.why}`);
  const shape = 'a map of roles to what they may it to, such as { admin: any, member: [owner] }';
  const grants: Record<string, Grant> = {};
  for (const [role, reach] of entriesOf(who, shape, (message) => problem([name], message))) {
    const at = [name, role];
    if (!roles.includes(role)) problem(at, `is no role${meant(role, roles)}; policy.roles declares more`);
    const grant = readReach(reach, objects[on], (message) => problem(at, message));
    const isPart = grant !== 'any' && grant.length < objects[on].length;
    if (limit?.only === 'any or all' && isPart) {
      problem(at, `is any, or all of [${objects[on].join(', ')}]: ${limit.why}`);
    }
    grants[role] = grant;
  }
  return Object.freeze(grants);
}

/** One relation, a list of them, or any. */
function readReach(reach: FileValue, known: readonly Relation[], problem: (message: string) => void): Grant {
  const words = Array.isArray(reach) ? reach : [reach];
  const there = known.length > 0 ? `any, or some of [${known.join(', ')}]` : 'any';
  if (words.length === 0) problem(`names nothing; leave the role out, or say ${there}`);
  if (words.length === 1 && words[0] === 'any') return 'any';
  const found: Relation[] = [];
  for (const word of words) {
    if ((known as readonly FileValue[]).includes(word)) found.push(word as Relation);
    else if (typeof word !== 'string') problem(`is ${there}`);
    else problem(`names ${JSON.stringify(word)}, which is no relation here${meant(word, [...known, 'any'])}`);
  }
  return Object.freeze([...new Set(found)]);
}

/** What a map has; nothing, and a problem, when it is none. */
function entriesOf(
  value: FileValue,
  shape: string,
  problem: (message: string) => void,
): [string, FileValue][] {
  if (typeof value === 'object' && !Array.isArray(value)) return Object.entries(value);
  if (value !== undefined || shape.includes('roles')) problem(`is ${shape}`);
  return [];
}

/** The likely right word, or all there are. */
export function meant(typed: string, words: readonly string[]): string {
  const likely = didYouMean(typed, words);
  return likely ? `; did you mean ${likely}?` : `; there is ${words.join(', ')}`;
}

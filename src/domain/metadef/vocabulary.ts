/**
 * The definitions of image properties by their names on images, prefix included: what a property means to a caller,
 * what is wrong with the properties of an image, and what a mistyped name was meant to be.
 */
import type { Caller } from '../caller.ts';
import { editDistance } from '../did-you-mean.ts';
import { byCodePoint } from '../image.ts';
import { canSeeNamespace, ownsNamespace } from '../policy.ts';
import { type Checker, checkerOf, type FaultCode } from './check.ts';
import type { MetadefNamespace, MetadefObject, MetadefProperty } from './metadef.ts';

/** `property` is a name on the image; suggestion is a likely right name or value. */
export interface PropertyIssue {
  property: string;
  code: FaultCode | 'UNKNOWN_NAME' | 'MISSING';
  message: string;
  suggestion: string | null;
}

/** A namespace that is for images, with what is in it. */
export interface ImageNamespace {
  namespace: MetadefNamespace;
  prefix: string;
  objects: MetadefObject[];
  /** Its own and those of its objects. */
  properties: MetadefProperty[];
}

/** A definition under its name on images. */
export interface DefinedProperty {
  /** With prefix. */
  name: string;
  namespace: MetadefNamespace;
  property: MetadefProperty;
}

export interface Vocabulary {
  /**
   * The definition that names this property for a caller: of several that of the caller's project before public
   * ones, then by namespace name. Null when no namespace that they see has one.
   */
  find(caller: Caller, name: string): DefinedProperty | null;
  /** How a value breaks the definition of its name; also where the name is none but a likely typo. */
  issueOf(caller: Caller, name: string, value: string): PropertyIssue | null;
  /** What is wrong with all properties of an image: those that are there, then those that are missing. */
  issuesOf(caller: Caller, properties: Readonly<Record<string, string>>): PropertyIssue[];
}

interface Entry extends DefinedProperty {
  check: Checker | null;
  group: Group;
}

/** What is required together: the properties of an object, or those of a namespace itself. */
interface Group {
  label: string;
  /** Names on images. */
  required: string[];
}

export function vocabularyOf(namespaces: readonly ImageNamespace[]): Vocabulary {
  const entries = entriesByName(namespaces);
  let typos: ((caller: Caller, name: string) => string | null) | undefined;

  function find(caller: Caller, name: string): Entry | null {
    let best: Entry | null = null;
    for (const entry of entries.get(name) ?? []) {
      if (!canSeeNamespace(caller, entry.namespace)) continue;
      if (!best || rank(caller, entry) < rank(caller, best)) best = entry;
    }
    return best;
  }

  function issueOf(caller: Caller, name: string, value: string): PropertyIssue | null {
    const entry = find(caller, name);
    if (entry) return valueIssue(entry, value);
    typos ??= typoFinder([...entries.keys()], (caller, name) => find(caller, name) !== null);
    const suggestion = typos(caller, name);
    if (suggestion === null) return null;
    const message = `No definition knows ${shown(name)}; did you mean ${suggestion}?`;
    return { property: name, code: 'UNKNOWN_NAME', message, suggestion };
  }

  return {
    find,
    issueOf,
    issuesOf(caller, properties) {
      const issues: PropertyIssue[] = [];
      const groups = new Set<Group>();
      for (const name in properties) {
        const issue = issueOf(caller, name, properties[name] ?? '');
        if (issue) issues.push(issue);
        const group = find(caller, name)?.group;
        if (group && group.required.length > 0) groups.add(group);
      }
      for (const { label, required } of groups) {
        for (const name of required) {
          if (Object.hasOwn(properties, name)) continue;
          const message = `${shown(name)} is missing: ${label} requires it beside its other properties.`;
          issues.push({ property: name, code: 'MISSING', message, suggestion: null });
        }
      }
      return issues.sort((a, b) => byCodePoint(a.property, b.property));
    },
  };
}

function entriesByName(namespaces: readonly ImageNamespace[]): Map<string, Entry[]> {
  const entries = new Map<string, Entry[]>();
  const inOrder = namespaces.toSorted((a, b) => byCodePoint(a.namespace.namespace, b.namespace.namespace));
  for (const { namespace, prefix, objects, properties } of inOrder) {
    const groups = new Map<string | null, Group>([[null, { label: namespace.namespace, required: [] }]]);
    for (const { id, name, required } of objects) {
      const label = `${name} of ${namespace.namespace}`;
      groups.set(id, { label, required: required.map((one) => prefix + one) });
    }
    for (const property of properties) {
      const group = groups.get(property.objectId);
      if (!group) continue;
      const name = prefix + property.name;
      if (property.required && !group.required.includes(name)) group.required.push(name);
      const found = entries.get(name);
      const entry = { name, namespace, property, group, check: null };
      if (found) found.push(entry);
      else entries.set(name, [entry]);
    }
  }
  return entries;
}

const rank = (caller: Caller, { namespace }: Entry) => {
  if (ownsNamespace(caller, namespace)) return 0;
  return namespace.visibility === 'public' ? 1 : 2;
};

function valueIssue(entry: Entry, value: string): PropertyIssue | null {
  entry.check ??= checkerOf(entry.property);
  const fault = entry.check(value);
  if (!fault) return null;
  const { code, takes, suggestion } = fault;
  const hint = suggestion === null ? '' : ` Did you mean ${suggestion}?`;
  const message = `${shown(entry.name)} takes ${takes} (${entry.namespace.namespace}); it is ${JSON.stringify(shown(value))}.${hint}`;
  return { property: entry.name, code, message, suggestion };
}

/** Text as a message shows it: cut when long. */
const shown = (text: string) => (text.length > 100 ? `${text.slice(0, 100)}...` : text).toWellFormed();

/** Shorter names are one edit away from too much. */
const typoLength = 5;

/**
 * Names one edit away, the case of letters apart: looked up by what both are with a character left out. Names that
 * differ only in their digits are different things, and no typos.
 */
function typoFinder(names: readonly string[], isSeen: (caller: Caller, name: string) => boolean) {
  const byPart = new Map<string, string[]>();
  for (const name of names) {
    for (const part of partsOf(name)) {
      const known = byPart.get(part);
      if (known) known.push(name);
      else byPart.set(part, [name]);
    }
  }
  const digitless = (text: string) => text.replace(/\d/g, '');
  return (caller: Caller, name: string): string | null => {
    if (name.length < typoLength || name.length > 255) return null;
    const lower = name.toLowerCase();
    for (const part of partsOf(name)) {
      for (const candidate of byPart.get(part) ?? []) {
        if (editDistance(lower, candidate.toLowerCase()) > 1) continue;
        if (lower !== candidate.toLowerCase() && digitless(lower) === digitless(candidate.toLowerCase()))
          continue;
        if (isSeen(caller, candidate)) return candidate;
      }
    }
    return null;
  };
}

function* partsOf(name: string): Generator<string> {
  const lower = name.toLowerCase();
  yield lower;
  for (let i = 0; i < lower.length; i++) yield lower.slice(0, i) + lower.slice(i + 1);
}

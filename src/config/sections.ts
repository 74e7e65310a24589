/**
 * What the settings file may hold: a table with an entry for each section. A section that is new is one more entry
 * here, read with the same functions as the variables of the environment.
 */
import { z } from 'zod';
import { didYouMean } from '../domain/did-you-mean.ts';
import { parseDuration, parseInteger, parsePropertyName } from './parse.ts';
import type { FileValue, SettingsFile } from './yaml.ts';

/** A map with these keys and no others. */
function keys<S extends z.ZodRawShape>(shape: S) {
  const known = Object.keys(shape);
  return z.strictObject(shape, {
    // One line for each unknown key, in their order.
    error: (issue) =>
      issue.code === 'unrecognized_keys'
        ? (issue.keys as string[]).map((key) => unknownKey(key, known)).join('\n')
        : `holds ${known.length === 1 ? known[0] : `some of ${known.join(', ')}`}`,
  });
}

function unknownKey(key: string, known: readonly string[]): string {
  const meant = didYouMean(key, known);
  return `is not a setting${meant ? `; did you mean ${meant}?` : `; here are ${known.join(', ')}`}`;
}

/** A single value, read by a function of `parse.ts`. */
function one<T>(parse: (text: string) => T) {
  return z.string({ error: 'is a single value' }).transform((text, context) => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
      return z.NEVER;
    }
  });
}

/** A list without repetitions. */
function listOf<T>(item: z.ZodType<T, string>, max: number) {
  return z
    .array(item, { error: 'is a list, such as [one, two]' })
    .max(max, { error: `has at most ${max} entries` })
    .transform((items): readonly T[] => Object.freeze([...new Set(items)]));
}

const propertyName = one(parsePropertyName);

const search = keys({
  hotProperties: listOf(propertyName, 50).default([
    'os_distro',
    'os_version',
    'os_type',
    'architecture',
    'hw_architecture',
    'hypervisor_type',
    'image_type',
  ]),
  statementTimeout: one((text) => parseDuration(text, 10, 3_600_000)).default(2_000),
  costMax: one((text) => parseInteger(text, 1, 1_000_000_000)).default(250_000),
  describingProperties: listOf(propertyName, 50).default([
    'os_distro',
    'os_version',
    'title',
    'description',
    'image_description',
    'summary',
    'display_name',
  ]),
}).transform(({ statementTimeout, ...rest }) =>
  Object.freeze({ ...rest, statementTimeoutMs: statementTimeout }),
);

const sections = keys({ search: search.prefault({}) });

export type Sections = Readonly<z.infer<typeof sections>>;
export type SearchConfig = Sections['search'];

/** The sections with their defaults; without a file all are. Mistakes are added to `problems`, each with its place. */
export function readSections(file: SettingsFile | null, problems: string[]): Sections {
  const result = sections.safeParse(file?.value ?? {});
  problems.push(...(file?.problems ?? []));
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    const isKeys = issue.code === 'unrecognized_keys';
    const paths = isKeys ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
    const messages = isKeys ? issue.message.split('\n') : [issue.message];
    paths.forEach((path, n) => {
      if (file?.isFaulty(path)) return;
      const shown = isKeys || isHidden(file, path) ? null : valueAt(file?.value, path);
      const suffix = typeof shown === 'string' ? ` (it is ${JSON.stringify(shown)})` : '';
      problems.push(`${file?.placeOf(path) ?? path.join('.')} ${messages[n]}${suffix}`);
    });
  }
  return sections.parse({});
}

/** Whether what is there must not be repeated. */
function isHidden(file: SettingsFile | null, path: readonly PropertyKey[]): boolean {
  return file?.isPutIn(path) === true || path.some((key) => isSecretName(String(key)));
}

/** Whether a setting of this name is never printed. */
export function isSecretName(name: string): boolean {
  return /(password|secret|secretAccessKey|token)$/i.test(name);
}

function valueAt(value: FileValue, path: readonly PropertyKey[]): FileValue {
  let found = value;
  for (const key of path) found = (found as Record<PropertyKey, FileValue> | undefined)?.[key];
  return found;
}

/** What sections of the settings file are made of: maps with known keys, single values, lists. */
import { z } from 'zod';
import { didYouMean } from '../domain/did-you-mean.ts';

/** A map with these keys and no others. */
export function keys<S extends z.ZodRawShape>(shape: S) {
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
export function one<T>(parse: (text: string) => T) {
  const error = ({ input }: { input?: unknown }) =>
    input === undefined ? 'is missing' : 'is a single value';
  return z.string({ error }).transform((text, context) => {
    try {
      return parse(text);
    } catch (error) {
      context.addIssue({ code: 'custom', message: (error as Error).message });
      return z.NEVER;
    }
  });
}

/** A list without repetitions. */
export function listOf<T>(item: z.ZodType<T, string>, max: number) {
  return z
    .array(item, { error: 'is a list, such as [one, two]' })
    .max(max, { error: `has at most ${max} entries` })
    .transform((items): readonly T[] => Object.freeze([...new Set(items)]));
}

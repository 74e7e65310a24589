/** What is wrong with the properties of many images, gathered by cause. */
import { callerWith } from '../caller.ts';
import type { PropertyIssue, Vocabulary } from './vocabulary.ts';

/** One thing that is wrong in one way, wherever it is. */
export interface LintCause {
  property: string;
  code: PropertyIssue['code'];
  /** Of the first one found. */
  message: string;
  /** Most frequent first; empty where the property is missing. */
  values: { value: string; count: number; suggestion: string | null }[];
  /** Ids. */
  images: string[];
}

export interface LintReport {
  imagesChecked: number;
  /** Images with any issue. */
  imagesWithIssues: number;
  /** Most images first. */
  causes: LintCause[];
}

interface Linted {
  id: string;
  owner: string | null;
  properties: Readonly<Record<string, string>>;
}

interface Counted extends LintCause {
  counts: Map<string, { count: number; suggestion: string | null }>;
}

/** An image is held against the definitions that its own project sees. */
export function lint(vocabulary: Vocabulary) {
  const causes = new Map<string, Counted>();
  let [imagesChecked, imagesWithIssues] = [0, 0];
  return {
    add({ id, owner, properties }: Linted): void {
      const seer = callerWith({ user: null, project: owner, roles: ['reader'] });
      const issues = vocabulary.issuesOf(seer, properties);
      imagesChecked++;
      if (issues.length > 0) imagesWithIssues++;
      for (const { property, code, message, suggestion } of issues) {
        const key = `${code} ${property}`;
        const cause: Counted = causes.get(key) ?? {
          property,
          code,
          message,
          values: [],
          images: [],
          counts: new Map(),
        };
        causes.set(key, cause);
        cause.images.push(id);
        const value = Object.hasOwn(properties, property) ? properties[property] : undefined;
        if (value === undefined) continue;
        const known = cause.counts.get(value);
        if (known) known.count++;
        else cause.counts.set(value, { count: 1, suggestion });
      }
    },
    report(): LintReport {
      const found = [...causes.values()].map(({ counts, ...cause }) => ({
        ...cause,
        values: [...counts].map(([value, rest]) => ({ value, ...rest })).sort((a, b) => b.count - a.count),
      }));
      return {
        imagesChecked,
        imagesWithIssues,
        causes: found.sort((a, b) => b.images.length - a.images.length),
      };
    },
  };
}

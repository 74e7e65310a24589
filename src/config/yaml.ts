/**
 * The settings file: YAML as plain values, with `${NAME}` and `{ file: path }` put in, and the place of each. What
 * the values mean is left to `sections.ts`.
 */
import { readFileSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isMap, isScalar, isSeq, LineCounter, type Pair, parseDocument, type YAMLMap } from 'yaml';

/** Scalars are text as it is written, so that a name such as 1.10 stays one; undefined: nothing, or null. */
export type FileValue = string | undefined | FileValue[] | { [key: string]: FileValue };

export type Path = readonly PropertyKey[];

export interface SettingsFile {
  readonly value: FileValue;
  /** What is wrong with the text itself: one line each, with its place. */
  readonly problems: readonly string[];
  /** `vitrine.yaml:12: search.costMax`. */
  placeOf(path: Path): string;
  /** True: one of the problems is about it already. */
  isFaulty(path: Path): boolean;
  /** True: it came from the environment or another file, and is not to be repeated. */
  isPutIn(path: Path): boolean;
}

type Environment = Record<string, string | undefined>;

export interface FileOptions {
  /** How people are told of it. */
  name: string;
  /** What `{ file }` is relative to. */
  folder: string;
  env: Environment;
}

/** @throws the file cannot be read */
export function readSettingsFile(path: string, { name, env }: Omit<FileOptions, 'folder'>): SettingsFile {
  return parseSettings(readFileSync(path, 'utf8'), { name, env, folder: dirname(path) });
}

export function parseSettings(text: string, { name, folder, env }: FileOptions): SettingsFile {
  const lines = new LineCounter();
  // failsafe: scalars are text. Settings have a syntax of their own, the same as in the environment.
  const document = parseDocument(text, { schema: 'failsafe', lineCounter: lines, prettyErrors: false });
  const lineOf = (offset: number | undefined) => (offset === undefined ? 1 : lines.linePos(offset).line);
  const places = new Map<string, number>();
  const putIn = new Set<string>();
  const faulty = new Set<string>();
  const problems = [...document.errors, ...document.warnings].map(
    ({ pos, message }) => `${name}:${lineOf(pos[0])}: ${message}`,
  );

  /** The path above stands in where one has no place of its own. */
  function placeOf(path: Path): string {
    let line: number | undefined;
    for (let n = path.length; n > 0 && line === undefined; n--) line = places.get(keyOf(path.slice(0, n)));
    return [`${name}:${line ?? 1}:`, shownPath(path)].filter(Boolean).join(' ');
  }

  function problem(path: Path, message: string): undefined {
    faulty.add(keyOf(path));
    problems.push(`${placeOf(path)} ${message}`);
  }

  function settingOf(node: unknown, path: Path): FileValue {
    if (node === null) return undefined;
    if (isScalar(node)) return scalarOf(node.value, node.type === 'PLAIN', path);
    if (isSeq(node)) return node.items.map((item, n) => at(item, [...path, n], startOf(item)));
    if (!isMap(node)) return problem(path, 'is an alias; write it out');
    return namedFileOf(node) === null ? mapOf(node, path) : fileOf(namedFileOf(node), path);
  }

  function at(node: unknown, path: Path, offset: number | undefined): FileValue {
    if (offset !== undefined) places.set(keyOf(path), lineOf(offset));
    return settingOf(node, path);
  }

  function mapOf(map: YAMLMap, path: Path): FileValue {
    const found: { [key: string]: FileValue } = Object.create(null);
    for (const { key, value } of map.items as Pair[]) {
      if (isScalar(key)) found[String(key.value)] = at(value, [...path, String(key.value)], startOf(key));
      else problem(path, 'has a key that is not text');
    }
    return found;
  }

  function scalarOf(value: unknown, isPlain: boolean, path: Path): string | undefined {
    if (isPlain && /^(null|~|)$/i.test(String(value))) return undefined;
    // $${ stands for ${ itself.
    return String(value).replace(/\$(\$?)\{([^}]*)\}/g, (whole, escaped, variable) => {
      if (escaped) return whole.slice(1);
      putIn.add(keyOf(path));
      const given = env[variable.trim()];
      if (!given) problem(path, `names \${${variable}}, which is not set in the environment`);
      return given ?? '';
    });
  }

  /** The text of a file, without newlines at its end. */
  function fileOf(node: unknown, path: Path): FileValue {
    const target = isScalar(node) ? scalarOf(node.value, node.type === 'PLAIN', path) : undefined;
    if (!target) return problem(path, 'has a file without a path');
    putIn.add(keyOf(path));
    try {
      return readFileSync(resolve(folder, target), 'utf8').replace(/[\r\n]+$/, '');
    } catch (error) {
      return problem(path, `names the file ${target}, which cannot be read (${codeOf(error)})`);
    }
  }

  const value = problems.length === 0 ? settingOf(document.contents, []) : undefined;
  return {
    value,
    problems,
    placeOf,
    isFaulty: (path) => faulty.has(keyOf(path)),
    isPutIn: (path) => putIn.has(keyOf(path)),
  };
}

const keyOf = (path: Path) => JSON.stringify(path);

const startOf = (node: unknown) => (node as { range?: number[] } | null)?.range?.[0];

export const codeOf = (error: unknown) => (error as { code?: string }).code ?? (error as Error).message;

/** `{ file: path }`, and nothing else, stands for what is in the file; null when it is not that. */
function namedFileOf(map: YAMLMap): unknown {
  const [pair, ...others] = map.items as Pair[];
  if (!pair || others.length > 0 || !isScalar(pair.key) || pair.key.value !== 'file') return null;
  return pair.value ?? false;
}

/** `stores[0].password`. */
function shownPath(path: Path): string {
  return path
    .map((key, n) => (typeof key === 'number' ? `[${key}]` : `${n > 0 ? '.' : ''}${String(key)}`))
    .join('');
}

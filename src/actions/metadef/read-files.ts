/** Files of metadata definitions: ours in YAML, Glance's in JSON, which YAML can read too. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Document, parseAllDocuments } from 'yaml';
import { ValidationError } from '../../domain/errors.ts';
import { documentFromJson } from '../../domain/metadef/json-form.ts';
import type { NamespaceDocument } from '../../domain/metadef/metadef.ts';

/** Where the definitions are that come with the service. */
export const shippedFolder = join(import.meta.dirname, '../../../schema/metadefs');

const isDefinitions = (name: string) => /\.(ya?ml|json)$/.test(name) && name !== 'namespace.schema.json';

/** The namespaces of these files, and of all in these folders, by file. @throws Error names the file and the place */
export async function readNamespaceFiles(
  paths: readonly string[],
): Promise<{ file: string; document: NamespaceDocument }[]> {
  const files: string[] = [];
  for (const path of paths) {
    if (!(await stat(path)).isDirectory()) files.push(path);
    else
      files.push(
        ...(await readdir(path))
          .filter(isDefinitions)
          .sort()
          .map((name) => join(path, name)),
      );
  }
  const texts = await Promise.all(files.map((file) => readFile(file, 'utf8')));
  return files.flatMap((file, i) => readAll(file, texts[i] ?? '').map((document) => ({ file, document })));
}

/** A file has a namespace, a list of them, or several as YAML documents with --- between them. */
function readAll(file: string, text: string): NamespaceDocument[] {
  const parsed = parseAllDocuments(text);
  const problems = Array.isArray(parsed) ? parsed.flatMap(({ errors }) => errors) : [];
  if (problems[0]) throw new Error(`${file}: ${problems[0].message.split('\n')[0]}`);
  const found = Array.isArray(parsed) ? parsed.flatMap((one) => readJson(file, one)) : [];
  if (found.length === 0) throw new Error(`${file}: there is no namespace in it.`);
  return found.map((json) => readOne(file, json));
}

function readJson(file: string, document: Document): unknown {
  try {
    return document.toJS();
  } catch (error) {
    // Aliases that would grow without end.
    throw new Error(`${file}: ${(error as Error).message}`);
  }
}

/** A file that does not say who sees its namespace is for everybody: whose else would it be? */
function readOne(file: string, json: unknown): NamespaceDocument {
  const isObject = typeof json === 'object' && json !== null && !Array.isArray(json);
  try {
    return documentFromJson(isObject ? { visibility: 'public', ...json } : json);
  } catch (error) {
    if (!(error instanceof ValidationError)) throw error;
    const lines = error.issues.map(({ path, message }) => `${path.join('.')}: ${message}`);
    throw new Error(`${file} is no namespace of metadata definitions:\n  ${lines.join('\n  ')}`);
  }
}

/** Certificates that the operator has put into a directory. Read anew each time, so that what is changed counts at once. */
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { type Certificate, certificatesInPem } from './certificate.ts';

/** What is wrong with a directory, or a file in it, as its operator reads it. */
export class FolderError extends Error {}

const endings = ['.pem', '.crt'] as const;
/** More are no list of roots. */
const filesMax = 1000;
/** As long as the lists of all roots that browsers trust. */
const fileBytesMax = 2 ** 20;

/** @throws FolderError it cannot be read */
export async function namesIn(folder: string): Promise<string[]> {
  return readdir(folder).catch((error) => {
    throw new FolderError(`${folder} cannot be read (${error.code})`);
  });
}

/** All in the files of the directory that end in .pem or .crt; what else is in these, such as keys, counts for nothing. */
export async function certificatesInFolder(folder: string): Promise<Certificate[]> {
  const names = await namesIn(folder);
  const files = names.filter((name) => endings.some((ending) => name.endsWith(ending))).sort();
  if (files.length > filesMax) throw new FolderError(`${folder} has more than ${filesMax} files`);
  const found: Certificate[] = [];
  for (const name of files) found.push(...((await certificatesInFile(join(folder, name))) ?? []));
  return found;
}

/** Those of one id, a lower-case UUID: its own, then what it hangs on. Null: there is no such file. */
export async function certificatesOf(folder: string, id: string): Promise<Certificate[] | null> {
  for (const ending of endings) {
    const found = await certificatesInFile(join(folder, id + ending));
    if (found) return found;
  }
  return null;
}

async function certificatesInFile(path: string): Promise<Certificate[] | null> {
  const text = await textOf(path);
  if (text === null) return null;
  try {
    return certificatesInPem(text);
  } catch (cause) {
    throw new FolderError(`${path} has a certificate that cannot be read`, { cause });
  }
}

async function textOf(path: string): Promise<string | null> {
  try {
    const { size } = await stat(path);
    if (size > fileBytesMax) throw new FolderError(`${path} is longer than ${fileBytesMax} bytes`);
    return await readFile(path, 'latin1');
  } catch (error) {
    if (error instanceof FolderError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    throw new FolderError(`${path} cannot be read (${code})`);
  }
}

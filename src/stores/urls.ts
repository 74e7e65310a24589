/** Where objects are, as URLs in the forms that Glance has for them; what it takes to get there is not in them. */
import { access } from 'node:fs/promises';
import { pathToFileURL } from 'node:url';
import type { StoreConfig } from './all.ts';
import { pathBelow } from './file-directory.ts';

export type UrlOfKey = (key: string) => string | Promise<string>;

export function urlsOf(config: StoreConfig): UrlOfKey {
  switch (config.type) {
    case 'file':
      return (key) => fileUrl(config.paths, key);
    case 'swift':
      return (key) => `swift+config://${config.id}/${config.container}/${key}`;
    case 's3':
      return (key) => `s3://${config.bucket}/${key}`;
    case 'http':
      return (key) => key;
  }
}

/** In the directory that has it; in the first, when none can be asked. */
async function fileUrl(paths: readonly { path: string }[], key: string): Promise<string> {
  const files = paths.map(({ path }) => pathBelow(path, key));
  const there = await Promise.all(
    files.map((file) =>
      access(file).then(
        () => true,
        () => false,
      ),
    ),
  );
  return pathToFileURL(files[Math.max(0, there.indexOf(true))] as string).href;
}

/** Which keys lie in a directory of the file store. */
import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import { isKey } from './key.ts';

/** All keys below `path`, finished or not, shard by shard. */
export async function* keysBelow(path: string): AsyncGenerator<string> {
  for await (const shard of await opendir(path)) {
    if (shard.isDirectory() && shard.name.length <= 2) yield* keysIn(join(path, shard.name));
  }
}

async function* keysIn(shard: string): AsyncGenerator<string> {
  for await (const { name } of await opendir(shard)) {
    const key = name.endsWith('.part') ? name.slice(0, -'.part'.length) : name;
    if (isKey(key)) yield key;
  }
}

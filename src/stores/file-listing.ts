/** Which keys lie in a directory of the file store. */
import type { Dirent } from 'node:fs';
import { opendir } from 'node:fs/promises';
import { join } from 'node:path';
import type { Gate } from './file-gate.ts';
import { isKey } from './key.ts';

/** All keys below `path`, finished or not, shard by shard. */
export async function* keysBelow(path: string, through: Gate): AsyncGenerator<string> {
  for await (const shard of entriesOf(path, through)) {
    if (isShard(shard)) yield* keysIn(join(path, shard.name), through);
  }
}

/** Whether anything was ever written below `path`: shards stay when they are empty. */
export async function hasShards(path: string, through: Gate): Promise<boolean> {
  for await (const entry of entriesOf(path, through)) if (isShard(entry)) return true;
  return false;
}

const isShard = (entry: Dirent) => entry.isDirectory() && entry.name.length <= 2;

async function* keysIn(shard: string, through: Gate): AsyncGenerator<string> {
  for await (const { name } of entriesOf(shard, through)) {
    const key = name.endsWith('.part') ? name.slice(0, -'.part'.length) : name;
    if (isKey(key)) yield key;
  }
}

async function* entriesOf(path: string, through: Gate): AsyncGenerator<Dirent> {
  const directory = await through(() => opendir(path));
  try {
    for (;;) {
      const entry = await through(() => directory.read());
      if (!entry) return;
      yield entry;
    }
  } finally {
    await through(() => directory.close()).catch(() => {}); // it was only read
  }
}

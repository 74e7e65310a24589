/** What is known of the blocks of an image, against what was read: where a copy is damaged, and what is learned of it. */
import { differingBlocks } from '../bytes/block-sums.ts';
import { replaceBlocks } from '../db/blocks.ts';
import { transaction } from '../db/client.ts';
import { lockImage } from '../db/images.ts';
import { type Blocks, blockBytes } from '../domain/blocks.ts';
import type { App } from './app.ts';

/** How many places are named. */
const namedMax = 3;

/** Where the bytes are others, as a sentence; nothing when that is not known. */
export function whereOthers(known: Blocks | null, found: Blocks | null, size: number): string {
  const others = known && found ? differingBlocks(known.sums, found.sums) : [];
  if (others.length === 0) return '';
  const places = others.slice(0, namedMax).map((block) => {
    const last = Math.min(size, (block + 1) * blockBytes) - 1;
    return `${block * blockBytes} to ${last}`;
  });
  const more = others.length > namedMax ? `, and ${others.length - namedMax} more blocks` : '';
  return ` Others are the bytes ${places.join(', ')}${more}.`;
}

/** Keeps what was found of bytes that are those that were published, where less is known. */
export async function learnBlocks(
  app: App,
  imageId: string,
  { known, found }: { known: Blocks | null; found: Blocks },
): Promise<void> {
  const isWrong = known !== null && differingBlocks(known.sums, found.sums).length > 0;
  const isMore = known === null ? found.sums.length > 0 : found.digests !== null && known.digests === null;
  if (!isWrong && !isMore) return;
  if (isWrong) app.log.warn({ image: imageId }, 'the sums of blocks were others than those of the bytes');
  await transaction(app.db, async (tx) => {
    // It may be deleted meanwhile.
    if (await lockImage(tx, imageId)) await replaceBlocks(tx, imageId, found);
  });
}

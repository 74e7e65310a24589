/** A page of the blocks of an image, so that a client checks a part of it, or fetches only what changed. */
import { type PageInput, readPage } from '../../actions/list-images.ts';
import type { SeenImage } from '../../db/images.ts';
import { blockBytes, blocksIn, digestBytes, sumBytes } from '../../domain/blocks.ts';
import { makeCursor, readCursor } from '../../search/cursor.ts';
import { builder } from '../builder.ts';
import { connectionType, type Page, pageOfFound } from '../connection.ts';
import type { GraphContext } from '../context.ts';

interface ImageBlock {
  index: number;
  /** Bytes. */
  size: number;
  /** Lower-case hex. */
  sha256: string | null;
  xxh64: string;
}

const ImageBlockType = builder.objectRef<ImageBlock>('ImageBlock').implement({
  description: 'A piece of the bytes of an image: 1 MiB, or what is left at its end.',
  fields: (t) => ({
    index: t.exposeInt('index', { description: 'Its number, from 0.' }),
    offset: t.field({
      type: 'BigInt',
      description: 'Where it begins, in bytes.',
      resolve: ({ index }) => index * blockBytes,
    }),
    size: t.exposeInt('size', { description: 'Bytes.' }),
    sha256: t.exposeString('sha256', {
      nullable: true,
      description: 'Lower-case hex; null for a while after publication: it is computed in the background.',
    }),
    xxh64: t.exposeString('xxh64', {
      description:
        'Lower-case hex, as of the first byte: finds decay. Each block is compared with it before a byte of it is sent.',
    }),
  }),
});

export const ImageBlockConnection = connectionType(ImageBlockType, {
  name: 'ImageBlock',
  description: 'Blocks, in the order of the bytes.',
  node: 'A block',
  totalCount: 'How many the image has.',
});

/**
 * Null: what they have to be is not known, or there are no bytes.
 * @throws ValidationError, BadCursorError as listImages
 */
export async function pageOfBlocks(
  { loaders }: GraphContext,
  { id, size }: Pick<SeenImage, 'id' | 'size'>,
  input: PageInput,
): Promise<Page<ImageBlock> | null> {
  const { limit, cursor, backward } = readPage(input);
  const at = cursor === null ? null : Number(readCursor(cursor, 'blocks', ['integer'])[0]);
  if (!size) return null;
  const total = blocksIn(size);
  const end = backward ? within(at ?? total, total) : within((at ?? -1) + 1 + limit, total);
  const start = backward ? Math.max(0, end - limit) : within((at ?? -1) + 1, total);
  // One more than an empty page has, which tells whether they are known.
  const range = start < end ? { start, end } : { start: 0, end: 1 };
  const found = await loaders.blocks(range).load(id);
  if (!found) return null;
  const { sums, digests } = found;
  const items = Array.from({ length: end - start }, (_, n) => ({
    index: start + n,
    size: Math.min(blockBytes, size - (start + n) * blockBytes),
    sha256: digests && hex(digests, n, digestBytes),
    xxh64: hex(sums, n, sumBytes),
  }));
  return pageOfFound(
    { items, hasNext: end < total, hasPrevious: start > 0 },
    { cursorOf: ({ index }) => makeCursor('blocks', [index]), totalCount: () => total },
  );
}

const within = (index: number, total: number) => Math.min(Math.max(index, 0), total);

const hex = (all: Uint8Array, n: number, bytes: number) =>
  Buffer.from(all.subarray(n * bytes, (n + 1) * bytes)).toString('hex');

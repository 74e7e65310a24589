/** A page of properties or objects: the arguments of a connection into a batched look-up, and its answer back. */
import { type PageInput, readPage } from '../../actions/list-images.ts';
import type { Part, PartsOf } from '../../db/metadef/pages.ts';
import { makeCursor, readCursor } from '../../search/cursor.ts';
import { type Page, pageOfFound } from '../connection.ts';
import type { GraphContext } from '../context.ts';

/** @throws ValidationError, BadCursorError as listImages */
export async function pageOfParts<K extends PartsOf>(
  { loaders }: GraphContext,
  { kind, parent }: { kind: K; parent: string },
  input: PageInput,
): Promise<Page<Part<K>>> {
  const { limit, cursor, backward } = readPage(input);
  const [name = null] = cursor === null ? [] : readCursor(cursor, kind, ['text']);
  const from = cursor === null ? null : String(name);
  const found = await loaders.metadefs.parts(kind, parent, { limit, from, backward });
  const cursorOf = (part: Part<K>) => makeCursor(kind, [part.name]);
  return pageOfFound(found, { cursorOf, totalCount: () => loaders.metadefs.partCount(kind, parent) });
}

/** A page of the namespaces of metadata definitions that a caller sees, narrowed by a filter. */

import { whoWaits } from '../../db/image-visible.ts';
import {
  countNamespaces,
  findNamespacePage,
  namespaceExistsBeyond,
  namespaceKeyTypes,
} from '../../db/metadef/namespaces.ts';
import { checkPatterns } from '../../db/patterns.ts';
import type { Caller } from '../../domain/caller.ts';
import { invalid } from '../../domain/errors.ts';
import type { MetadefNamespace } from '../../domain/metadef/metadef.ts';
import { makeCursor, readCursor } from '../../search/cursor.ts';
import {
  type MetadefNamespaceFilter,
  type MetadefNamespaceOrder,
  namespaceOrderName,
  totalNamespaceOrder,
} from '../../search/metadef-filter.ts';
import type { App } from '../app.ts';
import { type PageInput, readPage } from '../list-images.ts';
import { requireToken } from '../require-image.ts';
import { requireMetadefNamespace } from './require-namespace.ts';

export interface ListNamespaces {
  where: MetadefNamespaceFilter;
  /** Empty: by name. */
  orderBy: readonly MetadefNamespaceOrder[];
  /** `afterId` is the name of a namespace. */
  page: PageInput;
}

/** What costs a statement of its own is a function: asked only when somebody wants to know. */
export interface NamespaceList {
  namespaces: MetadefNamespace[];
  cursorOf(namespace: MetadefNamespace): string;
  hasNextPage(): Promise<boolean>;
  hasPreviousPage(): Promise<boolean>;
  totalCount(): Promise<number>;
}

const orderKeysMax = 8;

/**
 * @throws ValidationError a page size out of range, both directions at once, a regular expression that is none
 * @throws BadCursorError  the cursor is of another order, or not ours
 * @throws NotFoundError   the namespace to go on after is missing, or not to be seen
 */
export async function listNamespaces(
  app: App,
  caller: Caller,
  { where, orderBy, page: input }: ListNamespaces,
): Promise<NamespaceList> {
  requireToken(caller);
  if (orderBy.length > orderKeysMax) {
    throw invalid(['orderBy'], 'TOO_LONG', `A list is ordered by at most ${orderKeysMax} keys.`);
  }
  await checkPatterns(app.db, whoWaits(caller), where);
  const order = totalNamespaceOrder(orderBy);
  const cursorScope = `metadefNamespaces:${namespaceOrderName(order)}`;
  const { limit, cursor, backward } = readPage(input);
  const { afterId } = input;
  const fromCursor = cursor === null ? null : readCursor(cursor, cursorScope, namespaceKeyTypes(order));
  const placeOf = (namespace: MetadefNamespace) => order.map(({ field }) => namespace[field]);
  const from = afterId == null ? fromCursor : placeOf(await requireMetadefNamespace(app, caller, afterId));
  const scope = { caller, where };
  const { namespaces, hasMore } = await findNamespacePage(app.db, scope, { order, limit, from, backward });
  // Against the direction read there is more when anything stands at the cursor or behind it.
  const moreBehind = async () =>
    from !== null && namespaceExistsBeyond(app.db, scope, { order, from, backward: !backward });
  return {
    namespaces,
    cursorOf: (namespace) => makeCursor(cursorScope, placeOf(namespace)),
    hasNextPage: async () => (backward ? moreBehind() : hasMore),
    hasPreviousPage: async () => (backward ? hasMore : moreBehind()),
    totalCount: () => countNamespaces(app.db, scope),
  };
}

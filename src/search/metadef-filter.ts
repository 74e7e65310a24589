/** Which namespaces of metadata definitions are asked for, and in what order. The logic is that of ImageFilter. */
import type { MetadefVisibility } from '../domain/metadef/metadef.ts';
import type { SetFilter, StringFilter } from './image-filter.ts';
import type { OrderDirection } from './image-order.ts';

export interface MetadefNamespaceFilter {
  and?: MetadefNamespaceFilter[];
  or?: MetadefNamespaceFilter[];
  not?: MetadefNamespaceFilter;
  namespace?: StringFilter;
  visibility?: SetFilter<MetadefVisibility>;
  protected?: boolean;
  owner?: StringFilter;
  /** Some association is with a resource type of such a name. */
  resourceType?: StringFilter;
  /** Every word occurs in namespace, display name, description, or the names and titles inside. */
  freeText?: string;
}

export interface MetadefNamespaceOrder {
  field: 'namespace' | 'createdAt' | 'updatedAt';
  direction: OrderDirection;
}

/** Each key once, and the name, which is unique, at the end in the direction of the key before it. */
export function totalNamespaceOrder(order: readonly MetadefNamespaceOrder[]): MetadefNamespaceOrder[] {
  const keys: MetadefNamespaceOrder[] = [];
  for (const key of order) {
    if (!keys.some(({ field }) => field === key.field)) keys.push(key);
    if (key.field === 'namespace') return keys;
  }
  return [...keys, { field: 'namespace', direction: keys.at(-1)?.direction ?? 'asc' }];
}

/** The order as one line of text: what a cursor is bound to. */
export const namespaceOrderName = (order: readonly MetadefNamespaceOrder[]) =>
  order.map(({ field, direction }) => `${direction === 'desc' ? '-' : ''}${field}`).join(',');

/**
 * The value of a property as SQL, in the views that filters, orders and indexes share: an index serves a query
 * only when both say the same.
 */
import type { PropertyOrder } from '../search/image-order.ts';

/** Values are put in order by so many characters; a btree has no room for a whole one. */
export const orderedLength = 255;

/**
 * `name` is SQL for the name: a placeholder, or a literal where an index is to serve it. `row` is the table it is
 * read from, with its dot. Null where the image does not have the property, or its value cannot be read so.
 */
export function propertyValueSql(name: string, as: PropertyOrder, row = 'i.'): string {
  const value = `(${row}properties ->> ${name})`;
  if (as === 'number') return `vitrine_number${value}`;
  if (as === 'version') return `(vitrine_version${value} collate "C")`;
  return `(left(${value}, ${orderedLength}) collate "C")`;
}

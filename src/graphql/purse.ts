/** What an operation takes of the limits of whoever sent it: known when it is parsed, taken before it runs. */
import { type DocumentNode, getOperationAST, Kind, OperationTypeNode, type SelectionSetNode } from 'graphql';
import { RateLimitedError } from '../domain/errors.ts';
import type { Admission, Payer } from '../http/admission.ts';

export interface Purse {
  admission: Admission;
  payer: Payer;
}

/** The mutations that have a rate of their own. */
const rates = { createImage: 'creates', importImage: 'imports' } as const;

/** Returns why the operation is not to run; null when it is. */
export function pay(
  { admission, payer }: Purse,
  cost: number,
  { document, operationName }: { document: DocumentNode; operationName?: string | null },
): RateLimitedError | null {
  const operation = getOperationAST(document, operationName);
  admission.charge(payer, cost);
  if (operation?.operation !== OperationTypeNode.MUTATION) return null;
  try {
    for (const [name, rate] of Object.entries(rates)) {
      admission.take(payer, rate, countOf(name, operation.selectionSet, document));
    }
    return null;
  } catch (error) {
    if (error instanceof RateLimitedError) return error;
    throw error;
  }
}

/** How often a field stands at the root, under whatever name; one that a directive leaves out counts too. */
function countOf(field: string, { selections }: SelectionSetNode, document: DocumentNode): number {
  let count = 0;
  for (const selection of selections) {
    if (selection.kind === Kind.FIELD) count += selection.name.value === field ? 1 : 0;
    else if (selection.kind === Kind.INLINE_FRAGMENT)
      count += countOf(field, selection.selectionSet, document);
    else {
      const fragment = document.definitions.find(
        (one) => one.kind === Kind.FRAGMENT_DEFINITION && one.name.value === selection.name.value,
      );
      if (fragment?.kind === Kind.FRAGMENT_DEFINITION)
        count += countOf(field, fragment.selectionSet, document);
    }
  }
  return count;
}

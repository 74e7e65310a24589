/** The tree of a search into the filter it stands for. */
import type { ImageFilter } from '../image-filter.ts';
import { fieldTerm, freeTextOf, unsearchable } from './field-terms.ts';
import { fieldNamed } from './fields.ts';
import type { Node } from './grammar.ts';
import type { Span } from './issues.ts';
import { propertyTerm } from './property-terms.ts';
import type { Reading } from './reading.ts';
import type { Term } from './tokens.ts';

export interface FilterReading extends Reading {
  /** Notes where in the text a filter came from. */
  mark: (filter: ImageFilter, at: Span) => void;
}

/** The filter of a node: `{}` when it says nothing, or after an issue. */
export function filterOf(node: Node, reading: FilterReading): ImageFilter {
  if (reading.issues.full()) return {};
  const filter = read(node, reading);
  reading.mark(filter, node);
  return filter;
}

function read(node: Node, reading: FilterReading): ImageFilter {
  switch (node.type) {
    case 'word':
      return freeTextOf(node.text) ?? reading.issues.add(node, unsearchable) ?? {};
    case 'term':
      return termFilter(node.term, reading) ?? {};
    case 'not':
      return { not: filterOf(node.node, reading) };
    case 'or':
      return { or: node.nodes.map((part) => filterOf(part, reading)) };
    case 'and':
      return all(node.nodes, reading);
  }
}

function termFilter(term: Term, reading: Reading): ImageFilter | null {
  const field = term.key.isProperty ? null : fieldNamed(term.key.name);
  return field ? fieldTerm(term, field, reading) : propertyTerm(term, reading);
}

/** All words side by side are one condition, where the first of them stands. */
function all(nodes: readonly Node[], reading: FilterReading): ImageFilter {
  const filters: ImageFilter[] = [];
  const texts: string[] = [];
  const words = { filter: {} as ImageFilter, start: 0, end: 0 };
  for (const node of nodes) {
    const isPlainWord = node.type === 'word' && !node.text.includes('"');
    const filter = isPlainWord ? (freeTextOf(node.text) ?? {}) : filterOf(node, reading);
    if (isPlainWord && filter.freeText !== undefined) {
      if (texts.push(filter.freeText) === 1) {
        filters.push(words.filter);
        words.start = node.start;
      }
      words.end = node.end;
    } else if (Object.keys(filter).length > 0) filters.push(filter);
  }
  if (texts.length > 0) words.filter.freeText = texts.join(' ');
  reading.mark(words.filter, words);
  const [only] = filters;
  if (filters.length === 1 && only) return only;
  return filters.length === 0 ? {} : { and: filters };
}

/** `sort:`: the keys of an order, by weight. */
import { type ImageOrder, type OrderDirection, orderKeysMax, type PropertyOrder } from '../image-order.ts';
import { fieldNamed, sortableNames } from './fields.ts';
import { shown } from './issues.ts';
import { propertyOrField } from './names.ts';
import { plainTexts, type Reading, spanOf } from './reading.ts';
import type { Text } from './term-values.ts';
import type { Term } from './tokens.ts';

/** The keys of all sort terms together. */
export function orderOf(terms: readonly Term[], reading: Reading): ImageOrder[] {
  const keys: ImageOrder[] = [];
  for (const term of terms) {
    for (const text of plainTexts(term, reading) ?? []) {
      const key = readKey(text, term, reading);
      if (!key) continue;
      keys.push(key);
      if (keys.length === orderKeysMax + 1)
        reading.issues.add(text, `An order has at most ${orderKeysMax} keys.`);
    }
  }
  return keys;
}

const orderAs = (type: ReturnType<Reading['typeOf']>): PropertyOrder =>
  type === 'integer' || type === 'number' ? 'number' : 'text';

/** `-` turns it around; `:number` and `:version` say how a property is read. */
const suffixSyntax = /:(text|number|version)$/;
const otherSuffix = /:([^:"]*)$/;

function readKey(value: Text, term: Term, { issues, typeOf }: Reading): ImageOrder | null {
  const at = spanOf(value, term);
  const isDescending = value.text.startsWith('-') && value.quoted?.start !== 0;
  const direction: OrderDirection = isDescending ? 'desc' : 'asc';
  const skipped = isDescending ? 1 : 0;
  const quotedTo = value.quoted?.end ?? 0;
  const suffix = suffixSyntax.exec(value.text);
  const as = suffix && suffix.index >= quotedTo ? (suffix[1] as PropertyOrder) : null;
  const text = value.text.slice(skipped, as && suffix ? suffix.index : undefined);
  const quoted = value.quoted && { start: value.quoted.start - skipped, end: quotedTo - skipped };
  const { name, isProperty } = propertyOrField({ text, quoted });
  if (name === '') return issues.add(at, 'sort: takes the name of a field or property.');
  const unknown = as ? null : otherSuffix.exec(value.text);
  if (unknown && unknown.index >= quotedTo) {
    const message = `A property is read as text, number or version, not as ${shown(unknown[1] ?? '')}; quote a name with a colon.`;
    return issues.add(at, message);
  }
  if (!isProperty && name.toLowerCase() === 'relevance') {
    // The best come first unless it is turned around.
    return { field: 'relevance', direction: isDescending ? 'asc' : 'desc' };
  }
  const field = isProperty ? null : fieldNamed(name);
  if (!field) return { field: 'property', property: name, as: as ?? orderAs(typeOf(name)), direction };
  if (as) return issues.add(at, `Only properties are read as ${as}; sort:p.${name}:${as} is the property.`);
  if (field.order) return { field: field.order, direction };
  const known = sortableNames.join(', ');
  return issues.add(
    at,
    `sort: takes a property, relevance, or one of ${known}; sort:p.${name} is the property.`,
  );
}

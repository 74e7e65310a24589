/** Names of fields and properties that stand as values: in `has:` and `sort:`. */
import type { Text } from './term-values.ts';

/** The name, and whether it is written as a property's: `p.NAME` or in quotes. */
export function propertyOrField(value: Pick<Text, 'text' | 'quoted'>): { name: string; isProperty: boolean } {
  const { text, quoted } = value;
  if (quoted?.start === 0) return { name: text, isProperty: true };
  if (text.startsWith('p.') && text.length > 2) return { name: text.slice(2), isProperty: true };
  return { name: text, isProperty: false };
}

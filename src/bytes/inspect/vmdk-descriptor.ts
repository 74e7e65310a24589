/** The text in a VMDK that says what it is and which files it is made of; ours may be made of itself alone. */
import type { objections } from './finding.ts';

const lineBytesMost = 4096;
const first = '# Disk DescriptorFile';
/** What only such a text has: each at the start of a line. */
const keys =
  /^[ \t]*(createType|parentCID|parentFileNameHint|CID)[ \t]*=|^[ \t]*(RW|RDONLY|NOACCESS)[ \t]+\d+[ \t]+[A-Z]/im;
const looksAt = 4096;

/** Whether text begins here that a reader may take for a descriptor, behind zeros and white space too. */
export function looksLikeDescriptor(head: Buffer): boolean {
  const text = head
    .subarray(0, 64 * 1024)
    .toString('latin1')
    .replace(/^[\0\s]+/, '');
  if (/^#[ \t]*Disk[ \t]*Descriptor/i.test(text)) return true;
  const start = text.slice(0, looksAt);
  return /createType[ \t]*=/i.test(start) && keys.test(start) && /^[\x09\x0a\x0d\x20-\x7e]{16}/.test(start);
}

/** Takes the descriptor in pieces, from byte `at` of the stream on. */
export function readDescriptor(at: number, found: ReturnType<typeof objections>) {
  const types: string[] = [];
  let extents = 0;
  let rest = '';
  let offset = at;
  let hasEnded = false;
  let isFirst = true;

  function line(text: string): void {
    const about = (isSo: boolean, code: string, what: string) => found.when(isSo, code, offset, what);
    about(isFirst && text.trim() !== first, 'BAD_HEADER', `the descriptor does not begin with "${first}"`);
    isFirst = false;
    about(/[^\t\r\x20-\x7e\x80-\xff]/.test(text), 'BAD_HEADER', 'the descriptor has control characters');
    // In comments too: readers look for the words, not for lines.
    for (const [, type] of text.matchAll(/createType\s*=\s*"?([^"\s]*)"?/gi)) types.push(type ?? '');
    about(/parentFileNameHint/i.test(text), 'BACKING_FILE', 'a parent file is named');
    const parent = /parentCID\s*=\s*"?(\w*)/i.exec(text);
    about(
      parent !== null && !/^f{8}$/i.test(parent[1] ?? ''),
      'BACKING_FILE',
      'it says that it has a parent',
    );
    const extent = /^\s*(RW|RDONLY|NOACCESS)\s+(.*)$/i.exec(text);
    if (!extent) return;
    extents += 1;
    const [, kind, file] = /^\d+\s+(\w+)(.*)$/.exec(extent[2] ?? '') ?? [];
    about(kind !== 'SPARSE', 'EXTERNAL_EXTENT', `an extent is ${kind ?? 'without a kind'}, not SPARSE`);
    about(/[/\\]/.test(file ?? ''), 'EXTERNAL_EXTENT', 'an extent is a path');
  }

  return {
    take(piece: Buffer): void {
      for (const part of piece.toString('latin1').split(/(?<=\n)/)) {
        if (hasEnded) {
          found.when(/[^\0]/.test(part), 'BAD_HEADER', offset, 'something stands behind the descriptor');
          continue;
        }
        const [text, ...behind] = part.split('\0');
        hasEnded = behind.length > 0;
        found.when(
          /[^\0]/.test(behind.join('')),
          'BAD_HEADER',
          offset,
          'something stands behind the descriptor',
        );
        rest += text;
        found.when(rest.length > lineBytesMost, 'BAD_HEADER', offset, 'a line of the descriptor is too long');
        rest = rest.slice(0, lineBytesMost);
        if (!rest.endsWith('\n') && !hasEnded) continue;
        line(rest.replace(/\n$/, ''));
        offset += rest.length;
        rest = '';
      }
    },
    /** Returns createType. */
    finish(): string | null {
      if (rest !== '') line(rest);
      found.when(types.length === 0, 'BAD_HEADER', at, 'the descriptor has no createType');
      found.when(types.length > 1, 'BAD_HEADER', at, 'the descriptor has more than one createType');
      found.when(extents !== 1, 'EXTERNAL_EXTENT', at, `the descriptor names ${extents} extents, not one`);
      return types[0] ?? null;
    },
  };
}

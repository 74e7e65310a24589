/**
 * Archives (POSIX.1-2017, pax: ustar), as OVA and Docker images are. What lies in them is looked at like a stream of its
 * own, since whoever unpacks an OVA hands its disks on.
 */
import {
  bytesAt,
  type Finding,
  headBytes,
  isZero,
  lastBytesMost,
  objections,
  type Reading,
  type Want,
} from './finding.ts';
import { diskInspectors } from './formats.ts';

const block = 512;
/** More are refused: so many are no disks, and none is left unseen. */
const membersMost = 1000;
type Inside = NonNullable<Finding['inside']>[number];
/** Links, devices, directories, and what is said of the next member: all others may be read as files. */
const otherTypes = ['1', '2', '3', '4', '5', '6', 'x', 'g', 'L', 'K'];

export function* tar(head: Buffer): Reading {
  if (head.subarray(257, 262).toString('latin1') !== 'ustar') return null;
  const found = objections();
  const names: string[] = [];
  const inside: Inside[] = [];
  let at = 0;
  for (;;) {
    const header = yield* bytesAt(head, at, block);
    if (header.length < block || isZero(header)) break;
    const size = sizeOf(header);
    const isHeader =
      header.subarray(257, 262).toString('latin1') === 'ustar' && hasChecksum(header) && size !== null;
    found.when(!isHeader, 'BAD_HEADER', at, 'a header of the archive is damaged');
    if (!isHeader || size === null) break;
    names.push(header.subarray(0, 100).toString('latin1').split('\0')[0] ?? '');
    const isTooMany = names.length > membersMost;
    found.when(isTooMany, 'TOO_MANY_MEMBERS', at, `the archive has more than ${membersMost} members`);
    if (isTooMany) break;
    const isFile = !otherTypes.includes(String.fromCharCode(header[156] as number));
    if (isFile && size > 0) inside.push(...(yield* inspectMember(head, { at: at + block, size })));
    at += block + Math.ceil(size / block) * block;
  }
  const isOva = names[0]?.toLowerCase().endsWith('.ovf') === true;
  return {
    format: 'tar',
    variant: isOva ? 'ova' : null,
    virtualSize: null,
    facts: { members: names.length },
    objections: found.list,
    inside,
  };
}

/** One disk at most is in there: its inspector goes on behind the head, the others have seen that it is not theirs. */
function* inspectMember(
  outer: Buffer,
  { at, size }: { at: number; size: number },
): Generator<Want, Inside[], Buffer> {
  const inner = yield* bytesAt(outer, at, Math.min(size, headBytes));
  let readTo = inner.length;
  const inside: Inside[] = [];
  const note = (finding: Finding | null) => {
    if (finding) inside.push({ at, finding });
  };
  const atEnd: { reading: Reading; last: number }[] = [];
  for (const inspector of diskInspectors) {
    const reading = inspector(inner);
    let step = reading.next();
    while (!step.done && 'at' in step.value) {
      const from = Math.max(step.value.at, readTo);
      const end = Math.min(step.value.at + step.value.length, size);
      const bytes = end > from ? yield* bytesAt(outer, at + from, end - from) : Buffer.alloc(0);
      readTo = Math.max(readTo, end);
      step = reading.next(bytes);
    }
    if (step.done) note(step.value);
    else if ('last' in step.value) atEnd.push({ reading, last: step.value.last });
  }
  const lastAt = Math.max(readTo, size - lastBytesMost);
  const rest = yield* bytesAt(outer, at + lastAt, size - lastAt);
  const tail = Buffer.concat([inner.subarray(Math.max(0, inner.length - lastBytesMost)), rest]);
  for (const { reading, last } of atEnd) note(reading.next(tail.subarray(-last)).value as Finding | null);
  return inside;
}

/** Octal digits, or a binary number when the first bit is set; null: neither. */
function sizeOf(header: Buffer): number | null {
  const field = header.subarray(124, 136);
  if (((field[0] as number) & 0x80) !== 0) {
    const high = field.readUInt32BE(4) & 0x1fffff;
    return high * 2 ** 32 + field.readUInt32BE(8);
  }
  const digits = field
    .toString('latin1')
    .replace(/[\0 ]+$/, '')
    .trim();
  return /^[0-7]{1,12}$/.test(digits) ? Number.parseInt(digits, 8) : null;
}

function hasChecksum(header: Buffer): boolean {
  let sum = 0;
  for (let i = 0; i < block; i++) sum += i >= 148 && i < 156 ? 32 : (header[i] as number);
  return (
    Number.parseInt(
      header
        .subarray(148, 156)
        .toString('latin1')
        .replace(/[\0 ]+/g, ' ')
        .trim(),
      8,
    ) === sum
  );
}

/**
 * Disks as they are: an MBR (its signature at 510, four entries from 446 on), and a GPT behind a protective one (UEFI 2.10,
 * 5.2 and 5.3). Boot sectors of file systems end in the same two bytes, so that an MBR also has sane entries.
 */
import { objections, type Reading } from './finding.ts';

const none = { variant: null, virtualSize: null, facts: {}, objections: [] } as const;
const entriesAt = [446, 462, 478, 494];
const protective = 0xee;

// biome-ignore lint/correctness/useYield: an inspector that has seen enough
export function* mbr(head: Buffer): Reading {
  const kinds = partitionKinds(head);
  return kinds && !kinds.includes(protective) ? { ...none, format: 'mbr' } : null;
}

export function* gpt(head: Buffer): Reading {
  const at = [512, 4096].find((start) => head.subarray(start, start + 8).toString('latin1') === 'EFI PART');
  const kinds = partitionKinds(head);
  if (at === undefined && !kinds?.includes(protective)) return null;
  const found = objections();
  found.when(at === undefined, 'BAD_HEADER', 512, 'a protective MBR stands there, and no GPT behind it');
  found.when(!kinds?.includes(protective), 'BAD_HEADER', 446, 'there is no protective MBR before the GPT');
  if (at !== undefined && head.length >= at + 92) {
    const bytes = head.readUInt32LE(at + 12);
    found.when(
      bytes < 92 || bytes > 512,
      'BAD_HEADER',
      at + 12,
      `its header has ${bytes} bytes, not 92 to 512`,
    );
  }
  return { ...none, format: 'gpt', variant: at === 4096 ? '4Kn' : null, objections: found.list };
}

/** The types of the partitions; null when this is no partition table. */
function partitionKinds(head: Buffer): number[] | null {
  if (head.length < 512 || head.readUInt16BE(510) !== 0x55aa) return null;
  if (!entriesAt.every((at) => (head.readUInt8(at) & 0x7f) === 0)) return null;
  const kinds = entriesAt.map((at) => head.readUInt8(at + 4)).filter((kind) => kind !== 0);
  return kinds.length > 0 ? kinds : null;
}

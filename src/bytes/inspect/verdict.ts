/** Whether bytes may be published as what they are declared to be, by what was found in them and by the settings. */
import type { ContainerFormat, DiskFormat } from '../../domain/image.ts';
import {
  type FormatPolicy,
  type FormatRefusalCode,
  type FoundFormat,
  type ImageInspection,
  isRawLike,
} from '../../domain/inspection.ts';
import type { Finding, Objection } from './finding.ts';
import type { Inspection } from './inspection.ts';

export interface Declared {
  diskFormat: DiskFormat | null;
  containerFormat: ContainerFormat | null;
}

export interface Refusal {
  code: FormatRefusalCode;
  field: 'diskFormat' | 'containerFormat';
  /** What was found, where, and the way out. */
  message: string;
}

export interface Verdict {
  inspection: ImageInspection;
  /** Bytes of the disk inside; null when it cannot be told. */
  virtualSize: number | null;
  /** Null: they may be published. */
  refusal: Refusal | null;
}

/** Where the bytes are by which a format is known. The footer of a fixed VHD is at the end. */
const magicAt: Record<FoundFormat, number> = {
  ...{ qcow2: 0, qed: 0, vmdk: 0, vhd: 0, vhdx: 0, vdi: 64, luks: 0, ploop: 0 },
  ...{ iso: 32_769, mbr: 510, gpt: 512, tar: 257, gzip: 0, xz: 0, zstd: 0, bzip2: 0 },
};
const compressions: readonly FoundFormat[] = ['gzip', 'xz', 'zstd', 'bzip2'];
/** What lies in whatever a disk holds, so that it says nothing against the disk. */
const tables: readonly FoundFormat[] = ['mbr', 'gpt'];
/** What a consumer that looks at raw bytes may take them for. */
const selfDescribing: readonly FoundFormat[] = [
  ...(['qcow2', 'qed', 'vmdk', 'vhd', 'vhdx', 'vdi', 'luks', 'ploop'] as const),
];
/** What the bytes of each container are in. */
const packings: Partial<Record<ContainerFormat, readonly FoundFormat[]>> = {
  ova: ['tar'],
  docker: ['tar', ...compressions],
  compressed: compressions,
};

export function judge(seen: Inspection, declared: Declared, policy: FormatPolicy): Verdict {
  const { findings, size } = seen;
  const main = findings.find(({ format }) => !tables.includes(format)) ?? findings[0];
  return {
    inspection: inspectionOf(findings, main),
    virtualSize: virtualSizeOf(seen, main),
    refusal:
      judgeEarly(seen.early, declared, policy) ??
      unsafe(seen, declared, policy) ??
      (policy.requireMatch ? mismatch(seen, declared) : null) ??
      (policy.rawMayHide ? null : hidden(findings, size, declared)),
  };
}

/**
 * What is certain by the first bytes alone; null: nothing is. It counts for more than what follows, so that the verdict
 * is the same for those who wait for the end.
 */
export function judgeEarly(
  early: readonly Finding[],
  declared: Declared,
  policy: FormatPolicy,
): Refusal | null {
  const seen = { findings: early, size: 0 };
  const found = unsafe(seen, declared, policy);
  const { diskFormat, containerFormat } = declared;
  // A fixed VHD is known by its end, and begins like what is in it.
  if (found || diskFormat === 'vhd' || (containerFormat && packings[containerFormat])) return found;
  const isKnown = early.some(({ format }) => !tables.includes(format));
  return (
    (policy.requireMatch && isKnown ? mismatch(seen, declared) : null) ??
    (policy.rawMayHide ? null : hidden(early, 0, declared))
  );
}

/** What the bytes stand for, where they are compressed; null: they are not, or need not be looked into. */
export function insideOf(
  { findings }: Pick<Inspection, 'findings'>,
  { diskFormat, containerFormat }: Declared,
): Declared | null {
  const isCompressed = findings.some(({ format }) => compressions.includes(format));
  if (!isCompressed || !mayBeCompressed({ containerFormat })) return null;
  return { diskFormat, containerFormat: containerFormat === 'compressed' ? 'bare' : containerFormat };
}

/** Whether there may be something to look into. */
export const mayBeCompressed = ({ containerFormat }: Pick<Declared, 'containerFormat'>) =>
  (containerFormat && packings[containerFormat]?.some((format) => compressions.includes(format))) === true;

/** Of an image whose bytes are compressed: what was seen of both. */
export function withInsideOf(outer: Verdict, inner: Verdict): Verdict {
  const { refusal, inspection, virtualSize } = inner;
  const formats = [...new Set([...outer.inspection.formats, ...inspection.formats])].sort();
  return {
    inspection: { ...inspection, formats },
    virtualSize,
    refusal: refusal && { ...refusal, message: `In what is compressed: ${refusal.message}` },
  };
}

function inspectionOf(findings: readonly Finding[], main: Finding | undefined): ImageInspection {
  const facts = main?.facts ?? {};
  const text = (name: string) => (facts[name] === undefined ? null : String(facts[name]));
  return {
    formats: findings.map(({ format }) => format),
    variant: main?.variant ?? null,
    clusterSize: typeof facts.clusterSize === 'number' ? facts.clusterSize : null,
    encryption: text('encryption'),
    compat: text('compat'),
    creator: text('creator'),
  };
}

/** What is no format of a disk is one byte for byte; of an archive, and of LUKS 2, nothing is known. */
function virtualSizeOf({ size }: Inspection, main: Finding | undefined): number | null {
  if (!main || main.format === 'iso' || tables.includes(main.format)) return size;
  const { payloadAt } = main.facts;
  if (typeof payloadAt === 'number') return payloadAt < size ? size - payloadAt : null;
  return main.virtualSize;
}

function unsafe(
  { findings, size }: Pick<Inspection, 'findings' | 'size'>,
  { diskFormat, containerFormat }: Declared,
  policy: FormatPolicy,
): Refusal | null {
  const disks = findings.filter(({ format }) => isJudged(format, { diskFormat, containerFormat }));
  const field = 'diskFormat';
  const both = together(disks, findings);
  if (both) {
    const found = both.map((one) => named(one, size)).join(' and ');
    const message = `The bytes can be read as ${found}; what is more than one thing is not published. Send an image in one format.`;
    return { code: 'unsafe_image', field, message };
  }
  for (const { at, finding } of disks.flatMap(withInside)) {
    const [objection] = [...finding.objections, ...againstSettings(finding, policy)];
    if (!objection) continue;
    const where = at > 0 ? ` in the archive (from byte ${at} on)` : '';
    const message = `This ${finding.format} image${where} is not published: ${objection.what}, at byte ${at + objection.offset}. Make one that is whole in itself, with "qemu-img convert", and send that.`;
    return { code: 'unsafe_image', field, message };
  }
  return null;
}

/** What only lies in a disk is not looked at more closely, unless that is what was promised. */
function isJudged(format: FoundFormat, { diskFormat, containerFormat }: Declared): boolean {
  if (format === 'gpt') return diskFormat === 'gpt';
  if (format === 'tar')
    return containerFormat !== null && packings[containerFormat]?.includes('tar') === true;
  return format !== 'mbr';
}

function withInside(finding: Finding): { at: number; finding: Finding }[] {
  const inside = (finding.inside ?? []).filter(({ finding: { format } }) => !tables.includes(format));
  return [{ at: 0, finding }, ...inside];
}

/** Two formats that one stream cannot honestly have; null: there is at most one. */
function together(disks: readonly Finding[], findings: readonly Finding[]): Finding[] | null {
  if (disks.length > 1) return disks.slice(0, 2);
  const [one] = disks;
  const table = findings.find(({ format }) => tables.includes(format));
  if (!one || !table || one === table) return null;
  // Discs that start from a stick have a table, and what a fixed VHD holds begins at its first byte.
  const mayHave = one.format === 'iso' || (one.format === 'vhd' && one.variant === 'fixed');
  return mayHave || !selfDescribing.includes(one.format) ? null : [one, table];
}

function againstSettings(finding: Finding, { vmdkTypes, virtualSizeMax }: FormatPolicy): Objection[] {
  const { format, variant, virtualSize } = finding;
  const found: Objection[] = [];
  if (format === 'vmdk' && (variant === null || !vmdkTypes.includes(variant))) {
    const what = `its createType is ${shown(variant)}, not ${vmdkTypes.join(' or ')}`;
    found.push({ code: 'VMDK_TYPE', offset: 512, what });
  }
  if (virtualSize !== null && virtualSize > virtualSizeMax) {
    const what = `its disk has ${virtualSize} bytes, over the ${virtualSizeMax} that formats.virtualSizeMax allows`;
    found.push({ code: 'VIRTUAL_SIZE', offset: 0, what });
  }
  return found;
}

/** What a stranger wrote is not repeated at length. */
const shown = (text: string | null) => (text === null ? 'not said' : JSON.stringify(text.slice(0, 40)));

function mismatch(
  { findings, size }: Pick<Inspection, 'findings' | 'size'>,
  declared: Declared,
): Refusal | null {
  const { diskFormat, containerFormat } = declared;
  const has = (formats: readonly FoundFormat[]) => findings.some(({ format }) => formats.includes(format));
  const instead = findings.map((finding) => named(finding, size)).join(' and ') || 'no known format';
  const packing = containerFormat && packings[containerFormat];
  if (packing) {
    if (has(packing)) return null;
    const message = `The image says to be ${containerFormat}, which is ${packing.join(' or ')}, but its bytes have ${instead}; set containerFormat to what they are, or send others.`;
    return { code: 'format_mismatch', field: 'containerFormat', message };
  }
  if (isRawLike(diskFormat) || has([diskFormat as FoundFormat])) return null;
  const message = `The image says to be ${diskFormat}, but its bytes have ${instead}; set diskFormat to what they are, or send others.`;
  return { code: 'format_mismatch', field: 'diskFormat', message };
}

function hidden(findings: readonly Finding[], size: number, declared: Declared): Refusal | null {
  const { diskFormat, containerFormat } = declared;
  if (!isRawLike(diskFormat) || (containerFormat && packings[containerFormat])) return null;
  const found = findings.find(({ format }) => selfDescribing.includes(format));
  if (!found) return null;
  const message = `The image says to be ${diskFormat}, but its bytes are ${named(found, size)}, which whoever boots it may follow; set diskFormat to ${found.format.toUpperCase()} and send them again.`;
  return { code: 'format_mismatch', field: 'diskFormat', message };
}

function named({ format, variant }: Finding, size: number): string {
  const at = format === 'vhd' && variant === 'fixed' ? size - 512 : magicAt[format];
  return `${format} (at byte ${at})`;
}

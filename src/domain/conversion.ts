/** What becomes of the format of a disk while it is imported, as the settings say. */
import type { ContainerFormat, DiskFormat } from './image.ts';

export const conversionTargets = ['raw', 'qcow2'] as const;
export type ConversionTarget = (typeof conversionTargets)[number];

/** Those that qemu-img reads, whole in one file. Discs, kernels and what is encrypted as a whole stay what they are. */
export const conversionSources = ['qcow2', 'vmdk', 'vhd', 'vhdx', 'vdi', 'raw'] as const;
export type ConversionSource = (typeof conversionSources)[number];

/** The section `imports.convert` of the settings. */
export interface ConversionRule {
  readonly to: ConversionTarget;
  readonly from: readonly ConversionSource[];
}

export interface Conversion {
  from: ConversionSource;
  to: ConversionTarget;
}

/** Null: such an image stays what it is, as what is in a container does. */
export function conversionOf(
  { to, from }: ConversionRule,
  declared: { diskFormat: DiskFormat | null; containerFormat: ContainerFormat | null },
): Conversion | null {
  const found = from.find((format) => format === declared.diskFormat);
  if (declared.containerFormat !== 'bare' || !found || found === to) return null;
  return { from: found, to };
}

/** All formats of disks that are recognised; a format is one inspector here. */
import type { Inspector } from './finding.ts';
import { iso } from './iso.ts';
import { gpt, mbr } from './partitions.ts';
import { qcow2 } from './qcow2.ts';
import { compressed, luks, ploop, qed, vdi } from './small-formats.ts';
import { vhd } from './vhd.ts';
import { vhdx } from './vhdx.ts';
import { vmdk } from './vmdk.ts';

export const diskInspectors: readonly Inspector[] = [
  qcow2,
  qed,
  vmdk,
  vhd,
  vhdx,
  vdi,
  iso,
  mbr,
  gpt,
  luks,
  ploop,
  compressed,
];

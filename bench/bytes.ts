/** What it costs to look at bytes as they go by. */
import { inspectStream } from '../src/bytes/inspect/inspection.ts';
import { someBytes } from '../test/support/bytes.ts';
import { gpt, iso, qcow2, streamedVmdk, tar, vhdx } from '../test/support/disks/headers.ts';
import { median, report } from './support/rounds.ts';

const MiB = 2 ** 20;
/** As sockets hand them over. */
const chunkBytes = 64 * 1024;

/** What a large image of each begins with. */
const beginnings: Record<string, Buffer> = {
  raw: Buffer.from(someBytes(MiB, 1)),
  'a disk with a GPT': gpt(),
  qcow2: qcow2(),
  'a streamed VMDK': streamedVmdk(),
  VHDX: vhdx(),
  ISO: iso(),
  'an OVA': tar({ 'vm.ovf': Buffer.alloc(8000, '<'), 'disk.vmdk': streamedVmdk() }),
};

/** Prints GB a second of one core, for `mib` MiB of each. Returns bytes a second of the slowest. */
export function measureLooking({ mib, rounds }: { mib: number; rounds: number }): number {
  const filler = Buffer.from(someBytes(chunkBytes, 9));
  const all = Object.entries(beginnings).map(([name, beginning]) => {
    const speeds = Array.from({ length: rounds }, () => speedOf(beginning, filler, mib * MiB));
    report(`looking at ${name}, GB/s of a core`, median(speeds), { limit: 1, kind: 'least' });
    return median(speeds);
  });
  return Math.min(...all) * 1e9;
}

function speedOf(beginning: Buffer, filler: Buffer, size: number): number {
  const inspector = inspectStream();
  const before = process.cpuUsage();
  let sent = 0;
  for (; sent < beginning.length; sent += chunkBytes)
    inspector.update(beginning.subarray(sent, sent + chunkBytes));
  for (; sent < size; sent += filler.length) inspector.update(filler);
  inspector.finish();
  const { user, system } = process.cpuUsage(before);
  return sent / ((user + system) * 1000);
}

/** What is said of honest and hostile images, however their bytes come. */
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Inspection, inspectStored, inspectStream } from '../../../src/bytes/inspect/inspection.ts';
import { insideOf, judge } from '../../../src/bytes/inspect/verdict.ts';
import type { FormatPolicy } from '../../../src/domain/inspection.ts';
import { samples } from '../../support/disks/corpus.ts';
import { MiB } from '../../support/disks/fill.ts';
import { qcow2, streamedVmdk, vmdk } from '../../support/disks/headers.ts';
import { sized } from '../../support/size.ts';

const policy: FormatPolicy = {
  requireMatch: true,
  rawMayHide: false,
  vmdkTypes: ['streamOptimized', 'monolithicSparse'],
  virtualSizeMax: 16 * 2 ** 40,
};

function inspectIn(bytes: Buffer, chunk: number): Inspection {
  const inspector = inspectStream();
  for (let at = 0; at < bytes.length; at += chunk) inspector.update(bytes.subarray(at, at + chunk));
  return inspector.finish();
}
const whole = (bytes: Buffer) => inspectIn(bytes, Math.max(1, bytes.length));
const stored = (bytes: Buffer) =>
  inspectStored(bytes.length, async (start, end) => bytes.subarray(start, end));
const refusalOf = (bytes: Buffer, diskFormat: 'raw' | 'qcow2' | 'vmdk', changes: Partial<FormatPolicy>) =>
  judge(whole(bytes), { diskFormat, containerFormat: 'bare' }, { ...policy, ...changes }).refusal;

describe.each(samples)('$name, as $diskFormat', ({ bytes, refused, virtualSize, ...declared }) => {
  test(refused ? `is refused as ${refused.code}` : 'is published', () => {
    const verdict = judge(whole(bytes), declared, policy);
    // What is inside is for test/flows/untrusted-bytes: it has to be unpacked.
    if (insideOf(whole(bytes), declared)) expect(verdict.refusal).toBeNull();
    else if (refused) {
      expect(verdict.refusal?.message).toMatch(refused.says);
      expect(verdict.refusal?.code).toBe(refused.code);
    } else {
      expect(verdict.refusal).toBeNull();
      expect(verdict.virtualSize).toBe(virtualSize);
    }
  });

  test('is the same in chunks of every size, and where it is stored', async () => {
    const expected = whole(bytes);
    const isShort = bytes.length <= 300_000;
    const small = sized({ quick: isShort ? [7] : [], ci: isShort ? [1, 7] : [], full: [1, 7] });
    for (const chunk of [...small, 511, 512, 513, 4096, 65_536])
      expect(inspectIn(bytes, chunk)).toEqual(expected);
    expect(await stored(bytes)).toEqual(expected);
  });
});

test('what is seen of a qcow2 is told', () => {
  const { inspection } = judge(whole(qcow2()), { diskFormat: 'qcow2', containerFormat: 'bare' }, policy);
  expect(inspection).toEqual({
    formats: ['qcow2'],
    variant: null,
    clusterSize: 65_536,
    encryption: 'none',
    compat: '1.1',
    creator: null,
  });
});

test('the settings say what is let through', () => {
  expect(refusalOf(qcow2(), 'raw', { rawMayHide: true })).toBeNull();
  expect(refusalOf(vmdk(), 'qcow2', { requireMatch: false })).toBeNull();
  expect(refusalOf(vmdk(), 'vmdk', { vmdkTypes: ['streamOptimized'] })?.message).toMatch(/monolithicSparse/);
  expect(refusalOf(streamedVmdk(), 'vmdk', { vmdkTypes: ['streamOptimized'] })).toBeNull();
  expect(refusalOf(qcow2(), 'qcow2', { virtualSizeMax: 64 * MiB - 1 })?.message).toMatch(/67108864/);
  const hostile = qcow2({ 8: { be64: 1n } });
  expect(refusalOf(hostile, 'raw', { rawMayHide: true, requireMatch: false })?.code).toBe('unsafe_image');
});

describe('whatever is done to the bytes', () => {
  const some = samples.filter(
    ({ bytes, refused }) => bytes.length >= 512 && (!refused || refused.code === 'unsafe_image'),
  );
  const declared = { diskFormat: 'qcow2', containerFormat: 'bare' } as const;

  test('with any of the first 512 changed, they are judged', { timeout: 600_000 }, () => {
    const flips = sized({ quick: 4, ci: 128, full: 512 });
    for (const [i, { bytes }] of some.entries()) {
      for (let n = 0; n < flips; n++) {
        const changed = Buffer.from(bytes.subarray(0, 128 * 1024));
        // Fewer of each are others of each.
        const at = (n * (512 / flips) + i) % 512;
        changed[at] = (changed[at] as number) ^ 0xff;
        judge(whole(changed), declared, policy);
      }
    }
  });

  test('cut off anywhere, they are judged, and alike in pieces', async () => {
    for (const { bytes } of some) {
      for (let length = 1; length < bytes.length; length *= 2) {
        const cut = bytes.subarray(0, length);
        const seen = whole(cut);
        judge(seen, declared, policy);
        expect(inspectIn(cut, 4096)).toEqual(seen);
        expect(await stored(cut)).toEqual(seen);
      }
    }
  });

  test('of random fields and random chunks, the verdict is one', async () => {
    const runs = sized({ quick: 100, ci: 1_000, full: 20_000 });
    const change = fc.tuple(fc.nat(2048), fc.uint8Array({ minLength: 1, maxLength: 8 }));
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...some),
        fc.array(change, { maxLength: 6 }),
        fc.integer({ min: 200, max: 70_000 }),
        async ({ bytes }, changes, chunk) => {
          const changed = Buffer.from(bytes.subarray(0, 300 * 1024));
          for (const [at, put] of changes)
            changed.set(put.subarray(0, Math.max(0, changed.length - at)), Math.min(at, changed.length));
          const seen = whole(changed);
          expect(inspectIn(changed, chunk)).toEqual(seen);
          expect(await stored(changed)).toEqual(seen);
        },
      ),
      { numRuns: runs },
    );
  });
});

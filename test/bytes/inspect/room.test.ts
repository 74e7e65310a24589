/** What is held of the bytes that are looked at, of one stream and of all. */
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from 'vitest';
import { inspectStream, type StreamInspector } from '../../../src/bytes/inspect/inspection.ts';
import { captureRoom, moreBytes, usualBytes } from '../../../src/bytes/inspect/room.ts';
import { UnavailableError } from '../../../src/domain/errors.ts';
import { KiB, MiB } from '../../support/disks/fill.ts';
import { mbr, tar, vhdx, vmdk, vmdkText } from '../../support/disks/headers.ts';

const longText = vmdk(vmdkText(), { 36: { le64: 2048n } });
const several = 40;

test.each([
  ['a raw disk', mbr(), usualBytes],
  ['the tables of a VHDX', vhdx().subarray(0, 300 * KiB), usualBytes + moreBytes],
  ['a VMDK whose descriptor goes on', longText.subarray(0, 127 * KiB), usualBytes + moreBytes],
  ['a VHDX in an archive', tar({ a: vhdx() }).subarray(0, 2 * MiB + 100 * KiB), usualBytes + moreBytes],
])('of %s no more is held than is counted', (_name, bytes, counted) => {
  setFlagsFromString('--expose_gc');
  const collect = runInNewContext('gc') as () => void;
  const room = captureRoom();
  const open: StreamInspector[] = [];
  collect();
  const before = process.memoryUsage().arrayBuffers;
  for (let n = 0; n < several; n++) {
    const inspector = inspectStream(room);
    for (let at = 0; at < bytes.length; at += 65_536) inspector.update(bytes.subarray(at, at + 65_536));
    open.push(inspector);
  }
  collect();
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(several * counted);
  expect(room.taken).toBe(several * counted);
  for (const inspector of open) inspector.close();
  expect(room.taken).toBe(0);
});

test('all together hold 64 MiB at most, and what one gives back another has', () => {
  const room = captureRoom();
  const open: StreamInspector[] = [];
  const fill = () => {
    for (;;) open.push(inspectStream(room));
  };
  expect(fill).toThrow(UnavailableError);
  expect(room.taken).toBeLessThanOrEqual(64 * MiB);
  open.pop()?.close();
  const last = inspectStream(room);
  // No room for what has to be waited for.
  expect(() => last.update(vhdx().subarray(0, 70 * KiB))).toThrow(UnavailableError);
  last.close();
  last.close();
  for (const inspector of open) inspector.finish();
  expect(room.taken).toBe(0);
});

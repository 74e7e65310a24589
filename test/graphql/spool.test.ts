import { once } from 'node:events';
import { openSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { type FileUpload, WriteStream } from 'graphql-upload-ts';
import { afterAll, expect, test } from 'vitest';
import { mendSpool, requireSpooled, SpoolError } from '../../src/graphql/spool.ts';
import { collect, someBytes } from '../support/bytes.ts';
import { ownTmpdir } from '../support/own-tmpdir.ts';

mendSpool();
ownTmpdir();
afterAll(() => expect(readdirSync(tmpdir())).toEqual([]));

/** What the library keeps to itself: its file is replaced by one that cannot be written. */
function breakFile(writer: WriteStream): void {
  (writer as unknown as { _fd: number })._fd = openSync('/dev/null', 'r');
}

test('what is written is read, by two at once', async () => {
  const bytes = someBytes(1_000_000);
  const writer = new WriteStream();
  const readers = [collect(writer.createReadStream()), collect(writer.createReadStream())];
  for (let at = 0; at < bytes.length; at += 70_000) writer.write(bytes.subarray(at, at + 70_000));
  writer.end();
  for (const read of await Promise.all(readers)) expect(read.equals(bytes)).toBe(true);
  writer.release();
  await once(writer, 'close');
});

test('readers of a file that cannot be written are told, those that wait and those that come', async () => {
  const writer = new WriteStream();
  writer.on('error', () => {});
  await once(writer, 'ready');
  const reading = collect(writer.createReadStream());
  breakFile(writer);
  writer.write(someBytes(1_000));
  await expect(reading).rejects.toBeInstanceOf(SpoolError);
  const upload = { capacitor: writer } as unknown as FileUpload;
  expect(() => requireSpooled(upload)).toThrow();
});

test('a file is closed when the write under way has ended, not before', async () => {
  const writer = new WriteStream();
  writer.on('error', () => {});
  await once(writer, 'ready');
  const ended: string[] = [];
  writer.once('write', () => ended.push('write'));
  writer.once('close', () => ended.push('close'));
  writer.write(someBytes(8_000_000));
  writer.destroy();
  await once(writer, 'close');
  expect(ended).toEqual(['write', 'close']);
});

import { createHash } from 'node:crypto';
import { afterEach, expect, it, vi } from 'vitest';
import { beginDigests, DigestStateError, resumeDigests } from '../../src/bytes/resumable-digests.ts';
import { someBytes } from '../support/bytes.ts';

afterEach(() => vi.restoreAllMocks());

const bytes = someBytes(100_000);

it('goes on from what was saved, with the same end as without a break', async () => {
  const first = await beginDigests(['md5', 'sha256', 'sha512']);
  first.update(bytes.subarray(0, 33_333));
  const second = await resumeDigests(JSON.parse(JSON.stringify(first.save())));
  second.update(bytes.subarray(33_333));
  const hex = (name: string) => createHash(name).update(bytes).digest('hex');
  expect(second.finish()).toEqual({ md5: hex('md5'), sha256: hex('sha256'), sha512: hex('sha512') });
});

it.each([
  ['another version saved', (saved: Buffer) => Buffer.from(saved).fill(0xee, 0, 4)],
  ['was cut short', (saved: Buffer) => saved.subarray(1)],
  ['is empty', () => Buffer.alloc(0)],
])('says so of a state that %s', async (_what, spoil) => {
  const { md5 = '' } = (await beginDigests(['md5'])).save();
  const state = { md5: spoil(Buffer.from(md5, 'base64')).toString('base64') };
  await expect(resumeDigests(state)).rejects.toThrow(DigestStateError);
});

it('says so of a digest that it does not know', async () => {
  const state = { crc32: 'AAAA' } as never;
  await expect(resumeDigests(state)).rejects.toThrow(DigestStateError);
});

it('takes no other failure for a fault of the state', async () => {
  const state = (await beginDigests(['md5'])).save();
  vi.spyOn(WebAssembly, 'instantiate').mockRejectedValueOnce(new RangeError('no memory'));
  await expect(resumeDigests(state)).rejects.toThrow(RangeError);
  expect((await resumeDigests(state)).save()).toEqual(state);
});

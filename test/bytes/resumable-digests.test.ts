import { createHash } from 'node:crypto';
import { xxhash64 } from 'hash-wasm';
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
  expect(second.finish()).toEqual({
    digests: { md5: hex('md5'), sha256: hex('sha256'), sha512: hex('sha512') },
    sums: Buffer.from(await xxhash64(bytes), 'hex'),
  });
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

it('says so of sums that another version saved, and goes on without where none were saved', async () => {
  const { blocks, ...others } = (await beginDigests(['md5'])).save();
  const spoilt = { ...others, blocks: { sums: '', filled: 0, open: blocks?.open.slice(8) ?? '' } };
  await expect(resumeDigests(spoilt)).rejects.toThrow(DigestStateError);
  expect((await resumeDigests(others)).finish().sums).toBeNull();
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

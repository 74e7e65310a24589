import { createHash } from 'node:crypto';
import { expect, it } from 'vitest';
import { type Algorithm, digestSet } from '../../src/bytes/digests.ts';
import { inChunks, someBytes } from '../support/bytes.ts';

const all: Algorithm[] = ['md5', 'sha256', 'sha512'];

it.each([0, 1, 63, 64, 65, 100_003])('agrees with node:crypto on %i bytes in any chunks', async (length) => {
  const bytes = someBytes(length, length);
  const expected = Object.fromEntries(
    all.map((name) => [name, createHash(name).update(bytes).digest('hex')]),
  );
  for (const chunk of [1, 64, 1000, 200_000]) {
    if (length / chunk > 10_000) continue;
    const set = digestSet(all);
    for await (const part of inChunks(bytes, chunk)) set.update(part);
    expect(set.finish()).toEqual(expected);
  }
});

it('computes what was asked for and nothing else', () => {
  expect(digestSet([]).finish()).toEqual({});
  expect(digestSet(['md5', 'md5']).finish()).toEqual({ md5: 'd41d8cd98f00b204e9800998ecf8427e' });
});

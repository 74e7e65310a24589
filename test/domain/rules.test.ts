import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { didYouMean } from '../../src/domain/did-you-mean.ts';
import { parseDigest } from '../../src/domain/digest.ts';
import { byCodePoint, imageStatuses } from '../../src/domain/image.ts';
import { after, type ImageEvent, statusesBefore } from '../../src/domain/lifecycle.ts';
import { readSignedPath, signPath } from '../../src/domain/signed-path.ts';
import { withoutSecretsOfUrl } from '../../src/domain/task.ts';
import { parseRange } from '../../src/transfer/range.ts';

describe('the life of an image', () => {
  test('knows these moves and no others', () => {
    const events: ImageEvent[] = [
      'beginUpload',
      'stage',
      'beginImport',
      'publish',
      'giveUp',
      'deactivate',
      'reactivate',
    ];
    const moves = imageStatuses.flatMap((status) =>
      events.flatMap((event) => {
        const next = after(status, event);
        return next ? [`${status} ${event} ${next}`] : [];
      }),
    );
    expect(moves).toEqual([
      'queued beginUpload saving',
      'queued stage uploading',
      'queued beginImport importing',
      'saving publish active',
      'saving giveUp queued',
      'uploading beginImport importing',
      'uploading giveUp queued',
      'importing publish active',
      'importing giveUp queued',
      'active deactivate deactivated',
      'deactivated reactivate active',
    ]);
    expect(imageStatuses.filter((status) => after(status, 'delete') === null)).toEqual(['deleted']);
    expect(statusesBefore('publish')).toEqual(['saving', 'importing']);
  });

  test('never leads from data back to none', () => {
    const withData = ['active', 'deactivated'];
    for (const status of withData) {
      for (const event of ['beginUpload', 'stage', 'beginImport', 'giveUp', 'publish'] as const) {
        expect(after(status as 'active', event)).toBeNull();
      }
    }
  });
});

test('text sorts by code point, as UTF-8 bytes do', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (a, b) => {
      expect(Math.sign(byCodePoint(a, b))).toBe(Buffer.compare(Buffer.from(a), Buffer.from(b)));
    }),
  );
});

test('a signed path allows what it was signed for, and no change of any character', () => {
  const now = new Date('2026-01-01T00:00:00Z');
  const imageId = '6b27b5b6-160c-4995-8939-b8df9d0e88f8';
  const expiresAt = new Date('2026-01-01T01:00:00Z');
  const path = signPath('key', { method: 'PUT', imageId, expiresAt, params: { store: 'file', size: '5' } });
  const query = path.split('?')[1] ?? '';
  expect(readSignedPath('key', 'PUT', imageId, query, now)).toEqual({
    method: 'PUT',
    imageId,
    to: 'file',
    expiresAt,
    params: { store: 'file', size: '5' },
  });
  expect(readSignedPath('key', 'GET', imageId, query, now)).toBeNull();
  expect(readSignedPath('other', 'PUT', imageId, query, now)).toBeNull();
  expect(readSignedPath('key', 'PUT', imageId, query, expiresAt)).toBeNull();
  fc.assert(
    fc.property(fc.nat(query.length - 1), fc.constantFrom('0', 'a', '&', '=', 'Z'), (at, character) => {
      const changed = query.slice(0, at) + character + query.slice(at + 1);
      fc.pre(changed !== query);
      expect(readSignedPath('key', 'PUT', imageId, changed, now)).toBeNull();
    }),
  );
});

test('a range lies inside the bytes, whatever is asked', () => {
  fc.assert(
    fc.property(fc.string(), fc.nat(1000), (text, size) => {
      for (const header of [text, `bytes=${text}`]) {
        const answer = parseRange(header, size);
        if (answer.kind !== 'part') continue;
        expect(answer.range.start).toBeGreaterThanOrEqual(0);
        expect(answer.range.start).toBeLessThanOrEqual(answer.range.end);
        expect(answer.range.end).toBeLessThan(size);
      }
    }),
  );
});

test('digests are taken in any case and spelling, and only of full length', () => {
  expect(parseDigest('SHA-256', 'AB'.repeat(32))).toEqual({ algorithm: 'sha256', value: 'ab'.repeat(32) });
  expect(parseDigest('sha512', 'ab'.repeat(64))?.algorithm).toBe('sha512');
  for (const [algorithm, value] of [
    ['sha256', 'ab'],
    ['sha1', 'ab'.repeat(20)],
    ['md5', 'zz'.repeat(16)],
    ['__proto__', ''],
  ]) {
    expect(parseDigest(algorithm ?? '', value ?? '')).toBeNull();
  }
});

test('a mistyped word finds the one that was meant', () => {
  const words = ['VITRINE_PORT', 'VITRINE_HOST', 'tags'];
  expect(didYouMean('VITRINE_PROT', words)).toBe('VITRINE_PORT');
  expect(didYouMean('tag', words)).toBe('tags');
  expect(didYouMean('something', words)).toBeNull();
});

test.each([
  ['pwd=hunter2', 'pwd=***'],
  ['code=s3cr3t&hmac=0123456789abcdef&ticket=abc', 'code=***&hmac=***&ticket=***'],
  ['AbCdEf0123456789AbCdEf0123456789AbCdEf0123456789', '***'],
  ['c2VjcmV0Cg==', '***'],
  ['AbCdEf0123456789AbCdEf0123456789AbCdEf0123456789=1', '***'],
  ['s3cr3t', '***'],
  ['a%26b=c', '***'],
  ['sig=1&page=2&page=3', 'sig=***&page=2&page=3'],
  ['arch=amd64&version=24.04&file=a/b.img&raw', 'arch=amd64&version=24.04&file=a/b.img&raw'],
  ['id=0123456789abcdef0123456789abcdef', 'id=***'],
  ['page=1;token=abc', 'page=***'],
  ['', ''],
])('a URL is shown without what may be a secret in its query: %s', (query, shown) => {
  const search = shown === '' ? '' : `?${shown}`;
  expect(withoutSecretsOfUrl(`https://h/f?${query}#part`)).toBe(`https://h/f${search}`);
});

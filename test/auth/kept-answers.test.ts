/** What is kept of tokens: for how long, and how much at most. */
import { expect, test } from 'vitest';
import { keptAnswers } from '../../src/auth/kept-answers.ts';

function counted(goodMax = 3, badMax = 2) {
  let at = 0;
  const asked: string[] = [];
  const kept = keptAnswers<string>({ goodMax, badMax, now: () => at });
  return {
    asked,
    pass: (ms: number) => {
      at += ms;
    },
    get: (key: string, value: string | null = key, keepMs = 10) =>
      kept.get(key, async () => {
        asked.push(key);
        return { value, keepMs };
      }),
  };
}

test('an answer is kept for its time, and not a moment longer', async () => {
  const { get, pass, asked } = counted();
  expect([await get('a'), await get('a')]).toEqual(['a', 'a']);
  pass(9);
  await get('a');
  expect(asked).toEqual(['a']);
  pass(1);
  expect(await get('a', null)).toBeNull();
  expect(asked).toEqual(['a', 'a']);
});

test('what is not to be kept is for those who wait for it', async () => {
  const { get, asked } = counted();
  expect(await Promise.all([get('a', 'a', 0), get('a', 'a', 0)])).toEqual(['a', 'a']);
  await get('a', 'a', -5);
  expect(asked).toEqual(['a', 'a']);
});

test('the oldest makes room, and what nobody knows takes none from what is good', async () => {
  const { get, asked } = counted();
  for (const key of ['a', 'b', 'c', 'd']) await get(key);
  for (let i = 0; i < 100; i++) await get(`no-${i}`, null);
  asked.length = 0;
  for (const key of ['b', 'c', 'd', 'no-98', 'no-99']) await get(key);
  expect(asked).toEqual([]);
  await get('a');
  await get('no-97', null);
  expect(asked).toEqual(['a', 'no-97']);
});

test('a failure is told to all who wait for it, and not kept', async () => {
  const kept = keptAnswers<string>({ goodMax: 1, badMax: 1, now: () => 0 });
  const fail = () => Promise.reject(new Error('away'));
  const both = await Promise.allSettled([kept.get('a', fail), kept.get('a', fail)]);
  expect(both.map(({ status }) => status)).toEqual(['rejected', 'rejected']);
  expect(await kept.get('a', async () => ({ value: 'a', keepMs: 1 }))).toBe('a');
});

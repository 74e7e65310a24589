/** Turns: who asks for much waits for oneself, and nobody else for them. */
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { fairTurns } from '../../src/db/fair-turns.ts';
import { UnavailableError } from '../../src/domain/errors.ts';

/** Jobs that end when they are told to; `begun` has them in the order of their turns. */
function jobs(atOnce: number) {
  const turns = fairTurns(atOnce);
  const begun: string[] = [];
  const running = new Map<string, PromiseWithResolvers<string>>();
  return {
    begun,
    running,
    ask(who: string, name: string): Promise<string> {
      return turns.take(who, () => {
        begun.push(name);
        const job = Promise.withResolvers<string>();
        running.set(name, job);
        return job.promise;
      });
    },
    async end(name: string, error?: Error): Promise<void> {
      const job = running.get(name);
      running.delete(name);
      if (error) job?.reject(error);
      else job?.resolve(name);
      await settled();
    },
  };
}

/** All that follows from what has happened. */
const settled = () => new Promise<void>((resolve) => setImmediate(resolve));

test('only so many run at once, and the others of one asker in the order they came', async () => {
  const { ask, begun, end } = jobs(2);
  const answers = ['a1', 'a2', 'a3', 'a4'].map((name) => ask('a', name));
  await settled();
  expect(begun).toEqual(['a1', 'a2']);
  await end('a2');
  expect(begun).toEqual(['a1', 'a2', 'a3']);
  await end('a1');
  await end('a3');
  await end('a4');
  expect(await Promise.all(answers)).toEqual(['a1', 'a2', 'a3', 'a4']);
});

test('ten jobs of one asker keep the first of another waiting only for one that runs', async () => {
  const { ask, begun, end } = jobs(2);
  for (let i = 1; i <= 10; i++) void ask('a', `a${i}`);
  void ask('b', 'b1');
  void ask('b', 'b2');
  void ask('c', 'c1');
  await settled();
  expect(begun).toEqual(['a1', 'a2']);
  for (const name of ['a1', 'a2', 'a3', 'b1', 'c1', 'a4']) await end(name);
  // One turn each; who has had one is behind the others.
  expect(begun).toEqual(['a1', 'a2', 'a3', 'b1', 'c1', 'a4', 'b2', 'a5']);
});

test('of one asker only sixteen wait; more are refused at once, and nobody else is', async () => {
  const { ask, begun, running, end } = jobs(2);
  const answers = Array.from({ length: 18 }, (_, i) => ask('a', `a${i}`));
  await settled();
  await expect(ask('a', 'too many')).rejects.toThrow(UnavailableError);
  void ask('b', 'b');
  await end('a0');
  const late = ask('a', 'late'); // in the place of the one that has begun
  await expect(ask('a', 'too many')).rejects.toThrow(UnavailableError);
  while (running.size > 0) for (const name of running.keys()) await end(name);
  expect(begun).toContain('b');
  expect(begun).not.toContain('too many');
  expect(await Promise.all([...answers, late])).toHaveLength(19);
});

test('a failure gives its turn back, and is only its own', async () => {
  const { ask, begun, end } = jobs(1);
  const failing = expect(ask('a', 'a1')).rejects.toThrow('broken');
  const next = ask('b', 'b1');
  await settled();
  await end('a1', new Error('broken'));
  await failing;
  expect(begun).toEqual(['a1', 'b1']);
  await end('b1');
  expect(await next).toBe('b1');

  const turns = fairTurns(1);
  const thrown = turns.take('a', () => {
    throw new Error('at once');
  });
  await expect(thrown).rejects.toThrow('at once');
  expect(await turns.take('a', async () => 'fine')).toBe('fine');
});

test('whoever asks and ends whenever, everything runs, and none waits while there is a free turn', async () => {
  const step = fc.oneof(
    fc.record({ ask: fc.constantFrom('a', 'b', 'c') }),
    fc.record({ end: fc.nat(), fails: fc.boolean() }),
  );
  await fc.assert(
    fc.asyncProperty(
      fc.integer({ min: 1, max: 3 }),
      fc.array(step, { maxLength: 60 }),
      async (atOnce, steps) => {
        const { ask, begun, running, end } = jobs(atOnce);
        let [asked, ended, refused] = [0, 0, 0];
        const finish = async (n: number, fails: boolean) => {
          const name = [...running.keys()][n % running.size];
          if (name === undefined) return;
          ended++;
          await end(name, fails ? new Error('told to') : undefined);
        };
        for (const [i, one] of steps.entries()) {
          if ('end' in one) await finish(one.end, one.fails);
          else {
            asked++;
            ask(one.ask, `${one.ask}${i}`).catch((error) => {
              if (error instanceof UnavailableError) refused++;
            });
            await settled();
          }
          expect(running.size).toBe(Math.min(atOnce, asked - refused - ended));
        }
        while (running.size > 0) await finish(0, false);
        expect(begun).toHaveLength(asked - refused);
      },
    ),
    { numRuns: 100 },
  );
});

/** When a server is left alone, and for how long. */
import { expect, test } from 'vitest';
import { breaker } from '../../src/cloud/breaker.ts';

function atZero() {
  let at = 0;
  const changes: boolean[] = [];
  const inner = breaker({ now: () => at, onChange: (isOpen) => changes.push(isOpen) });
  const failTimes = (times: number) => {
    for (let i = 0; i < times; i++) inner.failed();
  };
  const pass = (ms: number) => {
    at += ms;
  };
  return { ...inner, changes, failTimes, pass };
}

test('calls that fail together leave it alone once, not ever longer', () => {
  const { refusal, failTimes, changes } = atZero();
  failTimes(100);
  expect(refusal()).toEqual({ failures: 100, leftMs: 1_000 });
  expect(changes).toEqual([true]);
});

test('one call tries after the pause; when it fails the pause is twice as long, when it succeeds it is over', () => {
  const { refusal, failed, succeeded, failTimes, pass, changes } = atZero();
  failTimes(4);
  expect(refusal()).toBeNull();
  failed();
  pass(999);
  expect(refusal()?.leftMs).toBe(1);
  pass(1);
  expect([refusal(), refusal()?.leftMs]).toEqual([null, 1_000]);
  failed();
  expect(refusal()?.leftMs).toBe(2_000);
  for (let i = 0; i < 10; i++) {
    pass(30_000);
    expect(refusal()).toBeNull();
    failed();
  }
  expect(refusal()?.leftMs).toBe(30_000);
  pass(30_000);
  expect(refusal()).toBeNull();
  succeeded();
  expect([refusal(), changes]).toEqual([null, [true, false]]);
});

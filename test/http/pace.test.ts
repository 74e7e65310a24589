import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { watchPace } from '../../src/http/pace.ts';

beforeEach(() => {
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
});

function aTransfer() {
  const state = { moved: 0, slow: 0 };
  const pace = watchPace({
    moved: () => state.moved,
    onSlow: () => {
      state.slow++;
    },
    clock: () => Date.now(),
  });
  return { state, pace };
}

test('a client that moves too little while we wait for it is given up, once', () => {
  const { state, pace } = aTransfer();
  pace.waiting();
  vi.advanceTimersByTime(25_000);
  expect(state.slow).toBe(0);
  vi.advanceTimersByTime(60_000);
  expect(state.slow).toBe(1);
});

test('a slow one that moves is left alone for hours', () => {
  const { state, pace } = aTransfer();
  pace.waiting();
  for (let second = 0; second < 7200; second++) {
    state.moved += 17 * 1024;
    vi.advanceTimersByTime(1000);
  }
  expect(state.slow).toBe(0);
  pace.stop();
});

test('time in which the client waits for us does not count against it', () => {
  const { state, pace } = aTransfer();
  pace.waiting();
  vi.advanceTimersByTime(4_000);
  pace.done();
  vi.advanceTimersByTime(3_600_000);
  expect(state.slow).toBe(0);
  pace.stop();
});

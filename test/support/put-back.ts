/** Part of every test file: several share a process, and each leaves it as it found it. */
import { afterAll, expect, vi } from 'vitest';

const before = { env: { ...process.env }, cwd: process.cwd() };

afterAll(() => {
  // Their names alone: a value may be a secret.
  const names = new Set([...Object.keys(before.env), ...Object.keys(process.env)]);
  expect([...names].filter((name) => process.env[name] !== before.env[name])).toEqual([]);
  expect(process.cwd()).toBe(before.cwd);
  expect(vi.isFakeTimers()).toBe(false);
});

/**
 * Secrets that can be known again: every test plants such ones in what it tests, and the watch of the whole run (see
 * leak-watch.ts) looks for all of them in whatever our servers answer, log or count.
 */
import { randomBytes } from 'node:crypto';

const mark = 'S3CR3T-';

export const planted = (name: string) => `${mark}${name}-${randomBytes(8).toString('hex')}`;

/** The only one that servers which stand for Swift, S3 and image services let in. */
export const storePassword = planted('store');

/** What was found, and where. */
const leaks: string[] = [];

/** Notes the secret when there is one in `output`. */
export function watch(output: string | Uint8Array, where: string): void {
  const bytes = Buffer.isBuffer(output) ? output : Buffer.from(output as string);
  const at = bytes.indexOf(mark);
  if (at >= 0) leaks.push(`${where}: ${bytes.subarray(Math.max(0, at - 200), at + 100)}`);
}

/** All that were found since it was asked last. */
export const takeLeaks = () => leaks.splice(0);

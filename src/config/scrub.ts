/** The section `scrub`: how often, and how fast, stored bytes are looked at again. */
import { parseByteSize, parseDuration } from './parse.ts';
import { keys, one } from './shape.ts';

const days = 86_400_000;

const period = (minMs: number) =>
  one((text) => {
    if (text === 'never') return null;
    try {
      return parseDuration(text, minMs, 3650 * days);
    } catch (error) {
      throw new Error(`${(error as Error).message}; or never`);
    }
  });
const byteRate = one((text) => parseByteSize(text));

export const scrubSection = keys({
  sizes: period(60_000).default(3_600_000),
  deep: period(3_600_000).default(7 * days),
  rate: byteRate.default(20 * 2 ** 20),
  digestRate: byteRate.default(100 * 2 ** 20),
}).transform(({ sizes, deep, ...rates }) => Object.freeze({ sizesMs: sizes, deepMs: deep, ...rates }));

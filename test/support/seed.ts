/**
 * What random cases are drawn from. CI says whether a change may land, so it draws the same ones every time; quick and
 * full runs look for new ones. TEST_SEED repeats the run that printed it.
 */
import { randomInt } from 'node:crypto';
import { size } from './size.ts';

export const seed = Number(process.env.TEST_SEED ?? (size === 'ci' ? 20_261_126 : randomInt(2 ** 31)));

/** Part of every test file: what a random case failed with is in its report, not only what it was drawn from. */
import fc from 'fast-check';
import { seed } from './seed.ts';

fc.configureGlobal({ ...fc.readConfigureGlobal(), seed, includeErrorInReport: true });

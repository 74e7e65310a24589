/** The section `audit`: how long entries of the audit log are kept. */
import { z } from 'zod';
import { parseInteger } from './parse.ts';
import { keys, one } from './shape.ts';

const longestDays = 36_500;

/** Null: for ever. */
const days = one((text) => {
  if (text === 'never') return null;
  try {
    return parseInteger(text, 1, longestDays);
  } catch (error) {
    throw new Error(`${(error as Error).message}; or never`);
  }
});

/** `retentionDays: null` is not the default, which would forget what somebody wants to keep. */
function withNever(section: unknown): unknown {
  const isNull = typeof section === 'object' && section !== null && 'retentionDays' in section;
  return isNull && section.retentionDays === undefined ? { ...section, retentionDays: 'never' } : section;
}

export const auditSection = z
  .preprocess(withNever, keys({ retentionDays: days.default(365) }))
  .transform((section) => Object.freeze(section));

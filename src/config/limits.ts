/** The section `limits`: how much of the service one project, or one address, may have. */
import { parseInteger } from './parse.ts';
import { keys, one } from './shape.ts';

/** Null: no limit. */
const most = (max: number) =>
  one((text) => parseInteger(text, 1, max))
    .optional()
    .transform((value) => value ?? null);

export const limitsSection = keys({
  requestsPerSecond: most(1_000_000),
  createsPerMinute: most(1_000_000),
  importsPerMinute: most(1_000_000),
  uploads: most(100_000),
  imports: most(100_000),
  downloads: most(100_000),
  graphqlCost: one((text) => parseInteger(text, 1_000, 1_000_000_000)).default(100_000),
  graphqlDepth: one((text) => parseInteger(text, 4, 100)).default(12),
}).transform((limits) => Object.freeze(limits));

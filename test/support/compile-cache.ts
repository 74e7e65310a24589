import { join } from 'node:path';

/** Where Node keeps what it has compiled (NODE_COMPILE_CACHE), for the workers of a run and the programs they start. */
export const compileCache = join(import.meta.dirname, '../../node_modules/.cache/vitrine-test');

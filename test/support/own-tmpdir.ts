import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll } from 'vitest';

/** For this file's tests os.tmpdir() is a folder of their own: what others leave in the common one is not looked at. */
export function ownTmpdir(): void {
  const common = process.env.TMPDIR;
  beforeAll(() => {
    process.env.TMPDIR = mkdtempSync(join(tmpdir(), 'vitrine-spool-'));
  });
  afterAll(() => {
    rmSync(tmpdir(), { recursive: true });
    if (common === undefined) delete process.env.TMPDIR;
    else process.env.TMPDIR = common;
  });
}

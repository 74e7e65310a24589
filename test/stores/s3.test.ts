/** The driver against a real server of the S3 protocol: Swift's. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe } from 'vitest';
import { s3Store } from '../../src/stores/s3/s3.ts';
import { s3Settings, withServices } from '../support/services.ts';
import { only } from '../support/size.ts';
import { storeContract } from './contract.ts';

const here = only(withServices);
const staging = mkdtempSync(join(tmpdir(), 'vitrine-staging-'));
afterAll(() => rmSync(staging, { recursive: true, force: true }));

describe.skipIf(here.skip)(`against a real S3 API${here.why}`, () => {
  storeContract('s3', async () => s3Store({ ...s3Settings(), staging }));
});

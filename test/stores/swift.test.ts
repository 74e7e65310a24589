/** The driver against a real Swift with a real Keystone. */
import { describe } from 'vitest';
import { swiftStore } from '../../src/stores/swift/swift.ts';
import { swiftSettings, withServices } from '../support/services.ts';
import { only } from '../support/size.ts';
import { storeContract } from './contract.ts';

const here = only(withServices);

describe.skipIf(here.skip)(`against a real Swift${here.why}`, () => {
  storeContract('swift', async () => swiftStore(swiftSettings()));
  storeContract('swift in segments', async () =>
    swiftStore({ ...swiftSettings(), largeObjectSize: 100_000, segmentSize: 2 ** 20 }),
  );
});

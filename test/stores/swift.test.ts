/** The driver against a real Swift with a real Keystone. */
import { describe, expect, it } from 'vitest';
import { openLine } from '../../src/cloud/http-call.ts';
import { keystoneSession } from '../../src/cloud/keystone.ts';
import { NotFoundError } from '../../src/domain/errors.ts';
import { swiftContainer } from '../../src/stores/swift/account.ts';
import { swiftStore } from '../../src/stores/swift/swift.ts';
import { collect, someBytes } from '../support/bytes.ts';
import { swiftSettings, withServices } from '../support/services.ts';
import { only } from '../support/size.ts';
import { storeContract } from './contract.ts';

const here = only(withServices);

describe.skipIf(here.skip)(`against a real Swift${here.why}`, () => {
  storeContract('swift', async () => swiftStore(swiftSettings()));
  storeContract('swift in segments', async () =>
    swiftStore({ ...swiftSettings(), largeObjectSize: 100_000, segmentSize: 2 ** 20 }),
  );

  it('finishes what somebody was killed at after the mark was gone, as long as every segment is there', async () => {
    const settings = { ...swiftSettings(), segmentSize: 2 ** 20 };
    const store = swiftStore(settings);
    const line = openLine({ connectMs: 5_000 });
    const session = keystoneSession({ server: 'swift', access: settings, line, now: Date.now });
    const container = swiftContainer({
      ...settings,
      store: 'swift',
      name: settings.container,
      session,
      line,
    });
    const lose = (name: string) => container.status({ method: 'DELETE', name });
    const bytes = someBytes(2 ** 20 + 100_000);
    const writer = await store.create('ab.1', { size: bytes.length, pausable: true });
    await writer.write(bytes);
    const paused = await writer.pause();
    const finish = async () => (await store.resume('ab.1', paused)).commit();
    await finish();
    await lose('ab.1'); // the manifest alone: as it was before
    await expect(store.stat('ab.1')).rejects.toThrow(NotFoundError);
    await finish();
    expect((await collect(await store.read('ab.1'))).equals(bytes)).toBe(true);
    await lose('ab.1');
    await lose('ab.1/00000002');
    await expect(finish()).rejects.toThrow(NotFoundError);
    await store.remove('ab.1');
  });
});

/** Images of other regions: found through the catalog, seen with the user's eyes, read in spite of faults. */

import { createHash } from 'node:crypto';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { ConflictError, NotFoundError, UnavailableError, ValidationError } from '../../src/domain/errors.ts';
import { openRemoteImages, type RemoteImageRequest } from '../../src/stores/glance/remote-images.ts';
import { collect, someBytes } from '../support/bytes.ts';
import { type ImageService, imageService } from '../support/image-service.ts';
import { storePassword } from '../support/planted.ts';
import { withServices } from '../support/services.ts';
import { only } from '../support/size.ts';

let service: ImageService;
beforeAll(async () => {
  service = await imageService();
});
afterEach(() => {
  service.fail();
  service.knowsRanges = true;
});
afterAll(() => service.close());

const bytes = someBytes(1_000_000);
const copiedProperties = ['hw_', 'trait:', 'os_distro', 'os_secure_boot', 'os_type'];

function remote(changed: Record<string, unknown> = {}) {
  const keystone = {
    url: `${service.url}/v3`,
    username: 'u',
    password: storePassword,
    userDomain: 'Default',
    project: 'p',
    projectDomain: 'Default',
    connectTimeoutMs: 1_000,
    answerTimeoutMs: 5_000,
    idleTimeoutMs: 5_000,
    ...changed,
  };
  return openRemoteImages({ keystone, copiedProperties });
}

const asked = (imageId: string, changed: Partial<RemoteImageRequest> = {}): RemoteImageRequest => ({
  region: 'RegionTwo',
  imageId,
  serviceInterface: 'public',
  project: 'mine',
  isAdmin: false,
  ...changed,
});

async function refusal(promise: Promise<unknown>): Promise<Error> {
  const error = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  expect(error).toBeInstanceOf(Error);
  expect((error as Error).message).not.toMatch(/127\.0\.0\.1|S3CR3T/);
  return error as Error;
}

const digest = (name: string) => createHash(name).update(bytes).digest('hex');

describe('an image of another region', () => {
  it('is found in the catalog and told with what comes along', async () => {
    const id = service.put(bytes, {
      hw_disk_bus: 'scsi',
      'trait:HW_CPU': 'required',
      os_distro: 'ubuntu',
      owner_specified: 'x',
      architecture: 'x86_64',
      hw_number: 7,
    });
    const image = await remote().find(asked(id.toUpperCase()));
    expect(image).toMatchObject({
      id,
      name: 'far',
      size: bytes.length,
      checksum: digest('md5'),
      digests: { md5: digest('md5'), sha512: digest('sha512') },
      diskFormat: 'qcow2',
      containerFormat: 'bare',
      minDisk: 2,
      minRam: 512,
      properties: { hw_disk_bus: 'scsi', 'trait:HW_CPU': 'required', os_distro: 'ubuntu' },
    });
    expect((await collect(await image.open())).equals(bytes)).toBe(true);
    expect((await collect(await image.open(999_990))).equals(bytes.subarray(999_990))).toBe(true);
    expect((await collect(await image.open(bytes.length))).length).toBe(0);
  });

  it('is found at every interface and region that the catalog has, and at no other', async () => {
    const id = service.put(bytes);
    for (const [region, serviceInterface] of [
      ['RegionTwo', 'internal'],
      ['RegionOne', 'internal'],
    ] as const)
      expect((await remote().find(asked(id, { region, serviceInterface }))).id).toBe(id);
    const unknown = await refusal(remote().find(asked(id, { region: 'Regiontwo' })));
    expect(unknown).toMatchObject({ issues: [{ path: ['region'], code: 'UNKNOWN_REGION' }] });
    expect(unknown.message).toContain('there are RegionGone, RegionOne, RegionTwo');
    const other = await refusal(remote().find(asked(id, { region: 'RegionOne' })));
    expect(other).toMatchObject({ issues: [{ path: ['serviceInterface'], code: 'UNKNOWN_INTERFACE' }] });
    expect(other.message).toContain('there are internal');
    expect(await refusal(remote().find(asked('../../v3')))).toBeInstanceOf(ValidationError);
  });

  it('is seen by whom it would be seen there, however much the service may see', async () => {
    const of = (visibility: string, owner = 'far-project') => service.put(bytes, { visibility, owner });
    const ids = {
      public: of('public'),
      community: of('community'),
      shared: of('shared'),
      private: of('private'),
      mine: of('private', 'mine'),
      given: of('shared'),
    };
    service.share(ids.given, 'other', 'mine');
    service.share(ids.shared, 'other');
    service.share(ids.private, 'mine'); // of a private image nobody is a member
    const seen = async (changed: Partial<RemoteImageRequest>) => {
      const found: string[] = [];
      for (const [name, id] of Object.entries(ids)) {
        const error = await remote()
          .find(asked(id, changed))
          .then(
            () => null,
            (reason: unknown) => reason as Error,
          );
        if (!error) found.push(name);
        else expect(error).toEqual(new NotFoundError(missing(id)));
      }
      return found;
    };
    expect(await seen({})).toEqual(['public', 'community', 'mine', 'given']);
    expect(await seen({ project: null })).toEqual(['public', 'community']);
    expect(await seen({ isAdmin: true, project: null })).toEqual(Object.keys(ids));
    service.fail({ on: /\/members$/, how: { status: 403 } });
    expect(await seen({})).toEqual(['public', 'community', 'mine']);
    const nowhere = crypto.randomUUID();
    expect(await refusal(remote().find(asked(nowhere)))).toEqual(new NotFoundError(missing(nowhere)));
  });

  it('has to be active, which only those learn who may see it', async () => {
    const id = service.put(bytes, { status: 'queued', size: null, visibility: 'private' });
    expect(await refusal(remote().find(asked(id)))).toBeInstanceOf(NotFoundError);
    const error = await refusal(remote().find(asked(id, { isAdmin: true })));
    expect(error).toBeInstanceOf(ConflictError);
    expect(error.message).toContain('is queued');
  });

  it('is believed only what an image can be', async () => {
    for (const fields of [{ size: -1 }, { size: '7' }, { visibility: 7 }, { id: 'other' }]) {
      const id = service.put(bytes, fields);
      expect(await refusal(remote().find(asked(id)))).toBeInstanceOf(UnavailableError);
    }
    const id = service.put(bytes, { checksum: null, os_hash_algo: 'sha3', disk_format: 'new', name: null });
    expect(await remote().find(asked(id))).toMatchObject({ checksum: null, digests: {}, diskFormat: null });
  });
});

describe('the bytes of an image of another region', () => {
  it('are gone on with where they broke off', async () => {
    const image = await remote().find(asked(service.put(bytes)));
    service.fail({ on: /\/file$/, times: 2, how: { cutAfter: 300_000 } });
    service.seen.length = 0;
    expect((await collect(await image.open())).equals(bytes)).toBe(true);
    expect(service.seen.filter((line) => line.endsWith('/file'))).toHaveLength(3);
    service.knowsRanges = false;
    service.fail({ on: /\/file$/, times: 2, how: { cutAfter: 300_000 } });
    expect((await collect(await image.open(200_000))).equals(bytes.subarray(200_000))).toBe(true);
  });

  it('are given up when they break off again and again, and never taken for whole', async () => {
    const image = await remote().find(asked(service.put(bytes)));
    for (const how of [{ cutAfter: 0 }, 'reset', { status: 503 }] as const) {
      service.fail({ on: /\/file$/, how });
      service.seen.length = 0;
      expect(await refusal(image.open().then(collect))).toBeInstanceOf(UnavailableError);
      expect(service.seen.length).toBeLessThan(8);
    }
  });

  it('are not taken when they are others than was said', async () => {
    for (const [size, answered] of [
      [bytes.length + 1, bytes],
      [bytes.length - 1, bytes],
      [5, Buffer.alloc(0)],
    ] as const) {
      const image = await remote().find(asked(service.put(answered, { size })));
      expect(await refusal(image.open().then(collect))).toBeInstanceOf(UnavailableError);
    }
  });

  it('end when the signal is given or nobody reads on', async () => {
    const image = await remote().find(asked(service.put(bytes)));
    const controller = new AbortController();
    const chunks = (await image.open(0, controller.signal))[Symbol.asyncIterator]();
    await chunks.next();
    controller.abort(new Error('enough'));
    await expect(collect({ [Symbol.asyncIterator]: () => chunks })).rejects.toThrow('enough');
    for await (const _ of await image.open()) break;
    await expect(remote().find(asked(image.id), AbortSignal.abort(new Error('before')))).rejects.toThrow();
  });
});

describe('Keystone and the service', () => {
  it('are asked for one token, and for another when it is not accepted any more', async () => {
    const images = remote();
    const ids = [service.put(bytes), service.put(bytes)];
    service.seen.length = 0;
    const found = await Promise.all(ids.map((id) => images.find(asked(id))));
    expect(service.seen.filter((line) => line.includes('/auth/tokens'))).toHaveLength(1);
    service.revoke();
    await images.find(asked(ids[0] ?? ''));
    service.revoke();
    for (const image of found) expect((await collect(await image.open())).length).toBe(bytes.length);
    expect(service.seen.filter((line) => line.includes('/auth/tokens'))).toHaveLength(3);
  });

  it('may be away, slow or wrong: it is said which, in time, and without addresses', async () => {
    const id = service.put(bytes);
    const nobody = await refusal(remote({ url: 'http://127.0.0.1:1/v3' }).find(asked(id)));
    expect(nobody.message).toMatch(/^Keystone cannot be reached/);
    const wrong = await refusal(remote({ password: 'other-password' }).find(asked(id)));
    expect(wrong.message).toMatch(/^Keystone refused: it does not accept the credentials/);
    const gone = await refusal(remote().find(asked(id, { region: 'RegionGone' })));
    expect(gone.message).toMatch(/^The image service of region RegionGone cannot be reached/);
    const hurried = remote({ answerTimeoutMs: 100, idleTimeoutMs: 100 });
    const image = await hurried.find(asked(id));
    for (const on of [/\/images\//, /\/file$/]) {
      service.fail({ on, how: 'hang' });
      const late = on.test('/file') ? image.open().then(collect) : hurried.find(asked(id));
      expect(await refusal(late)).toMatchObject({ reason: 'timeout', store: null });
    }
  });

  it('are tried again when they fail for a moment', async () => {
    const id = service.put(bytes);
    service.fail({ on: /\/images\//, times: 2, how: { status: 502 } });
    expect((await remote().find(asked(id))).id).toBe(id);
  });

  it('are not followed elsewhere', async () => {
    const id = service.put(bytes);
    const image = await remote().find(asked(id));
    const location = { location: `${service.url}/elsewhere` };
    for (const status of [301, 302, 307, 308]) {
      service.fail({ on: /\/images\//, how: { status, headers: location } });
      expect(await refusal(remote().find(asked(id)))).toBeInstanceOf(UnavailableError);
      expect(await refusal(image.open().then(collect))).toBeInstanceOf(UnavailableError);
    }
    expect(service.seen.filter((line) => line.includes('elsewhere'))).toEqual([]);
  });

  it('take application credentials', async () => {
    const id = service.put(bytes);
    const none = { username: undefined, password: undefined, project: undefined };
    const images = remote({
      ...none,
      applicationCredentialId: 'i',
      applicationCredentialSecret: storePassword,
    });
    expect((await images.find(asked(id))).id).toBe(id);
  });
});

const real = only(withServices);
it.skipIf(real.skip)(`a real Keystone’s catalog is understood${real.why}`, async () => {
  const images = remote({
    url: process.env.TEST_SWIFT_AUTH_URL ?? '',
    username: 'glance',
    password: process.env.TEST_PASSWORD ?? '',
    project: 'service',
  });
  const id = crypto.randomUUID();
  const unknown = await refusal(images.find(asked(id, { region: 'Nowhere' })));
  expect(unknown.message).toContain('there are RegionOne');
  // Its image endpoint is where nobody listens in these tests, or a service without this image.
  const error = await refusal(images.find(asked(id, { region: 'RegionOne' })));
  expect([UnavailableError, NotFoundError]).toContain(error.constructor);
});

const missing = (id: string) => `Image ${id} is not in region RegionTwo, or you may not see it`;

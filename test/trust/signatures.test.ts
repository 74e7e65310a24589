/** Which signatures are good, and why the others are not: real keys, real chains, in directories. */
import { randomBytes, randomUUID, sign } from 'node:crypto';
import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { ValidationError } from '../../src/domain/errors.ts';
import type { SignatureRecord } from '../../src/domain/signature.ts';
import { openSignatures, type Signatures } from '../../src/trust/signatures.ts';
import {
  asCa,
  asSigner,
  type Issued,
  issue,
  type Order,
  type Properties,
  signed,
} from '../support/authority.ts';
import { only, size, sized } from '../support/size.ts';

const openssl = only({ programs: ['openssl'] });
const long = only({ from: 'ci' });
const bytes = randomBytes(100_000);

let folder = '';
let signatures: Signatures;
let root: Issued;
let intermediate: Issued;

/** Where the operator would put it. */
const put = (where: 'roots' | 'certificates', name: string, ...chain: Issued[]) =>
  writeFileSync(join(folder, where, name), chain.map(({ certificate }) => certificate).join(''));

beforeAll(async () => {
  if (openssl.skip) return;
  folder = mkdtempSync(join(tmpdir(), 'vitrine-trust-'));
  for (const name of ['roots', 'certificates']) mkdirSync(join(folder, name));
  root = issue({ name: 'root' });
  intermediate = issue({ name: 'intermediate', by: root, extensions: asCa });
  put('roots', 'root.pem', root);
  signatures = await open();
});
afterAll(() => openssl.skip || rmSync(folder, { recursive: true }));

const open = (now = () => new Date()) =>
  openSignatures({
    trustedRoots: join(folder, 'roots'),
    certificates: join(folder, 'certificates'),
    barbican: null,
    now,
  });

/** A certificate that can be asked for, with what it came with; and its id. */
function known(order: Omit<Order, 'name'>, ...given: Issued[]): { signer: Issued; id: string } {
  const signer = issue({ name: 'signer', by: intermediate, ...order });
  const id = randomUUID();
  put('certificates', `${id}.pem`, signer, ...given);
  return { signer, id };
}

async function check(
  properties: Properties,
  data: Buffer = bytes,
  by = signatures,
): Promise<SignatureRecord | null> {
  const found = await by.checkOf(properties);
  for (let at = 0; at < data.length; at += 7777) found?.update(data.subarray(at, at + 7777));
  return found?.finish() ?? null;
}

/** In what words it is refused. */
async function refusal(properties: Properties, data?: Buffer, by?: Signatures): Promise<string> {
  const error = await check(properties, data, by).then(
    () => null,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(ValidationError);
  expect(error.issues).toMatchObject([{ code: 'signature_invalid' }]);
  expect(error.message).not.toContain(folder);
  return error.message;
}

const kinds = ['RSA:2048', 'EC:secp384r1', 'EC:sect571k1', 'DSA'];
const otherKinds = ['RSA:3072', 'EC:secp521r1', 'EC:sect409k1', 'EC:sect409r1', 'EC:sect571r1'];
// A few in a quick run; otherwise all with all.
const pairs = [...kinds, ...sized({ quick: [], ci: otherKinds, full: otherKinds })].flatMap((kind, n) => {
  const hashes = ['SHA-256', 'SHA-384', 'SHA-512'];
  return hashes.filter((_, m) => size !== 'quick' || m === n % 3).map((hash) => ({ kind, hash }));
});

describe.skipIf(openssl.skip)(`signatures${openssl.why}`, () => {
  test.each(pairs)(
    '$kind with $hash is good for what was signed, and for nothing else',
    async ({ kind, hash }) => {
      const { signer, id } = known({ key: kind }, intermediate);
      const properties = signed(signer, bytes, { id, hash });
      expect(await check(properties)).toMatchObject({
        properties,
        subject: 'CN=signer',
        fingerprint: expect.stringMatching(/^[0-9a-f]{64}$/),
      });
      const spoilt = Buffer.from(bytes);
      spoilt[55_555] = (spoilt[55_555] ?? 0) ^ 1;
      expect(await refusal(properties, spoilt)).toContain('not those that were signed');
      expect(await refusal(properties, bytes.subarray(1))).toContain('not those that were signed');
      const other = Buffer.from(properties.img_signature ?? '', 'base64');
      other[9] = (other[9] ?? 0) ^ 1;
      expect(await refusal({ ...properties, img_signature: other.toString('base64') })).toContain(
        'not good for them',
      );
      if (kind.startsWith('RSA')) {
        const withoutPss = sign(hash.replace('-', ''), bytes, signer.key).toString('base64');
        expect(await refusal({ ...properties, img_signature: withoutPss })).toContain('not good for them');
      }
      const another = hash === 'SHA-256' ? 'SHA-512' : 'SHA-256';
      expect(await refusal({ ...properties, img_signature_hash_method: another })).toContain(another);
    },
  );

  test('an image without any of the properties is not signed', async () => {
    expect(await signatures.checkOf({ os_distro: 'debian' })).toBeNull();
  });

  describe('properties', () => {
    let good: Properties;
    beforeAll(() => {
      const { signer, id } = known({}, intermediate);
      good = signed(signer, bytes, { id });
    });

    test('some of the four are refused, and those that are missing named', async () => {
      const { img_signature: _, img_signature_key_type: __, ...some } = good;
      expect(await refusal(some)).toContain('lacks img_signature and img_signature_key_type');
    });

    test.each(['SHA-1', 'MD5', 'SHA-224', 'sha-256', 'SHA256', ''])(
      'the hash %j is refused',
      async (hash) => {
        expect(await refusal({ ...good, img_signature_hash_method: hash })).toContain(
          'SHA-256, SHA-384, SHA-512',
        );
      },
    );

    test.each(['RSA', 'ECC_SECP256R1', 'constructor', ''])('the key type %j is refused', async (type) => {
      expect(await refusal({ ...good, img_signature_key_type: type })).toContain('RSA-PSS, DSA, ECC_');
    });

    test.each(['', '!', 'a', 'AAA', 'AA=A', '\u00e9\u00e9\u00e9\u00e9'])(
      'the signature %j is none',
      async (text) => {
        expect(await refusal({ ...good, img_signature: text })).toContain('base64');
      },
    );

    test('a signature that is longer than any is none', async () => {
      expect(await refusal({ ...good, img_signature: 'A'.repeat(4000) })).toContain('base64');
    });

    test.each([
      '../../etc/passwd',
      '..',
      '',
      'x',
      `${randomUUID()}.pem`,
      `${randomUUID()}/..`,
      `%2e%2e%2f${randomUUID()}`,
    ])('the certificate %j is no UUID', async (id) => {
      expect(await refusal({ ...good, img_signature_certificate_uuid: id })).toContain('is not a UUID');
    });

    test('a certificate that nobody knows is refused', async () => {
      expect(await refusal({ ...good, img_signature_certificate_uuid: randomUUID() })).toContain(
        'not known here',
      );
    });

    test('a UUID may be in capitals', async () => {
      const id = good.img_signature_certificate_uuid?.toUpperCase() ?? '';
      expect(await check({ ...good, img_signature_certificate_uuid: id })).not.toBeNull();
    });

    test('a key type that the certificate has no key of is refused', async () => {
      for (const type of ['RSA-PSS', 'DSA', 'ECC_SECP521R1']) {
        expect(await refusal({ ...good, img_signature_key_type: type })).toContain(
          `no key of the type ${type}`,
        );
      }
    });
  });

  describe('certificates', () => {
    const faults: [what: string, order: () => { signer: Issued; id: string }, says: string][] = [
      ['expired', () => known({ until: '20210101' }, intermediate), 'has expired at 2021-01-01'],
      ['not valid yet', () => known({ from: '20480101' }, intermediate), 'is not valid before 2048-01-01'],
      [
        'that sign themselves',
        () => known({ by: undefined, extensions: asSigner }),
        'leads to none of the trusted roots',
      ],
      ['whose issuer did not come', () => known({}), 'leads to none of the trusted roots'],
      ['with a short key', () => known({ key: 'RSA:1024' }, intermediate), 'has a key that has 1024 bits'],
      [
        'that are not for signing',
        () => known({ extensions: [...asCa, 'extendedKeyUsage = codeSigning'] }, intermediate),
        'not for signing',
      ],
      [
        'of web servers',
        () => known({ extensions: [...asSigner, 'extendedKeyUsage = serverAuth'] }, intermediate),
        'not for signing',
      ],
      [
        'with limits that are not understood',
        () => known({ extensions: [...asSigner, '1.2.3.4 = critical, DER:0500'] }, intermediate),
        'critical extensions that are not known here: 1.2.3.4',
      ],
      [
        'signed with SHA-1',
        () => known({ hash: 'sha1' }, intermediate),
        'is signed with a hash that is broken',
      ],
      [
        'issued by one that may not',
        () => {
          const leaf = issue({ name: 'leaf', by: intermediate });
          return known({ by: leaf }, leaf, intermediate);
        },
        'leads to none of the trusted roots',
      ],
      [
        'issued by one without a usage that may not',
        () => {
          const leaf = issue({ name: 'leaf', by: intermediate, extensions: ['basicConstraints = CA:FALSE'] });
          return known({ by: leaf }, leaf, intermediate);
        },
        'may issue none',
      ],
      [
        'below a CA of web servers',
        () => {
          const webCa = [...asCa, 'extendedKeyUsage = serverAuth'];
          const by = issue({ name: 'web', by: root, extensions: webCa });
          return known({ by }, by);
        },
        'whose purposes are others',
      ],
      [
        'below more than are allowed',
        () => {
          const short = issue({
            name: 'short',
            by: root,
            extensions: ['basicConstraints = critical, CA:TRUE, pathlen:0', 'keyUsage = keyCertSign'],
          });
          const below = issue({ name: 'below', by: short, extensions: asCa });
          return known({ by: below }, below, short);
        },
        'is further below "CN=short" than that one allows',
      ],
      [
        'below one that has expired',
        () => {
          const old = issue({ name: 'old', by: root, extensions: asCa, until: '20210101' });
          return known({ by: old }, old);
        },
        'hangs on "CN=old", which has expired',
      ],
      [
        'below an impostor of the same name',
        () => {
          const impostor = issue({ name: 'root' });
          const by = issue({ name: 'intermediate', by: impostor, extensions: asCa });
          return known({ by }, by, impostor);
        },
        'leads to none of the trusted roots',
      ],
    ];

    test.each(faults)('%s are refused', async (_, order, says) => {
      const { signer, id } = order();
      expect(await refusal(signed(signer, bytes, { id }))).toContain(says);
    });

    test('what was good is refused when its time is over', async () => {
      const { signer, id } = known({ until: '20400101' }, intermediate);
      const properties = signed(signer, bytes, { id });
      expect(await check(properties)).not.toBeNull();
      const later = await open(() => new Date('2041-01-01'));
      expect(await refusal(properties, bytes, later)).toContain('has expired');
    });

    test('a root signs for itself, and an intermediate may lie beside the roots', async () => {
      const own = issue({ name: 'own', key: 'EC:secp521r1', extensions: ['basicConstraints = CA:TRUE'] });
      const id = randomUUID();
      put('roots', `${id}.pem`, own);
      expect(await check(signed(own, bytes, { id }))).toMatchObject({ subject: 'CN=own' });
      put('roots', 'intermediate.crt', intermediate);
      const { signer, id: other } = known({});
      expect(await check(signed(signer, bytes, { id: other }))).not.toBeNull();
      rmSync(join(folder, 'roots', 'intermediate.crt'));
      expect(await refusal(signed(signer, bytes, { id: other }))).toContain('leads to none');
    });

    test('one that is signed by itself, and only for signing, may be trusted as well', async () => {
      const own = issue({ name: 'own', extensions: asSigner });
      const id = randomUUID();
      put('certificates', `${id}.pem`, own);
      expect(await refusal(signed(own, bytes, { id }))).toContain('leads to none');
      put('roots', 'own.pem', own);
      expect(await check(signed(own, bytes, { id }))).not.toBeNull();
      const below = known({ by: own }, own);
      expect(await refusal(signed(below.signer, bytes, { id: below.id }))).toContain('leads to none');
    });

    test('many issuers of one name are not tried in all orders', async () => {
      const twins = Array.from({ length: 6 }, () =>
        issue({ name: 'twin', by: root, extensions: asCa, until: '20210101' }),
      );
      const [first] = twins as [Issued];
      const { signer, id } = known({ by: first }, ...twins);
      expect(await refusal(signed(signer, bytes, { id }))).toContain('which has expired');
    });

    test('roots that are away for a moment are no fault of the image', async () => {
      const { signer, id } = known({}, intermediate);
      const empty = mkdtempSync(join(tmpdir(), 'vitrine-no-roots-'));
      renameSync(join(folder, 'roots'), join(empty, 'roots'));
      mkdirSync(join(folder, 'roots'));
      try {
        const error = await signatures.checkOf(signed(signer, bytes, { id })).catch((reason) => reason);
        expect(error).toMatchObject({ code: 'UNAVAILABLE' });
      } finally {
        rmSync(join(folder, 'roots'), { recursive: true });
        renameSync(join(empty, 'roots'), join(folder, 'roots'));
        rmSync(empty, { recursive: true });
      }
    });

    test.skipIf(long.skip)(`certificates that are signed with RSA-PSS are read${long.why}`, async () => {
      const own = issue({ name: 'pss root', key: 'RSA-PSS' });
      put('roots', 'pss.pem', own);
      for (const [hash, says] of [
        ['sha256', null],
        ['sha1', 'a hash that is broken'],
      ] as const) {
        const { signer, id } = known({ by: own, key: 'RSA-PSS', pss: true, hash });
        const properties = signed(signer, bytes, { id });
        if (says) expect(await refusal(properties)).toContain(says);
        else expect(await check(properties)).not.toBeNull();
      }
    });

    test('a file without a certificate refuses, and says nothing of the directory', async () => {
      const id = randomUUID();
      writeFileSync(join(folder, 'certificates', `${id}.pem`), 'nothing');
      const properties = { ...signed(root, bytes, { id }) };
      expect(await refusal(properties)).toContain('is no X.509 certificate');
    });

    test('a file that cannot be read is no fault of the image', async () => {
      const id = randomUUID();
      const broken = root.certificate.replace(/\n[A-Za-z0-9+/]{64}\n/, '\nAAAA\n');
      writeFileSync(join(folder, 'certificates', `${id}.pem`), broken);
      const error = await signatures.checkOf(signed(root, bytes, { id })).catch((reason) => reason);
      expect(error).toMatchObject({ code: 'UNAVAILABLE' });
      expect(error.message).not.toContain(folder);
    });
  });

  test('a directory without roots keeps the service from starting', async () => {
    const options = { certificates: null, barbican: null, now: () => new Date() };
    for (const trustedRoots of [join(folder, 'certificates', 'none'), tmpdir()]) {
      await expect(openSignatures({ ...options, trustedRoots })).rejects.toThrow(trustedRoots);
    }
  });
});

/** Certificates out of Barbican: what it has, what it does not, and what it does wrong. */
import { randomBytes, randomUUID, X509Certificate } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { UnavailableError, ValidationError } from '../../src/domain/errors.ts';
import { openSignatures, type Signatures } from '../../src/trust/signatures.ts';
import { asCa, type Issued, issue, type Properties, signed } from '../support/authority.ts';
import { type BarbicanServer, barbicanServer } from '../support/barbican-server.ts';
import { settingsOf } from '../support/settings-of.ts';
import { only } from '../support/size.ts';

const openssl = only({ programs: ['openssl'] });
const bytes = randomBytes(1000);

let folder = '';
let barbican: BarbicanServer;
let intermediate: Issued;
let signer: Issued;
let signatures: Signatures;
let id = '';
let properties: Properties;

beforeAll(async () => {
  if (openssl.skip) return;
  folder = mkdtempSync(join(tmpdir(), 'vitrine-barbican-'));
  const root = issue({ name: 'root' });
  intermediate = issue({ name: 'intermediate', by: root, extensions: asCa });
  signer = issue({ name: 'signer', by: intermediate });
  writeFileSync(join(folder, 'root.pem'), root.certificate + intermediate.certificate);
});
beforeEach(async () => {
  if (openssl.skip) return;
  barbican = await barbicanServer();
  signatures = await open('250ms');
  id = randomUUID();
  properties = signed(signer, bytes, { id });
  return () => barbican.close();
});
afterAll(() => openssl.skip || rmSync(folder, { recursive: true }));

/** As the settings have it. */
async function open(timeout: string): Promise<Signatures> {
  const sections = barbican.settings(timeout);
  const { signatures: section, keystone } = settingsOf(
    `signatures: { trustedRoots: ${folder}, barbican: ${sections.barbican} }\nkeystone: ${sections.keystone}`,
  );
  if (!section.barbican || !keystone) throw new Error('The settings lack a section.');
  return openSignatures({
    trustedRoots: folder,
    certificates: null,
    barbican: { ...section.barbican, keystone },
    now: () => new Date(),
  });
}

async function check(): Promise<string> {
  const found = await signatures.checkOf(properties);
  found?.update(bytes);
  return found?.finish().subject ?? 'nothing';
}

const failure = () =>
  check().then(
    () => null,
    (error) => error,
  );

const der = () => new X509Certificate(signer.certificate).raw;

describe.skipIf(openssl.skip)(`Barbican${openssl.why}`, () => {
  test.each([
    ['as DER', () => ({ payload: der() })],
    ['as DER of its own type', () => ({ payload: der(), type: 'application/pkix-cert' })],
    ['as PEM', () => ({ payload: signer.certificate })],
    [
      'as text, with what it hangs on',
      () => ({ payload: signer.certificate + intermediate.certificate, type: 'text/plain' }),
    ],
  ])('a certificate that is stored %s is found', async (_, secret) => {
    barbican.secrets.set(id, secret());
    expect(await check()).toBe('CN=signer');
  });

  test('our token is renewed once when it is no longer accepted', async () => {
    barbican.secrets.set(id, { payload: der() });
    await check();
    barbican.keystone.revokeOwn();
    expect(await check()).toBe('CN=signer');
    expect(barbican.keystone.logins()).toBe(2);
  });

  test('one that accepts no token of ours is away, and asked no third time', async () => {
    barbican.fail({ on: /./, how: { status: 401 } });
    expect(await failure()).toBeInstanceOf(UnavailableError);
    expect(barbican.seen).toHaveLength(2);
  });

  test.each([
    ['that is not there', () => {}],
    ['that is not ours to read', () => barbican.secrets.set(id, { payload: der(), isForeign: true })],
    ['of another type', () => barbican.secrets.set(id, { payload: der(), type: 'application/pkcs8' })],
    ['that never ends', () => barbican.secrets.set(id, { payload: Buffer.alloc(10 * 2 ** 20) })],
  ])('a secret %s refuses in the same words', async (_, prepare) => {
    prepare();
    const error = await failure();
    expect(error).toBeInstanceOf(ValidationError);
    expect(error.message).toBe(
      `Certificate ${id} is neither here nor in Barbican, or we may not read it there; ask the operator.`,
    );
  });

  test('a secret that is no certificate is not told of', async () => {
    barbican.secrets.set(id, { payload: 'a password', type: 'text/plain' });
    expect((await failure()).message).toBe(`Certificate ${id} is no X.509 certificate.`);
  });

  test('what is nowhere trusted is refused, whoever stored it', async () => {
    const own = issue({ name: 'own', extensions: ['basicConstraints = CA:TRUE'] });
    properties = signed(own, bytes, { id });
    barbican.secrets.set(id, { payload: own.certificate });
    expect((await failure()).message).toContain('leads to none of the trusted roots');
  });

  test.each([
    ['answers with an error', () => barbican.fail({ on: /./, how: { status: 500 } })],
    ['is overloaded', () => barbican.fail({ on: /./, how: { status: 503 } })],
    [
      'leads elsewhere',
      () => barbican.fail({ on: /./, how: { status: 302, headers: { location: 'http://127.0.0.1:1/' } } }),
    ],
    ['does not answer', () => barbican.fail({ on: /./, how: 'hang' })],
    ['breaks off', () => barbican.fail({ on: /./, how: { cutAfter: 10 } })],
    ['is not to be reached, as its Keystone', () => barbican.keystone.fail({ on: /./, how: 'hang' })],
    ['has a Keystone that lets us not in', () => barbican.keystone.fail({ on: /./, how: { status: 401 } })],
  ])('one that %s is away: that says nothing of the signature', async (_, fault) => {
    barbican.secrets.set(id, { payload: der() });
    fault();
    const error = await failure();
    expect(error).toBeInstanceOf(UnavailableError);
    expect(error.message).not.toContain(barbican.url);
    barbican.fail();
    barbican.keystone.fail();
    expect(await check()).toBe('CN=signer');
  });

  test('an id that is no UUID is not asked for', async () => {
    for (const bad of ['../../v1/secrets', 'x?y', '']) {
      properties = { ...properties, img_signature_certificate_uuid: bad };
      expect(await failure()).toBeInstanceOf(ValidationError);
    }
    expect(barbican.seen).toEqual([]);
  });
});

/**
 * Signatures of images: four properties, as Glance, Nova and Cinder read them (docs/signatures.md), and what is kept of
 * having checked one. That a signature was good says nothing of other bytes or other properties: what is kept names
 * both, the bytes by being on their image's row, the properties by their values.
 */
import { invalid } from './errors.ts';
import type { Instant } from './image.ts';

export const signatureProperties = [
  'img_signature',
  'img_signature_hash_method',
  'img_signature_key_type',
  'img_signature_certificate_uuid',
] as const;
export type SignatureProperty = (typeof signatureProperties)[number];

/** Of an image that has one of the properties. */
export const signatureStates = ['valid', 'unchecked'] as const;
export type SignatureState = (typeof signatureStates)[number];

/** What is kept of a signature that was good. */
export interface SignatureRecord {
  /** As they stood: with others it is not known to be good. */
  properties: Record<SignatureProperty, string>;
  /** Whose certificate it is, as the certificate has it. */
  subject: string;
  /** SHA-256 of the certificate, lower-case hex. */
  fingerprint: string;
  checkedAt: Instant;
}

/** As an image has it. */
export interface ImageSignature {
  state: SignatureState;
  /** What the properties say; null: not all of them are there. */
  certificate: string | null;
  keyType: string | null;
  hashMethod: string | null;
  /** The rest is known only of one that was good. */
  subject: string | null;
  fingerprint: string | null;
  checkedAt: Instant | null;
}

/** The names that Glance has for them -> OpenSSL's. What is weaker is refused. */
export const hashMethods = { 'SHA-256': 'sha256', 'SHA-384': 'sha384', 'SHA-512': 'sha512' } as const;
export type HashMethod = keyof typeof hashMethods;

/** ECDSA keys by their curve, as OpenSSL calls it. */
export const curves = {
  ECC_SECT571K1: 'sect571k1',
  ECC_SECT409K1: 'sect409k1',
  ECC_SECT571R1: 'sect571r1',
  ECC_SECT409R1: 'sect409r1',
  ECC_SECP521R1: 'secp521r1',
  ECC_SECP384R1: 'secp384r1',
} as const;
export const keyTypes = ['RSA-PSS', 'DSA', ...(Object.keys(curves) as (keyof typeof curves)[])] as const;
export type KeyType = (typeof keyTypes)[number];

/** What the four properties ask to be checked. */
export interface SignatureClaim {
  properties: Record<SignatureProperty, string>;
  signature: Buffer;
  hashMethod: HashMethod;
  keyType: KeyType;
  /** Lower-case UUID. */
  certificate: string;
}

/** A signature that is none, or not good: nothing of the image is published. */
export const badSignature = (property: SignatureProperty, message: string) =>
  invalid(['properties', property], 'signature_invalid', message);

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
/** The longest there is: RSA with 16,384 bits. */
const signatureMax = 2048;

/**
 * What the properties of an image claim; null: it is not signed.
 * @throws ValidationError signature_invalid: some of the four are missing, or one is malformed
 */
export function signatureClaim(image: Readonly<Record<string, string>>): SignatureClaim | null {
  const properties = signatureProperties.filter((name) => Object.hasOwn(image, name));
  if (properties.length === 0) return null;
  const missing = signatureProperties.filter((name) => !Object.hasOwn(image, name));
  if (missing[0]) {
    const message = `A signature is four properties, and the image lacks ${missing.join(' and ')}; set all four, or remove ${properties.join(' and ')}.`;
    throw badSignature(missing[0], message);
  }
  const given = Object.fromEntries(signatureProperties.map((name) => [name, image[name]]));
  const all = given as Record<SignatureProperty, string>;
  const certificate = all.img_signature_certificate_uuid.toLowerCase();
  if (!uuid.test(certificate)) {
    throw badSignature('img_signature_certificate_uuid', 'img_signature_certificate_uuid is not a UUID.');
  }
  return {
    properties: all,
    hashMethod: choice('img_signature_hash_method', all, Object.keys(hashMethods) as HashMethod[]),
    keyType: choice('img_signature_key_type', all, keyTypes),
    signature: signatureBytes(all.img_signature),
    certificate,
  };
}

function choice<T extends string>(
  name: SignatureProperty,
  properties: Record<SignatureProperty, string>,
  known: readonly T[],
): T {
  const found = known.find((one) => one === properties[name]);
  if (found) return found;
  const shown = JSON.stringify(properties[name].slice(0, 64));
  throw badSignature(name, `${name} is one of ${known.join(', ')}; it is ${shown}.`);
}

/** Base64 as RFC 4648 has it, in one line or, as openssl prints it, in several. */
function signatureBytes(text: string): Buffer {
  const plain = text.replaceAll(/[\r\n\t ]/g, '');
  const bytes = Buffer.from(plain, 'base64');
  const isSame = bytes.toString('base64') === plain;
  if (isSame && bytes.length > 0 && bytes.length <= signatureMax) return bytes;
  throw badSignature('img_signature', 'img_signature is not the base64 of a signature.');
}

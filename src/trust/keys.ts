/** Keys: which are strong enough to trust, and which a signature of a kind is made with. */
import type { KeyObject, X509Certificate } from 'node:crypto';
import { curves, type KeyType } from '../domain/signature.ts';

/** Bits; NIST SP 800-57 part 1, for use today. */
const rsaBitsMin = 2048;
const dsaDivisorBitsMin = 224;
const edwards: readonly string[] = ['ed25519', 'ed448'];
/** Of 256 bits or more, that somebody uses. */
const strongCurves: readonly string[] = [
  'prime256v1',
  'secp256k1',
  'brainpoolP256r1',
  'brainpoolP384r1',
  'brainpoolP512r1',
  ...Object.values(curves),
];

/** The key of a certificate; null: of a kind that is not known here. */
export function keyOf(x509: X509Certificate): KeyObject | null {
  try {
    return x509.publicKey;
  } catch {
    return null;
  }
}

/** What is wrong with a key that something is to hang on; null: nothing. */
export function weaknessOf(key: KeyObject): string | null {
  const { modulusLength = 0, divisorLength = 0, namedCurve = '' } = key.asymmetricKeyDetails ?? {};
  const kind = key.asymmetricKeyType ?? 'unknown';
  if (kind === 'rsa' || kind === 'rsa-pss' || kind === 'dsa') {
    if (modulusLength < rsaBitsMin) return `has ${modulusLength} bits; at least ${rsaBitsMin} are needed`;
    const isShort = kind === 'dsa' && divisorLength < dsaDivisorBitsMin;
    return isShort
      ? `has a divisor of ${divisorLength} bits; at least ${dsaDivisorBitsMin} are needed`
      : null;
  }
  if (edwards.includes(kind)) return null;
  if (kind !== 'ec') return `is of the kind ${kind}, which is not trusted`;
  return strongCurves.includes(namedCurve) ? null : `is on the curve ${namedCurve}, which is not trusted`;
}

/** Whether signatures of this type are made with such a key. */
export function isOfType(key: KeyObject, type: KeyType): boolean {
  const kind = key.asymmetricKeyType;
  if (type === 'RSA-PSS') return kind === 'rsa' || kind === 'rsa-pss';
  if (type === 'DSA') return kind === 'dsa';
  return kind === 'ec' && key.asymmetricKeyDetails?.namedCurve === curves[type];
}

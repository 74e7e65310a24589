/** Whether a signature is one of these bytes, as they go by. */
import { constants, createVerify, type KeyObject } from 'node:crypto';
import { hashMethods, type SignatureClaim } from '../domain/signature.ts';

export interface Verifier {
  /** The next bytes. */
  update(chunk: Uint8Array): void;
  /** Ends it: whether the signature is of these bytes by this key. */
  isGood(): boolean;
}

export function verifierOf(key: KeyObject, { signature, hashMethod, keyType }: SignatureClaim): Verifier {
  const verify = createVerify(hashMethods[hashMethod]);
  // Salts of any length: makers differ, and what they sign is the same.
  const padding =
    keyType === 'RSA-PSS'
      ? { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength: constants.RSA_PSS_SALTLEN_AUTO }
      : {};
  return {
    update: (chunk) => void verify.update(chunk),
    isGood() {
      try {
        return verify.verify({ key, ...padding }, signature);
      } catch {
        return false; // not even the form of one
      }
    },
  };
}

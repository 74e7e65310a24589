/**
 * Checks signatures of images: finds the certificate by its id, asks whether it hangs on a trusted root, and gives what
 * the bytes are to go past.
 *
 *   properties -> claim -> certificate (directory, roots, Barbican) -> trusted? -> fits the claim? -> bytes -> good?
 */
import { type Barbican, type BarbicanOptions, openBarbican } from '../cloud/barbican.ts';
import { UnavailableError } from '../domain/errors.ts';
import { instantOf } from '../domain/instant.ts';
import {
  badSignature,
  type SignatureClaim,
  type SignatureRecord,
  signatureClaim,
} from '../domain/signature.ts';
import {
  type Certificate,
  certificateBytesMax,
  certificatesIn,
  fingerprintOf,
  isSelfSigned,
  subjectOf,
} from './certificate.ts';
import { distrustOf } from './chain.ts';
import { certificatesInFolder, certificatesOf, FolderError, namesIn } from './folder.ts';
import { isOfType, keyOf } from './keys.ts';
import { verifierOf } from './verifier.ts';

export interface SignatureCheck {
  /** The next bytes of the image. */
  update(chunk: Uint8Array): void;
  /** Ends it. @throws ValidationError signature_invalid: they are not what was signed */
  finish(): SignatureRecord;
}

export interface Signatures {
  /**
   * For bytes that have not come yet; null: the image is not signed.
   * @throws ValidationError  signature_invalid: no bytes can make it good
   * @throws UnavailableError the certificate cannot be had now
   */
  checkOf(properties: Readonly<Record<string, string>>): Promise<SignatureCheck | null>;
}

export interface SignaturesOptions {
  /** A directory. */
  trustedRoots: string;
  /** A directory of `<uuid>.pem`; null: they are beside the roots. */
  certificates: string | null;
  /** Null: nobody else is asked. */
  barbican: BarbicanOptions | null;
  now: () => Date;
}

/**
 * Roots, and what lies beside them.
 * @throws FolderError the directory cannot be read, or has no root, as a mount that is not there: nobody is told for that
 *                     that a signature is not to be trusted
 */
export async function trustedIn(folder: string): Promise<Certificate[]> {
  const found = await certificatesInFolder(folder);
  if (found.some(isSelfSigned)) return found;
  throw new FolderError(`${folder} has no root certificate: one that is signed by itself, as .pem or .crt`);
}

/** @throws FolderError a directory cannot be read now, or there are no roots */
export async function openSignatures(options: SignaturesOptions): Promise<Signatures> {
  const { trustedRoots, certificates, now } = options;
  await trustedIn(trustedRoots);
  if (certificates !== null) await namesIn(certificates);
  const folders = certificates === null ? [trustedRoots] : [certificates, trustedRoots];
  const barbican = options.barbican && openBarbican({ ...options.barbican, bytesMax: certificateBytesMax });

  async function signerOf(claim: SignatureClaim): Promise<Certificate> {
    const [certificate, ...given] = await findCertificates(claim.certificate, folders, barbican);
    if (!certificate) throw badCertificate(claim, 'is no X.509 certificate');
    const trusted = await trustedIn(trustedRoots);
    const distrust = distrustOf(certificate, { given, trusted, now: now() });
    if (distrust) throw badCertificate(claim, distrust);
    return certificate;
  }

  return {
    async checkOf(properties) {
      const claim = signatureClaim(properties);
      if (!claim) return null;
      const certificate = await signerOf(claim).catch(inWords);
      const key = keyOf(certificate.x509);
      if (!key || !isOfType(key, claim.keyType)) {
        throw badSignature(
          'img_signature_key_type',
          `Certificate ${claim.certificate} has no key of the type ${claim.keyType} that img_signature_key_type names.`,
        );
      }
      const verifier = verifierOf(key, claim);
      return {
        update: verifier.update,
        finish() {
          if (!verifier.isGood()) throw notSigned(claim);
          return {
            properties: claim.properties,
            subject: subjectOf(certificate),
            fingerprint: fingerprintOf(certificate),
            checkedAt: instantOf(now()),
          };
        },
      };
    },
  };
}

async function findCertificates(
  id: string,
  folders: readonly string[],
  barbican: Barbican | null,
): Promise<Certificate[]> {
  for (const folder of folders) {
    const found = await certificatesOf(folder, id);
    if (found) return found;
  }
  const payload = await barbican?.payloadOf(id);
  if (!payload) {
    const place = barbican ? 'neither here nor in Barbican, or we may not read it there' : 'not known here';
    throw badSignature('img_signature_certificate_uuid', `Certificate ${id} is ${place}; ask the operator.`);
  }
  try {
    return certificatesIn(payload);
  } catch {
    return []; // another secret, which is nobody's business
  }
}

const badCertificate = ({ certificate }: SignatureClaim, fault: string) =>
  badSignature('img_signature_certificate_uuid', `Certificate ${certificate} ${fault}.`);

const notSigned = ({ certificate, hashMethod, keyType }: SignatureClaim) =>
  badSignature(
    'img_signature',
    `The bytes that came are not those that were signed: img_signature is not good for them by ${keyType} with ${hashMethod} and certificate ${certificate}. Send what was signed, or sign anew.`,
  );

/** Where our own directories are is nobody else's business. */
function inWords(error: unknown): never {
  if (!(error instanceof FolderError)) throw error;
  const message =
    'The certificates of this service cannot be read now; try again later, or tell its operator.';
  throw new UnavailableError(message, {}, { cause: error });
}

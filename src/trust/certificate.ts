/**
 * X.509 certificates out of PEM or DER: OpenSSL, by node:crypto, reads and checks them; what it does not tell of their
 * extensions is read here (RFC 5280). Whom they trust is left to `chain`.
 */
import { X509Certificate } from 'node:crypto';
import { RsaSaPssParams } from '@peculiar/asn1-rsa';
import { AsnConvert } from '@peculiar/asn1-schema';
import {
  type AlgorithmIdentifier,
  BasicConstraints,
  Certificate as CertificateSyntax,
  ExtendedKeyUsage,
  type Extension,
  KeyUsage,
  KeyUsageFlags,
} from '@peculiar/asn1-x509';

export interface Certificate {
  readonly x509: X509Certificate;
  /** May issue others: with so many below the next, null being as many as they like. */
  readonly ca: { readonly pathLength: number | null } | null;
  /** May sign data, as far as the usage of its key is said. */
  readonly signsData: boolean;
  /** Signing code, documents or anything is among its purposes, as far as they are said. */
  readonly isForSigning: boolean;
  /** Object identifiers of what must be understood and is not. */
  readonly notUnderstood: readonly string[];
  /** Whether what it is signed with counts today: not MD5, not SHA-1. */
  readonly isSoundlySigned: boolean;
}

/** Bytes of what a user names: a certificate, and what it hangs on. */
export const certificateBytesMax = 64 * 1024;
const certificatesMax = 16;

const pemBlock = /-----BEGIN CERTIFICATE-----[\s\S]*?-----END CERTIFICATE-----/g;

/** All of them, in their order; none where there is no PEM. @throws Error one cannot be read */
export function certificatesInPem(text: string): Certificate[] {
  return (text.match(pemBlock) ?? []).map((block) => certificateOf(new X509Certificate(block)));
}

/** PEM, or one in DER, of whomever. @throws Error as certificatesInPem, or there is none, or there are too many */
export function certificatesIn(bytes: Buffer): Certificate[] {
  const text = bytes.toString('latin1');
  if ((text.match(pemBlock) ?? []).length > certificatesMax) throw new Error('There are too many.');
  const found = certificatesInPem(text);
  return found.length > 0 ? found : [certificateOf(new X509Certificate(bytes))];
}

function certificateOf(x509: X509Certificate): Certificate {
  const { tbsCertificate, signatureAlgorithm } = AsnConvert.parse(x509.raw, CertificateSyntax);
  const extensions = tbsCertificate.extensions ?? [];
  const constraints = extensionOf(extensions, oids.basicConstraints, BasicConstraints);
  return {
    x509,
    ca: constraints?.cA ? { pathLength: constraints.pathLenConstraint ?? null } : null,
    signsData: signsData(extensions),
    isForSigning: isForSigning(extensions),
    notUnderstood: extensions
      .filter(({ critical, extnID }) => critical && !understood.has(extnID))
      .map(({ extnID }) => extnID),
    isSoundlySigned: isSound(signatureAlgorithm),
  };
}

const oids = {
  basicConstraints: '2.5.29.19',
  keyUsage: '2.5.29.15',
  extendedKeyUsage: '2.5.29.37',
} as const;

/** Those that are looked at, and those that forbid nothing: key identifiers, other names, policies. */
const understood = new Set<string>([
  ...Object.values(oids),
  '2.5.29.14',
  '2.5.29.35',
  '2.5.29.17',
  '2.5.29.18',
  '2.5.29.32',
]);

function extensionOf<T>(extensions: readonly Extension[], oid: string, type: new () => T): T | null {
  const found = extensions.find(({ extnID }) => extnID === oid);
  return found ? AsnConvert.parse(found.extnValue.buffer, type) : null;
}

/** Code, documents, or anything: a certificate of a web server signs no images. */
const signingPurposes: readonly string[] = ['1.3.6.1.5.5.7.3.3', '1.3.6.1.5.5.7.3.36', '2.5.29.37.0'];

function isForSigning(extensions: readonly Extension[]): boolean {
  const purposes = extensionOf(extensions, oids.extendedKeyUsage, ExtendedKeyUsage);
  return purposes === null || purposes.some((purpose) => signingPurposes.includes(purpose));
}

function signsData(extensions: readonly Extension[]): boolean {
  const flags = extensionOf(extensions, oids.keyUsage, KeyUsage)?.toNumber();
  return (
    flags === undefined || (flags & (KeyUsageFlags.digitalSignature | KeyUsageFlags.nonRepudiation)) !== 0
  );
}

/** SHA-256, 384 and 512 with RSA, ECDSA and DSA; Ed25519 and Ed448. */
const soundAlgorithms = new Set([
  '1.2.840.113549.1.1.11',
  '1.2.840.113549.1.1.12',
  '1.2.840.113549.1.1.13',
  '1.2.840.10045.4.3.2',
  '1.2.840.10045.4.3.3',
  '1.2.840.10045.4.3.4',
  '2.16.840.1.101.3.4.3.2',
  '2.16.840.1.101.3.4.3.3',
  '2.16.840.1.101.3.4.3.4',
  '1.3.101.112',
  '1.3.101.113',
]);
const rsaPss = '1.2.840.113549.1.1.10';
/** SHA-256, 384 and 512 by themselves. */
const soundHashes = new Set(['2.16.840.1.101.3.4.2.1', '2.16.840.1.101.3.4.2.2', '2.16.840.1.101.3.4.2.3']);

function isSound({ algorithm, parameters }: AlgorithmIdentifier): boolean {
  if (algorithm !== rsaPss) return soundAlgorithms.has(algorithm);
  // Without parameters it is SHA-1 (RFC 8017 A.2.3).
  return parameters
    ? soundHashes.has(AsnConvert.parse(parameters, RsaSaPssParams).hashAlgorithm.algorithm)
    : false;
}

/** One line: CN=builder, O=Example. */
export const subjectOf = ({ x509 }: Certificate) => x509.subject.split('\n').join(', ');

/** SHA-256, lower-case hex. */
export const fingerprintOf = ({ x509 }: Certificate) => x509.fingerprint256.replaceAll(':', '').toLowerCase();

/** Whether it is signed by itself, as roots are, also where its usage does not say that it issues any. */
export const isSelfSigned = ({ x509 }: Certificate) =>
  x509.subject === x509.issuer && isVerifiedBy(x509, x509);

/** @param issuer whose key is asked; false also where it is of a kind that OpenSSL does not know */
export function isVerifiedBy(x509: X509Certificate, issuer: X509Certificate): boolean {
  try {
    return x509.verify(issuer.publicKey);
  } catch {
    return false;
  }
}

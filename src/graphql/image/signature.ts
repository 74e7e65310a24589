/** What is known of the signature of an image. */
import type { ImageSignature } from '../../domain/signature.ts';
import { builder } from '../builder.ts';
import { SignatureState } from '../enums.ts';

export const Signature = builder.objectRef<ImageSignature>('ImageSignature').implement({
  description:
    'The signature that four properties of an image are (img_signature ...), and what is known of it.',
  fields: (t) => ({
    state: t.expose('state', { type: SignatureState, description: 'Whether it is known to be good.' }),
    certificate: t.exposeString('certificate', {
      nullable: true,
      description:
        'UUID of the certificate, as the property img_signature_certificate_uuid says; null without it.',
    }),
    keyType: t.exposeString('keyType', {
      nullable: true,
      description: 'RSA-PSS, DSA, ECC_SECP384R1 ..., as img_signature_key_type says; null without it.',
    }),
    hashMethod: t.exposeString('hashMethod', {
      nullable: true,
      description: 'SHA-256, SHA-384 or SHA-512, as img_signature_hash_method says; null without it.',
    }),
    subject: t.exposeString('subject', {
      nullable: true,
      description: 'Whose certificate it is, as the certificate says; null unless VALID.',
    }),
    fingerprint: t.exposeString('fingerprint', {
      nullable: true,
      description: 'SHA-256 of the certificate, lower-case hex; null unless VALID.',
    }),
    checkedAt: t.expose('checkedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When the certificate was trusted and the signature was good; null unless VALID.',
    }),
  }),
});

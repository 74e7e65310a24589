/**
 * Whether the signature of an image is known to be good: never kept, but worked out by PostgreSQL of what was checked and
 * of the properties as they are now, so that no change of them leaves anything stale.
 */

/** A SignatureState as SQL, of `images i`; null where no property speaks of a signature. */
export const signatureStateSql = 'vitrine_signature_state(i.properties, i.signature)';

/** An ImageSignature as SQL. What is said of the certificate is believed of a good signature only. */
export const signatureSql = `(select jsonb_build_object(
    'state', s.state,
    'certificate', i.properties ->> 'img_signature_certificate_uuid',
    'keyType', i.properties ->> 'img_signature_key_type',
    'hashMethod', i.properties ->> 'img_signature_hash_method',
    'subject', s.checked ->> 'subject',
    'fingerprint', s.checked ->> 'fingerprint',
    'checkedAt', s.checked ->> 'checkedAt')
  from (select f.state, case f.state when 'valid' then i.signature end as checked
    from (select ${signatureStateSql} as state) as f) as s
  where s.state is not null)`;

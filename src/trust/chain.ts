/**
 * Whether a certificate hangs on a trusted root now: certificate -> intermediates -> root, each of them in its time,
 * with a key that is strong enough, and issued by one that may issue (RFC 5280 6.1, as far as certificates have it that
 * sign data; what is critical and not understood refuses). Nobody is asked whether one was revoked: taking its root, or
 * its file, away is how it ends.
 */
import { type Certificate, isSelfSigned, isVerifiedBy, subjectOf } from './certificate.ts';
import { keyOf, weaknessOf } from './keys.ts';

export interface Trust {
  /** What came with the certificate: believed for nothing but the way to a root. */
  readonly given: readonly Certificate[];
  /** Those of the operator: roots, and intermediates beside them. */
  readonly trusted: readonly Certificate[];
  readonly now: Date;
}

/** Certificates from the first to the root, both included. */
const lengthMax = 8;
/** Issuers of the right name that are tried: many of one name would be tried in all orders, and each takes a while. */
const triesMax = 32;

/** Why the certificate is not to be trusted, going on after its name; null: it is. */
export function distrustOf(certificate: Certificate, trust: Trust): string | null {
  if (!certificate.signsData || !certificate.isForSigning) return 'is not for signing, by its key usage';
  const roots = trust.trusted.filter(isSelfSigned);
  const isRoot = (one: Certificate) => roots.some((root) => isSame(root, one));
  let tries = triesMax;

  function distrust(path: readonly Certificate[]): string | null {
    const [last] = path.slice(-1) as [Certificate];
    const isEnd = isRoot(last);
    const fault =
      faultOf(last, trust.now) ??
      (isEnd || last.isSoundlySigned ? null : 'is signed with a hash that is broken');
    if (fault) return inWords(path, fault);
    if (isEnd) return null;
    let reason = inWords(path, 'leads to none of the trusted roots');
    if (path.length >= lengthMax) return reason;
    for (const issuer of [...trust.trusted, ...trust.given]) {
      if (!last.x509.checkIssued(issuer.x509) || path.some((one) => isSame(one, issuer))) continue;
      if (tries-- <= 0) return reason;
      if (!isVerifiedBy(last.x509, issuer.x509)) continue;
      const found = unfitToIssue(issuer, path) ?? distrust([...path, issuer]);
      if (found === null) return null;
      reason = found;
    }
    return reason;
  }

  return distrust([certificate]);
}

const isSame = (one: Certificate, other: Certificate) => one.x509.raw.equals(other.x509.raw);

/** Below it are all of the path but the first, which issues nothing. */
function unfitToIssue(issuer: Certificate, path: readonly Certificate[]): string | null {
  const { ca, isForSigning } = issuer;
  const name = JSON.stringify(subjectOf(issuer));
  if (!isForSigning) return `is issued by ${name}, whose purposes are others`;
  if (!ca) return `is issued by ${name}, which may issue none`;
  const isTooLong = ca.pathLength !== null && path.length - 1 > ca.pathLength;
  return isTooLong ? `is further below ${name} than that one allows` : null;
}

function faultOf({ x509, notUnderstood }: Certificate, now: Date): string | null {
  if (now < x509.validFromDate) return `is not valid before ${x509.validFromDate.toISOString()}`;
  if (now > x509.validToDate) return `has expired at ${x509.validToDate.toISOString()}`;
  if (notUnderstood.length > 0)
    return `has critical extensions that are not known here: ${notUnderstood.join(', ')}`;
  const key = keyOf(x509);
  const weakness = key ? weaknessOf(key) : 'is of a kind that is not known here';
  return weakness ? `has a key that ${weakness}` : null;
}

/** What is wrong with one further up is said of that one. */
function inWords(path: readonly Certificate[], fault: string): string {
  const [last] = path.slice(-1) as [Certificate];
  return path.length === 1 ? fault : `hangs on ${JSON.stringify(subjectOf(last))}, which ${fault}`;
}

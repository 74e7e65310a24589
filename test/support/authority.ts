/**
 * Certificate authorities, made by the program openssl, and what their certificates sign: real keys and chains, in their
 * time and out of it.
 */
import { execFileSync } from 'node:child_process';
import { constants, createPrivateKey, type KeyObject, randomUUID, sign } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Issued {
  name: string;
  /** PEM. */
  certificate: string;
  key: KeyObject;
}

export interface Order {
  name: string;
  /** As genpkey takes it: RSA:2048, EC:secp384r1, DSA (2048 bits), ED25519. */
  key?: string;
  /** Left out: signed by itself. */
  by?: Issued;
  /** Lines of openssl's x509v3_config. */
  extensions?: readonly string[];
  /** Of its validity, by the day: 20200101. */
  from?: string;
  until?: string;
  /** What it is signed with. */
  hash?: string;
  pss?: boolean;
}

export const asCa = ['basicConstraints = critical, CA:TRUE', 'keyUsage = critical, keyCertSign, cRLSign'];
export const asSigner = ['basicConstraints = critical, CA:FALSE', 'keyUsage = critical, digitalSignature'];

const config = `
[ca]
default_ca = here
[here]
database = index
new_certs_dir = .
rand_serial = yes
unique_subject = no
policy = names
[names]
commonName = supplied
[req]
distinguished_name = dn
[dn]
`;

/** Of FIPS 186-4, 2048 and 256 bits: to find some takes long, and they are no secret. */
const dsaParameters = `-----BEGIN DSA PARAMETERS-----
MIICKQKCAQEA3dg7ReUNoFS9wbvOl2MyRxJtrn76e7dTV9AGW037HwqTRJRnI9jd
jc0a2Lt0ywsUOHwq3m2qmtCNp5byI8dQQt1HM4Y+kUW12zt97Fn87JPduV6rQp7p
AVu55KBUW0Q5FL3UvWfLsUxYqTOHSd7a3PSzAKNUeD2VOIyvSo40dlZvToACVCv4
0JZMZGNvSD0c45YXiyRsgaQbHXvmvbJf6R+V5evhCTtTmJZR7Kb0Du7KsTmsWe99
EVCHLfxgOBkPduuAbzou/It0loGgaJ1mpWBD/kAGIBv9/67g8hl9hBrUqlUr7LBs
+VUZkchLObDEupTBnVn2IulJc6t4/IFxNQIdAJpAyklbOai/KlVPQsTKqZi+A4Yw
y1Ww6nVXppsCggEBALcoeX0JkBu53IxpXO+YFvYRv+jQPPy5TuDHllRwxukzrmCn
Y3p2aIkR3W+Q0VSua27c2m68FDNg6qC4Ws+5gMhh0nZ1VPR8VVZv6bzu/JIZyYVD
wcX8cWtMn2G46Jvk5xvz9fDNZqAbEcxmBYO/Waveo7Tvg8Eikm2JPE1p3iUmmCsB
YG1nTz7pSGdGZ6KX2w9iJAAJzPgUz6Rr6fTMA9pZ8lBXu/uysHkV7gcOHoT+gGo4
6heQGIG6Xh98b4E+eyylDbKtTXisfnYTCYjgGVewatpz4/IYXJR4N/3Af6TMJPMZ
LSY5gKEIlXvYwhrcRsLszQNx9OMIUvluiScLS9A=
-----END DSA PARAMETERS-----`;

function keyOptions(kind: string): string[] {
  const [algorithm = '', size = ''] = kind.split(':');
  if (algorithm === 'EC') return ['-algorithm', 'EC', '-pkeyopt', `ec_paramgen_curve:${size}`];
  if (algorithm === 'DSA') return ['-paramfile', 'dsa.pem'];
  if (algorithm === 'RSA') return ['-algorithm', 'RSA', '-pkeyopt', `rsa_keygen_bits:${size}`];
  return ['-algorithm', algorithm];
}

/** A certificate, and its key. */
export function issue(order: Order): Issued {
  const { name, key = 'EC:secp384r1', by, extensions = by ? asSigner : asCa, hash = 'sha256' } = order;
  const folder = mkdtempSync(join(tmpdir(), 'vitrine-authority-'));
  const put = (file: string, text: string) => writeFileSync(join(folder, file), text);
  const openssl = (...args: string[]) =>
    execFileSync('openssl', args, { cwd: folder, stdio: 'pipe', timeout: 60_000 });
  try {
    put('config', config);
    put('index', '');
    put('dsa.pem', dsaParameters);
    put('extensions', extensions.join('\n'));
    openssl('genpkey', ...keyOptions(key), '-out', 'key.pem');
    openssl('req', '-new', '-config', 'config', '-key', 'key.pem', '-subj', `/CN=${name}`, '-out', 'request');
    if (by) {
      put('issuer.pem', by.certificate);
      put('issuer.key', by.key.export({ format: 'pem', type: 'pkcs8' }) as string);
    }
    const issuer = by
      ? ['-cert', 'issuer.pem', '-keyfile', 'issuer.key']
      : ['-selfsign', '-keyfile', 'key.pem'];
    const dates = [
      '-startdate',
      `${order.from ?? '20200101'}000000Z`,
      '-enddate',
      `${order.until ?? '20491231'}000000Z`,
    ];
    const how = ['-md', hash, ...(order.pss ? ['-sigopt', 'rsa_padding_mode:pss'] : [])];
    const files = ['-in', 'request', '-out', 'certificate.pem', '-extfile', 'extensions'];
    openssl('ca', '-batch', '-notext', '-config', 'config', ...issuer, ...dates, ...how, ...files);
    return {
      name,
      certificate: readFileSync(join(folder, 'certificate.pem'), 'utf8'),
      key: createPrivateKey(readFileSync(join(folder, 'key.pem'))),
    };
  } finally {
    rmSync(folder, { recursive: true });
  }
}

export type Properties = Record<string, string>;

/** The four properties for these bytes. */
export function signed(
  { key }: Issued,
  bytes: Uint8Array,
  { id = randomUUID(), type, hash = 'SHA-256' }: { id?: string; type?: string; hash?: string } = {},
): Properties {
  const isRsa = key.asymmetricKeyType === 'rsa' || key.asymmetricKeyType === 'rsa-pss';
  const padding = isRsa ? { padding: constants.RSA_PKCS1_PSS_PADDING } : {};
  const signature = sign(hash.toLowerCase().replace('-', ''), bytes, { key, ...padding });
  return {
    img_signature: signature.toString('base64'),
    img_signature_hash_method: hash,
    img_signature_key_type: type ?? typeOf(key),
    img_signature_certificate_uuid: id,
  };
}

function typeOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  if (asymmetricKeyType === 'ec') return `ECC_${asymmetricKeyDetails?.namedCurve?.toUpperCase()}`;
  return asymmetricKeyType === 'dsa' ? 'DSA' : 'RSA-PSS';
}

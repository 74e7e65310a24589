/** The section `oidc`: whose JWTs are good here, and what their claims are called. */
import { z } from 'zod';
import { isLoopback, parseDuration, parseServiceUrl, parseText } from './parse.ts';
import { keys, listOf, one } from './shape.ts';

const text = one(parseText);
const duration = one((value) => parseDuration(value, 10, 3_600_000));

/** Signatures that only the issuer can make; one of a shared secret, or none, is not among them. */
const algorithms = [
  'RS256',
  'RS384',
  'RS512',
  'PS256',
  'PS384',
  'PS512',
  'ES256',
  'ES384',
  'ES512',
  'EdDSA',
] as const;

const algorithm = one((value) => {
  const found = algorithms.find((one) => one === value);
  if (!found) throw new Error(`is one of ${algorithms.join(', ')}`);
  return found;
});

/** Compared with what tokens say, to the letter: a slash at its end stays. */
const issuer = one((value) => {
  parseServiceUrl(value);
  const { protocol, hostname } = new URL(value);
  if (protocol !== 'https:' && !isLoopback(hostname.replace(/^\[|\]$/g, '')))
    throw new Error(
      'begins with https://, unless it is on this machine: who can change its keys can be anybody',
    );
  return value;
});

/** One, or a list. */
const audience = z.preprocess(
  (value) => (typeof value === 'string' ? [value] : value),
  listOf(text, 20).refine((list) => list.length > 0, 'is empty'),
);

export const oidcSection = keys({
  issuer,
  audience,
  claims: keys({
    user: text.default('sub'),
    project: text.default('project_id'),
    roles: text.default('roles'),
  }).prefault({}),
  algorithms: listOf(algorithm, algorithms.length).default([...algorithms]),
  leeway: one((value) => parseDuration(value, 0, 300_000)).default(30_000),
  connectTimeout: duration.default(5_000),
  answerTimeout: duration.default(5_000),
}).transform(({ leeway, connectTimeout, answerTimeout, ...rest }) =>
  Object.freeze({
    ...rest,
    leewayMs: leeway,
    connectTimeoutMs: connectTimeout,
    answerTimeoutMs: answerTimeout,
  }),
);

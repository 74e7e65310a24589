/** The section `keystone`: the identity service of the cloud, and who we are there. */
import type { z } from 'zod';
import { parseBoolean, parseDuration, parseServiceUrl, parseText } from './parse.ts';
import { keys, listOf, one } from './shape.ts';

export const text = one(parseText);
export const serviceUrl = one(parseServiceUrl);
const duration = one((value) => parseDuration(value, 10, 3_600_000));

/** What gets us in, one way or the other. */
export const credentials = {
  username: text.optional(),
  password: text.optional(),
  userDomain: text.default('Default'),
  project: text.optional(),
  projectDomain: text.default('Default'),
  applicationCredentialId: text.optional(),
  applicationCredentialSecret: text.optional(),
};

interface Credentials {
  username?: string | undefined;
  password?: string | undefined;
  project?: string | undefined;
  applicationCredentialId?: string | undefined;
  applicationCredentialSecret?: string | undefined;
}

export function checkCredentials(given: Credentials, context: z.RefinementCtx): void {
  const { username, password, project } = given;
  const { applicationCredentialId: id, applicationCredentialSecret: secret } = given;
  const isUser = username !== undefined && password !== undefined && project !== undefined;
  const isCredential = id !== undefined && secret !== undefined;
  const isMixed = (id ?? secret) !== undefined && (username ?? password ?? project) !== undefined;
  if ((isUser || isCredential) && !isMixed) return;
  const message =
    'has either username, password and project, or applicationCredentialId and applicationCredentialSecret';
  context.addIssue({ code: 'custom', path: [], message });
}

/** The Identity API, not the server: what is asked for stands behind it. */
const identityUrl = one((value) => {
  const url = parseServiceUrl(value);
  if (!url.endsWith('/v3')) throw new Error('is the address of the Identity API, which ends in /v3');
  return url;
});

export const keystoneSection = keys({
  url: identityUrl,
  publicUrl: serviceUrl.optional(),
  ...credentials,
  region: text.optional(),
  unifiedLimits: one(parseBoolean).default(false),
  serviceRoles: listOf(text, 20).default(['service']),
  tokenCache: one((value) => parseDuration(value, 10, 300_000)).default(60_000),
  tokenTimeout: one((value) => parseDuration(value, 10, 60_000)).default(5_000),
  connectTimeout: duration.default(5_000),
  answerTimeout: duration.default(30_000),
  idleTimeout: duration.default(60_000),
})
  .superRefine(checkCredentials)
  .superRefine(({ unifiedLimits, applicationCredentialId }, context) => {
    // It belongs to one project; limits of others are for those who read the whole system.
    if (!unifiedLimits || applicationCredentialId === undefined) return;
    const message = 'needs username and password, of a user with the role reader on the system';
    context.addIssue({ code: 'custom', path: ['unifiedLimits'], message });
  })
  .transform(({ publicUrl, tokenCache, tokenTimeout, connectTimeout, answerTimeout, idleTimeout, ...rest }) =>
    Object.freeze({
      ...rest,
      publicUrl: publicUrl ?? rest.url,
      tokenCacheMs: tokenCache,
      tokenTimeoutMs: tokenTimeout,
      connectTimeoutMs: connectTimeout,
      answerTimeoutMs: answerTimeout,
      idleTimeoutMs: idleTimeout,
    }),
  );

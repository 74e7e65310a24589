/** The section `imports`: for now whom the service may ask for a URL that a user named. */
import { hostRuleOf } from '../domain/host-rule.ts';
import { parseDuration, parseInteger } from './parse.ts';
import { keys, listOf, one } from './shape.ts';

const scheme = one((text) => {
  if (text !== 'http' && text !== 'https') throw new Error('is http or https');
  return text;
});

const hostRule = one((text) => {
  const rule = hostRuleOf(text);
  if (!rule)
    throw new Error('is a host, an address or a network, with a port if wanted: 10.1.0.0/16, [::1]:8080');
  return text;
});

const egress = keys({
  schemes: listOf(scheme, 2).default(['http', 'https']),
  ports: listOf(
    one((text) => parseInteger(text, 1, 65_535)),
    1000,
  ).default([80, 443]),
  allow: listOf(hostRule, 1000).default([]),
  deny: listOf(hostRule, 1000).default([]),
  redirects: one((text) => parseInteger(text, 0, 20)).default(5),
  timeout: one((text) => parseDuration(text, 1000, 7 * 86_400_000)).default(86_400_000),
}).transform(({ timeout, ...rest }) => Object.freeze({ ...rest, timeoutMs: timeout }));

export const importsSection = keys({ egress: egress.prefault({}) }).transform((section) =>
  Object.freeze(section),
);

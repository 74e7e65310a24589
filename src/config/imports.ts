/** The section `imports`: for now whom the service may ask for a URL that a user named. */
import { hostRuleOf } from '../domain/host-rule.ts';
import { importMethodNames } from '../domain/import.ts';
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

const methodName = one((text) => {
  const found = importMethodNames.find((name) => name === text);
  if (!found) throw new Error(`is one of ${importMethodNames.join(', ')}`);
  return found;
});

export const importsSection = keys({
  methods: listOf(methodName, importMethodNames.length).default([...importMethodNames]),
  staging: one((text) => text)
    .nullable()
    .default(null),
  parallel: one((text) => parseInteger(text, 1, 64)).default(2),
  egress: egress.prefault({}),
}).transform((section) => Object.freeze(section));

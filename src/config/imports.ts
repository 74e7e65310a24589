/** The section `imports`: which ways there are to bring bytes in, through where, and whom the service may ask. */
import { conversionSources, conversionTargets } from '../domain/conversion.ts';
import { hostRuleOf } from '../domain/host-rule.ts';
import { importMethodNames } from '../domain/import.ts';
import {
  parseBoolean,
  parseByteSize,
  parseDuration,
  parseInteger,
  parsePropertyName,
  parseStoreId,
} from './parse.ts';
import { keys, listOf, one } from './shape.ts';

const method = one((text) => {
  const found = importMethodNames.find((one) => one === text);
  if (!found) throw new Error(`is one of ${importMethodNames.join(', ')}`);
  return found;
});

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

/** What compressed bytes become on the way in. */
const decompress = keys({
  enabled: one(parseBoolean).default(true),
  ratioMax: one((text) => parseInteger(text, 1, 1_000_000)).default(200),
}).transform((section) => Object.freeze(section));

const target = one((text) => {
  const found = conversionTargets.find((format) => format === text);
  if (!found) throw new Error(`is ${conversionTargets.join(' or ')}, or null: images stay in their formats`);
  return found;
});

const convertible = one((text) => {
  const found = conversionSources.find((format) => format === text);
  if (!found) throw new Error(`is one of ${conversionSources.join(', ')}: others are not converted`);
  return found;
});

/** What disks become on the way in; the limits are those of one run of qemu-img. */
const convert = keys({
  to: target.optional().transform((format) => format ?? null),
  from: listOf(convertible, conversionSources.length).default([...conversionSources]),
  memory: one(parseByteSize).default(2 ** 30),
  cpu: one((text) => parseDuration(text, 1000, 7 * 86_400_000)).default(1_800_000),
  time: one((text) => parseDuration(text, 1000, 7 * 86_400_000)).default(3_600_000),
}).transform(({ cpu, time, ...rest }) => Object.freeze({ ...rest, cpuMs: cpu, timeMs: time }));

export const importsSection = keys({
  methods: listOf(method, importMethodNames.length).default([...importMethodNames]),
  // Whether there is such a store is looked at where all sections are (sections.ts).
  staging: one(parseStoreId)
    .optional()
    .transform((id) => id ?? null),
  /** At once, on each server. */
  parallel: one((text) => parseInteger(text, 1, 64)).default(2),
  decompress: decompress.prefault({}),
  convert: convert.prefault({}),
  copiedProperties: listOf(one(parsePropertyName), 1000).default([
    'hw_',
    'trait:',
    'os_distro',
    'os_secure_boot',
    'os_type',
  ]),
  egress: egress.prefault({}),
}).transform((section) => Object.freeze(section));

/**
 * What the settings file may hold: a table with an entry for each section. A section that is new is one more entry
 * here, read with the same functions as the variables of the environment.
 */
import type { z } from 'zod';
import { auditSection } from './audit.ts';
import { formatsSection } from './formats.ts';
import { importsSection } from './imports.ts';
import { keystoneSection } from './keystone.ts';
import { limitsSection } from './limits.ts';
import { locationsSection } from './locations.ts';
import { oidcSection } from './oidc.ts';
import { parseDuration, parseInteger, parsePropertyName } from './parse.ts';
import { policySection } from './policy.ts';
import { propertyProtectionSection, protectionRules } from './property-protection.ts';
import { quotasSection } from './quotas.ts';
import { scrubSection } from './scrub.ts';
import { keys, listOf, one } from './shape.ts';
import { signaturesSection } from './signatures.ts';
import { storesSection, writableIds } from './stores.ts';
import type { FileValue, SettingsFile } from './yaml.ts';

const propertyName = one(parsePropertyName);

const search = keys({
  hotProperties: listOf(propertyName, 50).default([
    'os_distro',
    'os_version',
    'os_type',
    'architecture',
    'hw_architecture',
    'hypervisor_type',
    'image_type',
  ]),
  statementTimeout: one((text) => parseDuration(text, 10, 3_600_000)).default(2_000),
  costMax: one((text) => parseInteger(text, 1, 1_000_000_000)).default(250_000),
  describingProperties: listOf(propertyName, 50).default([
    'os_distro',
    'os_version',
    'title',
    'description',
    'image_description',
    'summary',
    'display_name',
  ]),
}).transform(({ statementTimeout, ...rest }) =>
  Object.freeze({ ...rest, statementTimeoutMs: statementTimeout }),
);

const sections = keys({
  search: search.prefault({}),
  stores: storesSection.prefault([]),
  keystone: keystoneSection.optional().transform((section) => section ?? null),
  oidc: oidcSection.optional().transform((section) => section ?? null),
  imports: importsSection.prefault({}),
  scrub: scrubSection.prefault({}),
  audit: auditSection.prefault({}),
  quotas: quotasSection.prefault({}),
  formats: formatsSection.prefault({}),
  signatures: signaturesSection.prefault({}),
  limits: limitsSection.prefault({}),
  locations: locationsSection.prefault({}),
  policy: policySection.prefault({}),
  propertyProtection: propertyProtectionSection,
})
  .superRefine(({ stores, imports }, context) => {
    const { staging } = imports;
    const ids = writableIds(stores);
    if (staging === null || ids.includes(staging)) return;
    const message = `names no store that can be written to; there are ${ids.join(', ')}, or null for the data directory`;
    context.addIssue({ code: 'custom', path: ['imports', 'staging'], message });
  })
  .superRefine(({ signatures, keystone }, context) => {
    if (signatures.barbican === null || keystone !== null) return;
    const message = 'needs the section keystone: it names the user who asks there';
    context.addIssue({ code: 'custom', path: ['signatures', 'barbican'], message });
  })
  .transform(({ propertyProtection, ...rest }, context) => ({
    ...rest,
    propertyProtection: protectionRules(propertyProtection, rest.policy.roles, (path, message) =>
      context.addIssue({ code: 'custom', path: ['propertyProtection', ...path], message }),
    ),
  }));

export type Sections = Readonly<z.infer<typeof sections>>;
export type SearchConfig = Sections['search'];
export type ImportsConfig = Sections['imports'];
/** Who we are in Keystone. */
export type KeystoneConfig = NonNullable<Sections['keystone']>;
/** Whose JWTs are good. */
export type OidcConfig = NonNullable<Sections['oidc']>;
export type ScrubConfig = Sections['scrub'];
export type AuditConfig = Sections['audit'];
export type LocationsConfig = Sections['locations'];
export type QuotasConfig = Sections['quotas'];
export type LimitsConfig = Sections['limits'];
export type SignaturesConfig = Sections['signatures'];

/** The sections with their defaults; without a file all are. Mistakes are added to `problems`, each with its place. */
export function readSections(file: SettingsFile | null, problems: string[]): Sections {
  const result = sections.safeParse(file?.value ?? {});
  problems.push(...(file?.problems ?? []));
  if (result.success) return result.data;
  for (const issue of result.error.issues) {
    const isKeys = issue.code === 'unrecognized_keys';
    const paths = isKeys ? issue.keys.map((key) => [...issue.path, key]) : [issue.path];
    const messages = isKeys ? issue.message.split('\n') : [issue.message];
    paths.forEach((path, n) => {
      if (file?.isFaulty(path)) return;
      const shown = isKeys || isHidden(file, path) ? null : valueAt(file?.value, path);
      const isShown = typeof shown === 'string' && !/\/\/[^/]*@/.test(shown); // a URL with a password in it
      const suffix = isShown ? ` (it is ${JSON.stringify(shown)})` : '';
      problems.push(`${file?.placeOf(path) ?? path.join('.')} ${messages[n]}${suffix}`);
    });
  }
  return sections.parse({});
}

/** Whether what is there must not be repeated. */
function isHidden(file: SettingsFile | null, path: readonly PropertyKey[]): boolean {
  return file?.isPutIn(path) === true || path.some((key) => isSecretName(String(key)));
}

/** Whether a setting of this name is never printed. */
export function isSecretName(name: string): boolean {
  return /(password|secret|secretAccessKey|token)$/i.test(name);
}

function valueAt(value: FileValue, path: readonly PropertyKey[]): FileValue {
  let found = value;
  for (const key of path) found = (found as Record<PropertyKey, FileValue> | undefined)?.[key];
  return found;
}

/** The section `signatures`: whose signatures of images count. */
import { resolve } from 'node:path';
import { serviceUrl, text } from './keystone.ts';
import { parseDuration } from './parse.ts';
import { keys, one } from './shape.ts';

const folder = text.optional().transform((path) => path ?? null);

/** The key manager, which is asked with a token of the section `keystone`. */
const barbican = keys({
  url: serviceUrl,
  timeout: one((value) => parseDuration(value, 10, 300_000)).default(10_000),
}).transform(({ url, timeout }) => Object.freeze({ url: url.replace(/\/v1$/, ''), timeoutMs: timeout }));

export const signaturesSection = keys({
  /** A directory; null: no signature is checked. */
  trustedRoots: folder,
  certificates: folder,
  barbican: barbican.optional().transform((section) => section ?? null),
})
  .superRefine(({ trustedRoots, ...others }, context) => {
    if (trustedRoots !== null) return;
    for (const [name, given] of Object.entries(others)) {
      if (given === null) continue;
      const message = 'counts for nothing without trustedRoots: a directory with the roots to trust';
      context.addIssue({ code: 'custom', path: [name], message });
    }
  })
  .transform((section) => Object.freeze(section));

type Section = ReturnType<typeof signaturesSection.parse>;

/** With absolute paths: others are relative to `from`, the directory of the settings file. */
export function effectiveSignatures(
  { trustedRoots, certificates, barbican }: Section,
  from: string,
): Section {
  const absolute = (path: string | null) => (path === null ? null : resolve(from, path));
  return Object.freeze({
    trustedRoots: absolute(trustedRoots),
    certificates: absolute(certificates),
    barbican,
  });
}

/** What the metadata definitions say against the properties of an image that is written, and whether that stops it. */
import type { SeenImage } from '../../db/images.ts';
import type { Caller } from '../../domain/caller.ts';
import { ValidationError, type ValidationIssue } from '../../domain/errors.ts';
import type { PropertyInput } from '../../domain/fields.ts';
import type { PropertyIssue, Vocabulary } from '../../domain/metadef/vocabulary.ts';
import type { App } from '../app.ts';

/** An image as it now stands, and what the definitions say against it. */
export interface WrittenImage {
  image: SeenImage;
  issues: PropertyIssue[];
}

/** A list of properties in the input, by the name of its field. */
export interface GivenProperties {
  field: string;
  properties: readonly PropertyInput[];
  /** Those that stand there already are not looked at. */
  isKept?(property: PropertyInput): boolean;
}

export interface PropertyCheck {
  /** Mode enforce. */
  isEnforced: boolean;
  /** @throws ValidationError in mode enforce: one issue for each property given that breaks its definition */
  require(given: GivenProperties): void;
  /** What is wrong with the image as it then stands. */
  issuesOf(properties: Readonly<Record<string, string>>): PropertyIssue[];
}

/** The definitions as they are now, for one write. */
export async function checkProperties(app: App, caller: Caller): Promise<PropertyCheck> {
  const { mode, vocabulary } = app.metadefs;
  if (mode === 'off') return { isEnforced: false, require: () => {}, issuesOf: () => [] };
  const known = await vocabulary.read();
  const isEnforced = mode === 'enforce';
  return {
    isEnforced,
    require(given) {
      const refused = isEnforced ? refusals(known, caller, given) : [];
      if (refused.length > 0) throw new ValidationError(refused);
    },
    issuesOf: (properties) => known.issuesOf(caller, properties),
  };
}

function refusals(known: Vocabulary, caller: Caller, given: GivenProperties): ValidationIssue[] {
  const { field, properties } = given;
  return properties.flatMap(({ name, value }, i) => {
    const issue = given.isKept?.({ name, value }) ? null : known.issueOf(caller, name, value);
    if (!issue) return [];
    const { code, message, suggestion } = issue;
    return [
      { path: [field, String(i), code === 'UNKNOWN_NAME' ? 'name' : 'value'], code, message, suggestion },
    ];
  });
}

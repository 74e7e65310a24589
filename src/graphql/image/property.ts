/** A custom property of an image, what defines it, and what is wrong with it. */

import type { PropertyIssue, Vocabulary } from '../../domain/metadef/vocabulary.ts';
import { builder } from '../builder.ts';
import type { GraphContext } from '../context.ts';
import { MetadefProperty } from '../metadef/property.ts';

export const PropertyIssueType = builder.objectRef<PropertyIssue>('PropertyIssue').implement({
  description: 'How a custom property breaks what the metadata definitions say.',
  fields: (t) => ({
    property: t.exposeString('property', { description: 'Name of the property on the image.' }),
    code: t.exposeString('code', {
      description:
        'For programs: WRONG_TYPE, NOT_IN_ENUM, OUT_OF_RANGE, WRONG_LENGTH, PATTERN_MISMATCH, WRONG_COUNT, DUPLICATE_ITEMS; UNKNOWN_NAME: a likely typo of a defined name; MISSING: required beside others that are there.',
    }),
    message: t.exposeString('message', { description: 'For people: what is wrong and what would be right.' }),
    suggestion: t.exposeString('suggestion', {
      nullable: true,
      description: 'A likely right name or value; null when there is none.',
    }),
  }),
});

/** At once where the vocabulary is there already: a page of images asks hundreds of times. */
function askVocabulary<T>({ loaders }: GraphContext, ask: (vocabulary: Vocabulary) => T): T | Promise<T> {
  const vocabulary = loaders.metadefs.vocabulary();
  return vocabulary instanceof Promise ? vocabulary.then(ask) : ask(vocabulary);
}

/** The definition that names a property for the caller. */
export const definitionOf = (context: GraphContext, name: string) =>
  askVocabulary(context, (vocabulary) => vocabulary.find(context.caller, name)?.property ?? null);

export const ImageProperty = builder.objectRef<{ name: string; value: string }>('ImageProperty').implement({
  description: 'A custom property: a value inside its image, without an id.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Up to 255 characters.' }),
    value: t.exposeString('value', { description: 'Always text, up to 64 KiB.' }),
    definition: t.field({
      type: MetadefProperty,
      nullable: true,
      description: `The definition that names this property for images, if a visible namespace has one. Of several, that of the
caller's project before public ones, then by namespace name.`,
      resolve: ({ name }, _args, context) => definitionOf(context, name),
    }),
    issues: t.field({
      type: [PropertyIssueType],
      description:
        'How the value breaks its definition, or that the name is a likely typo; empty when there is nothing to say, and when VITRINE_METADEFS is off.',
      resolve: ({ name, value }, _args, context) => {
        if (context.app.metadefs.mode === 'off') return [];
        return askVocabulary(context, (vocabulary) => {
          const issue = vocabulary.issueOf(context.caller, name, value);
          return issue ? [issue] : [];
        });
      },
    }),
  }),
});

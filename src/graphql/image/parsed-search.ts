/** What a search string stands for, in the words of the arguments of `images`; or why it is wrong. */
import { explainSearch } from '../../actions/asked-images.ts';
import { impliedIncludes } from '../../search/image-filter.ts';
import type { ImageOrder } from '../../search/image-order.ts';
import type { SearchIssue } from '../../search/language/issues.ts';
import type { SearchParse } from '../../search/language/parse.ts';
import { builder } from '../builder.ts';
import { filterJson } from './filter-json.ts';
import { ImageIncludeEnum } from './order.ts';

const SearchError = builder.objectRef<SearchIssue>('SearchError').implement({
  description: 'A place in a search string that cannot be read.',
  fields: (t) => ({
    message: t.exposeString('message', {
      description: 'For people: what is wrong, and what would be right.',
    }),
    offset: t.exposeInt('offset', {
      description: 'Where it begins, in UTF-16 code units, as JavaScript counts.',
    }),
    length: t.exposeInt('length', { description: 'How long it is, in UTF-16 code units.' }),
  }),
});

const ParsedSearch = builder.objectRef<SearchParse>('ParsedSearch').implement({
  description: `where, include and orderBy can be sent as the arguments of images of the same names; relative times are already
absolute. All null when errors is not empty, include and orderBy also when the search says nothing about them.`,
  fields: (t) => ({
    ok: t.exposeBoolean('ok', { description: 'Whether it can be read.' }),
    where: t.field({
      type: 'JSON',
      nullable: true,
      description: 'An ImageFilter.',
      resolve: (parse) => (parse.ok ? filterJson(parse.where) : null),
    }),
    include: t.field({
      type: [ImageIncludeEnum],
      nullable: true,
      description: 'What it asks to see besides; null when nothing.',
      resolve: (parse, _args, { caller }) => {
        const includes = parse.ok ? [...impliedIncludes(parse.where, caller.project)] : [];
        return includes.length > 0 ? includes : null;
      },
    }),
    orderBy: t.field({
      type: 'JSON',
      nullable: true,
      description: 'A list of ImageOrder; null when it asks for no order.',
      resolve: (parse) => (parse.ok && parse.orderBy.length > 0 ? parse.orderBy.map(orderJson) : null),
    }),
    errors: t.field({
      type: [SearchError],
      description: 'What is wrong with it, in the order of the text; empty when it can be read.',
      resolve: (parse) => (parse.ok ? [] : parse.errors),
    }),
  }),
});

function orderJson(order: ImageOrder): Record<string, string> {
  const field = order.field.replace(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
  const direction = order.direction.toUpperCase();
  if (order.field !== 'property') return { field, direction };
  return { field, direction, property: order.property, as: order.as.toUpperCase() };
}

builder.queryField('parseSearch', (t) =>
  t.field({
    type: ParsedSearch,
    description: 'Why a search string is wrong, or what it stands for.',
    args: { search: t.arg.string({ required: true, description: 'As the argument of images.' }) },
    resolve: (_root, { search }, { app, caller }) => explainSearch(app, caller, search),
  }),
);

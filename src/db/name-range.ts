/** The way by the beginning of a name, for who does not see all: the index of names says who sees an image. */
import { type ImageFilter, topConditions } from '../search/image-filter.ts';
import { newDraft } from './image-scope.ts';
import { visibleSql } from './image-visible.ts';
import { conditions, imageOf, sorted, type WayMaker } from './image-way.ts';
import { textConditions } from './value-filter.ts';

const beginningsOf = (filters: readonly ImageFilter[]): string[] =>
  filters
    .flatMap(topConditions)
    .flatMap(({ name }) => (name?.startsWith === undefined || name.ignoreCase ? [] : [name.startsWith]));

export const hasBeginning = (filters: readonly ImageFilter[]) => beginningsOf(filters).length > 0;

/** All images whose names begin so and that are seen, found in the index; then the filter is asked of each. */
export const begun: WayMaker = (catalog, scope, page) => {
  const draft = newDraft(catalog, scope);
  const { params } = draft;
  const range = beginningsOf(scope.filters).flatMap((startsWith) =>
    textConditions('i.name', { startsWith }, params),
  );
  const seen = `select i.id from images i where ${conditions([...range, visibleSql(scope, params)])} offset 0`;
  const { columns, where, tail } = sorted(scope, page, draft);
  const text = `select ${columns} from (${seen}) as n ${imageOf('n.id')} where ${where} ${tail}`;
  return { text, values: params.values, isFinal: true, isPriced: false, isPrepared: true };
};

/** A filter of namespaces as SQL on `metadef_namespaces n`, and who sees which. */
import type { Caller } from '../../domain/caller.ts';
import { sightOfNamespaces } from '../../domain/policy.ts';
import { wordsOf } from '../../search/free-text.ts';
import type { MetadefNamespaceFilter } from '../../search/metadef-filter.ts';
import type { Params } from '../params.ts';
import { containsPattern } from '../patterns.ts';
import { rangeConditions, textConditions } from '../value-filter.ts';

/** The same rule as canSeeNamespace in `domain/policy`; a test holds the two against each other. */
export function visibleNamespaceSql(caller: Caller, params: Params): string {
  const sight = sightOfNamespaces(caller);
  if (sight !== 'usual') return sight === 'all' ? 'true' : 'false';
  const own = caller.project === null ? '' : ` or n.owner = ${params.add(caller.project, 'text')}`;
  return `(n.visibility = 'public'${own})`;
}

/** `true` when the filter says nothing. Each condition is false where a value is missing; `not` is closed. */
export function namespaceFilterSql(filter: MetadefNamespaceFilter, params: Params): string {
  const found: string[] = [];
  for (const part of filter.and ?? []) found.push(namespaceFilterSql(part, params));
  if (filter.or)
    found.push(filter.or.map((part) => namespaceFilterSql(part, params)).join(' or ') || 'false');
  if (filter.not) found.push(`not (${namespaceFilterSql(filter.not, params)} is true)`);
  if (filter.namespace) found.push(...textConditions('n.namespace', filter.namespace, params));
  if (filter.owner) found.push(...textConditions('n.owner', filter.owner, params));
  if (filter.visibility) found.push(...rangeConditions('n.visibility', 'text', filter.visibility, params));
  if (filter.protected !== undefined) found.push(`n.protected = ${params.add(filter.protected, 'boolean')}`);
  if (filter.resourceType) {
    const named = textConditions('a.resource_type', filter.resourceType, params).join(' and ') || 'true';
    found.push(`exists (select from metadef_associations a where a.namespace_id = n.id and ${named})`);
  }
  for (const word of wordsOf(filter.freeText ?? '')) found.push(wordSql(word, params));
  return found.length === 0 ? 'true' : `(${found.map((condition) => `(${condition})`).join(' and ')})`;
}

/** In what stands about the namespace, or in a name or title inside: of properties also the name with its prefix. */
function wordSql(word: string, params: Params): string {
  const pattern = `lower(${params.add(containsPattern(word), 'text')} collate "default")`;
  const has = (...texts: string[]) =>
    `lower(concat_ws(E'\\x1f', ${texts.join(', ')}) collate "default") like ${pattern}`;
  return `${has('n.namespace', 'n.display_name', 'n.description')}
    or exists (select from metadef_properties p where p.namespace_id = n.id and ${has('p.name', `p.definition ->> 'title'`)})
    or exists (select from metadef_associations a join metadef_properties p using (namespace_id)
      where a.namespace_id = n.id and ${has('a.prefix || p.name')})
    or exists (select from metadef_objects o where o.namespace_id = n.id and ${has('o.name')})
    or exists (select from metadef_tags t where t.namespace_id = n.id and ${has('t.name')})`;
}

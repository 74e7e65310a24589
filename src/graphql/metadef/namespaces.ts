/** Reading metadata definitions: a namespace by name, lists with filter, order and pages, resource types. */
import { listNamespaces } from '../../actions/metadef/list-namespaces.ts';
import { findMetadefNamespace } from '../../actions/metadef/require-namespace.ts';
import { requireToken } from '../../actions/require-image.ts';
import { findResourceTypes } from '../../db/metadef/parts.ts';
import { checkedFilter } from '../../search/filter-check.ts';
import type { MetadefNamespaceFilter, MetadefNamespaceOrder } from '../../search/metadef-filter.ts';
import { builder } from '../builder.ts';
import { pageArgs } from '../connection.ts';
import { MetadefVisibility } from '../enums.ts';
import { OrderDirectionEnum } from '../image/order.ts';
import { choiceFilter, StringFilter } from '../operators.ts';
import { Namespace, NamespaceConnection, pageOfNamespaces } from './namespace.ts';
import { ResourceTypeType } from './refs.ts';

const VisibilityFilter = choiceFilter('MetadefVisibilityFilter', MetadefVisibility);

const NamespaceFilter = builder.inputRef<MetadefNamespaceFilter>('MetadefNamespaceFilter');

NamespaceFilter.implement({
  description: 'All given conditions must hold. Rules as for ImageFilter.',
  fields: (t) => ({
    and: t.field({ type: [NamespaceFilter], description: 'All of these hold.' }),
    or: t.field({ type: [NamespaceFilter], description: 'One of these holds.' }),
    not: t.field({ type: NamespaceFilter, description: 'This does not hold.' }),
    namespace: t.field({ type: StringFilter, description: 'Name of the namespace.' }),
    visibility: t.field({ type: VisibilityFilter, description: 'Who sees it.' }),
    protected: t.boolean({ description: 'Whether it can be removed: true: not.' }),
    owner: t.field({ type: StringFilter, description: 'Project that owns it.' }),
    resourceType: t.field({
      type: StringFilter,
      description: 'Some association is with a resource type of such a name.',
    }),
    freeText: t.string({
      description:
        'Every word occurs in namespace, display name, description, or the names and titles inside, with or without prefix.',
    }),
  }),
});

const NamespaceOrderField = builder.enumType('MetadefNamespaceOrderField', {
  description: 'What a list of namespaces is ordered by.',
  values: {
    NAMESPACE: { value: 'namespace', description: 'Name, by code point.' },
    CREATED_AT: { value: 'createdAt', description: 'When it was created.' },
    UPDATED_AT: { value: 'updatedAt', description: 'When it, or anything in it, last changed.' },
  } as const,
});

const NamespaceOrder = builder.inputRef<MetadefNamespaceOrder>('MetadefNamespaceOrder').implement({
  description: 'A key to order by; the name is the last tie-breaker.',
  fields: (t) => ({
    field: t.field({ type: NamespaceOrderField, required: true, description: 'By what.' }),
    direction: t.field({
      type: OrderDirectionEnum,
      required: true,
      defaultValue: 'asc',
      description: 'Which way.',
    }),
  }),
});

builder.queryFields((t) => ({
  metadefNamespace: t.field({
    type: Namespace,
    nullable: true,
    description: 'One namespace; null when there is none of that name, or it is not to be seen.',
    args: { namespace: t.arg.string({ required: true, description: 'Its name.' }) },
    resolve: (_root, { namespace }, { app, caller }) => findMetadefNamespace(app, caller, namespace),
  }),
  metadefNamespaces: t.field({
    type: NamespaceConnection,
    nullable: true,
    description: `Public namespaces and those of the caller's project; an admin sees all. Default order: by name.
Null only with an error: BAD_CURSOR, BAD_USER_INPUT, TIMEOUT.`,
    args: {
      where: t.arg({ type: NamespaceFilter, description: 'Which namespaces.' }),
      orderBy: t.arg({ type: [NamespaceOrder], description: 'Keys by weight, at most 8.' }),
      ...pageArgs,
    },
    resolve: async (_root, { where, orderBy, ...page }, { app, caller }) =>
      pageOfNamespaces(
        await listNamespaces(app, caller, {
          where: where ? checkedFilter<MetadefNamespaceFilter>(where) : {},
          orderBy: orderBy ?? [],
          page,
        }),
      ),
  }),
  metadefResourceTypes: t.field({
    type: [ResourceTypeType],
    description:
      'Types of resources that came with the service, or that some namespace the caller sees is for.',
    resolve: (_root, _args, { app, caller }) => {
      requireToken(caller);
      return findResourceTypes(app.db, caller, null);
    },
  }),
}));

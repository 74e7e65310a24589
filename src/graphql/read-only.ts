/** A caller whose token is read-only runs no mutation, whichever there are: told as the typed error of that mutation. */
import SchemaBuilder, { BasePlugin, type PothosOutputFieldConfig, type SchemaTypes } from '@pothos/core';
import type { GraphQLFieldResolver } from 'graphql';
import { requireWriter } from '../actions/require-image.ts';
import type { GraphContext } from './context.ts';

/** After the plugin of typed errors in the builder's list, so that it is inside of it. */
export const readOnlyPlugin = 'readOnly';

type Resolver<Types extends SchemaTypes> = GraphQLFieldResolver<unknown, Types['Context'], object>;

// What Pothos takes as a plugin is a class.
class ReadOnlyPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override wrapResolve(resolver: Resolver<Types>, field: PothosOutputFieldConfig<Types>): Resolver<Types> {
    if (field.kind !== 'Mutation') return resolver;
    return (parent, args, context, info) => {
      requireWriter((context as GraphContext).caller);
      return resolver(parent, args, context, info);
    };
  }
}

declare global {
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      readOnly: ReadOnlyPlugin<Types>;
    }
  }
}

SchemaBuilder.registerPlugin(readOnlyPlugin, ReadOnlyPlugin);

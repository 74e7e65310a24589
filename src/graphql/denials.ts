/** What the fields of Query and Mutation deny is noted in the audit log, whichever fields there are. */
import SchemaBuilder, { BasePlugin, type PothosOutputFieldConfig, type SchemaTypes } from '@pothos/core';
import type { GraphQLFieldResolver } from 'graphql';
import { type Call, noteIfDenied } from '../actions/denials.ts';
import { tokenKey } from '../domain/token.ts';
import type { GraphContext } from './context.ts';

/** After the plugin of typed errors in the builder's list, so that it is inside of it; before those that deny. */
export const denialsPlugin = 'denials';

type Resolver<Types extends SchemaTypes> = GraphQLFieldResolver<unknown, Types['Context'], object>;

// What Pothos takes as a plugin is a class.
class DenialsPlugin<Types extends SchemaTypes> extends BasePlugin<Types> {
  override wrapResolve(resolver: Resolver<Types>, field: PothosOutputFieldConfig<Types>): Resolver<Types> {
    if (field.kind !== 'Mutation' && field.kind !== 'Query') return resolver;
    return async (parent, args, context, info) => {
      try {
        return await resolver(parent, args, context, info);
      } catch (error) {
        const { app, caller } = context as GraphContext;
        await noteIfDenied(app, { caller, error, call: () => callOf(field.name, args) });
        throw error;
      }
    };
  }
}

declare global {
  export namespace PothosSchemaTypes {
    export interface Plugins<Types extends SchemaTypes> {
      denials: DenialsPlugin<Types>;
    }
  }
}

SchemaBuilder.registerPlugin(denialsPlugin, DenialsPlugin);

/** What it is about, by the names that fields and their input have in this schema. */
function callOf(field: string, args: object): Call {
  const { input = args } = args as { input?: object };
  const { id, imageId, namespace, project } = input as Record<string, unknown>;
  const call = (type: Call['type'], named: unknown): Call => ({
    action: field === 'uploadImage' ? 'beginUpload' : field,
    type,
    id: typeof named === 'string' ? named : null,
  });
  if (/Metadef/.test(field)) return call('metadefNamespace', namespace);
  // Not what is no id: it may be the secret that somebody gave by mistake.
  if (/Token/.test(field)) return call('token', tokenKey(id));
  if (/Quota/.test(field)) return call('project', project);
  return /Image|Upload/.test(field) ? call('image', imageId ?? id) : call('catalog', null);
}

/**
 * The schema as the compiler is shown it: the same fields and resolvers, but choices are scalars where they are
 * read. The compiler can pass strings and numbers on as they are, which is most of what a list is made of, only
 * together with the values of enums; and those are other words inside than outside.
 */
import {
  GraphQLInterfaceType,
  GraphQLList,
  type GraphQLNamedType,
  GraphQLNonNull,
  GraphQLObjectType,
  type GraphQLOutputType,
  GraphQLScalarType,
  GraphQLSchema,
  GraphQLUnionType,
  isEnumType,
  isInterfaceType,
  isIntrospectionType,
  isListType,
  isNonNullType,
  isObjectType,
  isUnionType,
} from 'graphql';

/** Queries only; `extra` are types that no field has. Inputs are the very types of `schema`. */
export function compilerSchema(schema: GraphQLSchema, extra: readonly GraphQLNamedType[]): GraphQLSchema {
  const known = new Map<GraphQLNamedType, GraphQLNamedType>();

  function shown<T extends GraphQLNamedType>(type: T): T {
    const found = known.get(type) ?? copyOf(type);
    known.set(type, found);
    return found as T;
  }

  function copyOf(type: GraphQLNamedType): GraphQLNamedType {
    if (isEnumType(type)) {
      return new GraphQLScalarType({ name: `${type.name}Read`, serialize: (value) => type.serialize(value) });
    }
    if (isUnionType(type)) {
      const config = type.toConfig();
      return new GraphQLUnionType({ ...config, types: () => config.types.map(shown) });
    }
    if (!isObjectType(type) && !isInterfaceType(type)) return type;
    const { fields, interfaces } = type.toConfig();
    const lazy = { fields: () => shownFields(fields), interfaces: () => interfaces.map(shown) };
    return isObjectType(type)
      ? new GraphQLObjectType({ ...type.toConfig(), ...lazy })
      : new GraphQLInterfaceType({ ...type.toConfig(), ...lazy });
  }

  function shownFields<F extends { type: GraphQLOutputType }>(fields: Record<string, F>): Record<string, F> {
    return Object.fromEntries(
      Object.entries(fields).map(([name, field]) => [name, { ...field, type: shownType(field.type) }]),
    );
  }

  function shownType(type: GraphQLOutputType): GraphQLOutputType {
    if (isNonNullType(type)) return new GraphQLNonNull(shownType(type.ofType) as never);
    if (isListType(type)) return new GraphQLList(shownType(type.ofType));
    return shown(type);
  }

  const { query, types } = schema.toConfig();
  return new GraphQLSchema({
    query: query && shown(query),
    types: [...types.filter((type) => !isEnumType(type) && !isIntrospectionType(type)).map(shown), ...extra],
    assumeValid: true,
  });
}

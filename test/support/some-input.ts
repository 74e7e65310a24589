/** Inputs of a schema, made from it: so that what is added to it is tried without anybody thinking of it. */
import {
  type GraphQLField,
  type GraphQLInputType,
  type GraphQLSchema,
  getNamedType,
  isEnumType,
  isInputObjectType,
  isListType,
  isNonNullType,
} from 'graphql';

/** A value that the type takes: what is required, all ids being `id`. */
export function someInput(type: GraphQLInputType, id: string): unknown {
  if (isNonNullType(type)) return someInput(type.ofType, id);
  if (isListType(type)) return [someInput(type.ofType, id)];
  if (isEnumType(type)) return type.getValues()[0]?.name;
  if (isInputObjectType(type)) {
    const fields = Object.values(type.getFields());
    const needed = type.isOneOf ? fields.slice(0, 1) : fields.filter((field) => isNonNullType(field.type));
    return Object.fromEntries(needed.map((field) => [field.name, someInput(field.type, id)]));
  }
  const values: Record<string, unknown> = { ID: id, Boolean: true, Int: 1, Float: 1, BigInt: 1, JSON: {} };
  return values[type.name] ?? 'x';
}

/** Every mutation, as a document with a variable. */
export function mutationsOf(
  schema: GraphQLSchema,
): { name: string; query: string; input: GraphQLInputType }[] {
  return Object.values(schema.getMutationType()?.getFields() ?? {}).map((field) => ({
    name: field.name,
    input: inputOf(field),
    query: `mutation ($input: ${inputOf(field)}) {
      ${field.name}(input: $input) { __typename ... on Error { code message } } }`,
  }));
}

function inputOf(field: GraphQLField<unknown, unknown>): GraphQLInputType {
  const input = field.args.find(({ name }) => name === 'input');
  if (!input) throw new Error(`${field.name} has no input.`);
  return input.type;
}

/** Whether it has a file, which JSON cannot send. */
export const hasFile = (type: GraphQLInputType): boolean => {
  const named = getNamedType(type);
  return (
    isInputObjectType(named) &&
    Object.values(named.getFields()).some((f) => getNamedType(f.type).name === 'Upload')
  );
};

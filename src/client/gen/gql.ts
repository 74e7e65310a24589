/* eslint-disable */
import * as types from './graphql.ts';



/**
 * Map of all GraphQL operations in the project.
 *
 * This map has several performance disadvantages:
 * 1. It is not tree-shakeable, so it will include all operations in the project.
 * 2. It is not minifiable, so the string of a GraphQL query will be multiple times inside the bundle.
 * 3. It does not support dead code elimination, so it will add unused operations.
 *
 * Therefore it is highly recommended to use the babel or swc plugin for production.
 * Learn more about it here: https://the-guild.dev/graphql/codegen/plugins/presets/preset-client#reducing-bundle-size
 */
type Documents = {
    "\n  mutation CreateForMainJob($input: CreateImageInput!) {\n    createImage(input: $input) {\n      __typename\n      ... on CreateImagePayload { image { id status } }\n      ... on Error { code message }\n    }\n  }\n": typeof types.CreateForMainJobDocument,
    "\n  query FindForMainJob($where: ImageFilter) {\n    images(where: $where) {\n      totalCount\n      totalSize\n      nodes { id name status size checksum digests { algorithm value } copies { store { name } state size } download { url } }\n    }\n  }\n": typeof types.FindForMainJobDocument,
};
const documents: Documents = {
    "\n  mutation CreateForMainJob($input: CreateImageInput!) {\n    createImage(input: $input) {\n      __typename\n      ... on CreateImagePayload { image { id status } }\n      ... on Error { code message }\n    }\n  }\n": types.CreateForMainJobDocument,
    "\n  query FindForMainJob($where: ImageFilter) {\n    images(where: $where) {\n      totalCount\n      totalSize\n      nodes { id name status size checksum digests { algorithm value } copies { store { name } state size } download { url } }\n    }\n  }\n": types.FindForMainJobDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CreateForMainJob($input: CreateImageInput!) {\n    createImage(input: $input) {\n      __typename\n      ... on CreateImagePayload { image { id status } }\n      ... on Error { code message }\n    }\n  }\n"): typeof import('./graphql.ts').CreateForMainJobDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query FindForMainJob($where: ImageFilter) {\n    images(where: $where) {\n      totalCount\n      totalSize\n      nodes { id name status size checksum digests { algorithm value } copies { store { name } state size } download { url } }\n    }\n  }\n"): typeof import('./graphql.ts').FindForMainJobDocument;


export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}

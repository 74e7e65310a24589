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
    "\n  mutation CreateImage($input: CreateImageInput!) {\n    createImage(input: $input) {\n      __typename\n      ... on CreateImagePayload {\n        image { id name status visibility owner kind diskFormat containerFormat minDisk minRam protected hidden tags revision createdAt updatedAt properties { name value } }\n      }\n      ... on Error { code message }\n      ... on ValidationError { issues { path code message suggestion } }\n      ... on QuotaExceededError { resource limit requested }\n    }\n  }\n": typeof types.CreateImageDocument,
    "\n  mutation UpdateImage($input: UpdateImageInput!) {\n    updateImage(input: $input) {\n      __typename\n      ... on UpdateImagePayload {\n        image { id name kind visibility diskFormat tags revision updatedAt properties { name value } }\n      }\n      ... on Error { code message }\n      ... on ConflictError { currentRevision }\n      ... on ValidationError { issues { path code } }\n      ... on QuotaExceededError { resource limit requested }\n    }\n  }\n": typeof types.UpdateImageDocument,
};
const documents: Documents = {
    "\n  mutation CreateForMainJob($input: CreateImageInput!) {\n    createImage(input: $input) {\n      __typename\n      ... on CreateImagePayload { image { id status } }\n      ... on Error { code message }\n    }\n  }\n": types.CreateForMainJobDocument,
    "\n  query FindForMainJob($where: ImageFilter) {\n    images(where: $where) {\n      totalCount\n      totalSize\n      nodes { id name status size checksum digests { algorithm value } copies { store { name } state size } download { url } }\n    }\n  }\n": types.FindForMainJobDocument,
    "\n  mutation CreateImage($input: CreateImageInput!) {\n    createImage(input: $input) {\n      __typename\n      ... on CreateImagePayload {\n        image { id name status visibility owner kind diskFormat containerFormat minDisk minRam protected hidden tags revision createdAt updatedAt properties { name value } }\n      }\n      ... on Error { code message }\n      ... on ValidationError { issues { path code message suggestion } }\n      ... on QuotaExceededError { resource limit requested }\n    }\n  }\n": types.CreateImageDocument,
    "\n  mutation UpdateImage($input: UpdateImageInput!) {\n    updateImage(input: $input) {\n      __typename\n      ... on UpdateImagePayload {\n        image { id name kind visibility diskFormat tags revision updatedAt properties { name value } }\n      }\n      ... on Error { code message }\n      ... on ConflictError { currentRevision }\n      ... on ValidationError { issues { path code } }\n      ... on QuotaExceededError { resource limit requested }\n    }\n  }\n": types.UpdateImageDocument,
};

/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CreateForMainJob($input: CreateImageInput!) {\n    createImage(input: $input) {\n      __typename\n      ... on CreateImagePayload { image { id status } }\n      ... on Error { code message }\n    }\n  }\n"): typeof import('./graphql.ts').CreateForMainJobDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  query FindForMainJob($where: ImageFilter) {\n    images(where: $where) {\n      totalCount\n      totalSize\n      nodes { id name status size checksum digests { algorithm value } copies { store { name } state size } download { url } }\n    }\n  }\n"): typeof import('./graphql.ts').FindForMainJobDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation CreateImage($input: CreateImageInput!) {\n    createImage(input: $input) {\n      __typename\n      ... on CreateImagePayload {\n        image { id name status visibility owner kind diskFormat containerFormat minDisk minRam protected hidden tags revision createdAt updatedAt properties { name value } }\n      }\n      ... on Error { code message }\n      ... on ValidationError { issues { path code message suggestion } }\n      ... on QuotaExceededError { resource limit requested }\n    }\n  }\n"): typeof import('./graphql.ts').CreateImageDocument;
/**
 * The graphql function is used to parse GraphQL queries into a document that can be used by GraphQL clients.
 */
export function graphql(source: "\n  mutation UpdateImage($input: UpdateImageInput!) {\n    updateImage(input: $input) {\n      __typename\n      ... on UpdateImagePayload {\n        image { id name kind visibility diskFormat tags revision updatedAt properties { name value } }\n      }\n      ... on Error { code message }\n      ... on ConflictError { currentRevision }\n      ... on ValidationError { issues { path code } }\n      ... on QuotaExceededError { resource limit requested }\n    }\n  }\n"): typeof import('./graphql.ts').UpdateImageDocument;


export function graphql(source: string) {
  return (documents as any)[source] ?? {};
}

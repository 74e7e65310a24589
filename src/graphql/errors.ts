/** The typed errors of mutations, and what becomes of errors at the top level. */
import { GraphQLError } from 'graphql';
import {
  ConflictError,
  DomainError,
  ForbiddenError,
  NotFoundError,
  QuotaExceededError,
  TooCostlyError,
  UnavailableError,
  ValidationError,
  type ValidationIssue,
} from '../domain/errors.ts';
import { BadSearchError } from '../search/language/bad-search.ts';
import { builder } from './builder.ts';

const ErrorInterface = builder.interfaceRef<DomainError>('Error').implement({
  description: 'Any expected failure: also those that are added later.',
  resolveType: (error) => error.name,
  fields: (t) => ({
    message: t.exposeString('message', {
      description: 'For people; may change. Names the thing and the way out.',
    }),
    code: t.exposeString('code', { description: 'For programs; does not change.' }),
  }),
});

const Issue = builder.objectRef<ValidationIssue>('ValidationIssue').implement({
  description: 'One thing wrong with an input.',
  fields: (t) => ({
    path: t.stringList({
      description: 'From the argument down, list positions as digits: ["input", "properties", "3", "value"].',
      resolve: (issue) => ['input', ...issue.path],
    }),
    code: t.exposeString('code', {
      description: 'What kind of mistake, for programs: TOO_LONG, RESERVED_NAME ...',
    }),
    message: t.exposeString('message', { description: 'What is wrong and what would be right.' }),
    suggestion: t.exposeString('suggestion', {
      nullable: true,
      description: 'A likely right name or value; null when there is none.',
    }),
  }),
});

builder.objectType(ValidationError, {
  name: 'ValidationError',
  description: 'The input breaks a rule; nothing was changed. code INVALID_INPUT.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    issues: t.field({ type: [Issue], description: 'Every mistake found.', resolve: (error) => error.issues }),
  }),
});

builder.objectType(NotFoundError, {
  name: 'NotFoundError',
  description: 'code NOT_FOUND; also for what the caller may not see.',
  interfaces: [ErrorInterface],
});

builder.objectType(ForbiddenError, {
  name: 'ForbiddenError',
  description: 'code FORBIDDEN: seen, but the role or policy does not allow it.',
  interfaces: [ErrorInterface],
});

builder.objectType(ConflictError, {
  name: 'ConflictError',
  description:
    'The state of the thing, or its revision, does not allow this now. code: REVISION_MISMATCH (with currentRevision), ALREADY_EXISTS, WRONG_STATUS, PROTECTED, IN_USE, LAST_COPY, NOT_SHARED, BUSY, GONE.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    currentRevision: t.exposeInt('currentRevision', {
      nullable: true,
      description: 'The revision the image is at; null with any other code than REVISION_MISMATCH.',
    }),
  }),
});

builder.objectType(QuotaExceededError, {
  name: 'QuotaExceededError',
  description: 'code QUOTA_EXCEEDED: a limit on an amount would be passed.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    resource: t.exposeString('resource', {
      description:
        'As Quota.resource of the project of the image; or, of one image, tags, properties, members, image_size.',
    }),
    limit: t.field({
      type: 'BigInt',
      description: 'Bytes for sizes, otherwise a count.',
      resolve: (e) => e.limit,
    }),
    used: t.field({ type: 'BigInt', description: 'How much was in use before.', resolve: (e) => e.used }),
    requested: t.field({
      type: 'BigInt',
      description: 'How much was asked for.',
      resolve: (e) => e.requested,
    }),
  }),
});

builder.objectType(UnavailableError, {
  name: 'UnavailableError',
  description: 'code UNAVAILABLE: something the service depends on refuses or is away; try again later.',
  interfaces: [ErrorInterface],
  fields: (t) => ({
    store: t.exposeString('store', {
      nullable: true,
      description: 'Store.name of the store it is about; null when it is not about one.',
    }),
  }),
});

/**
 * The top-level error for what a resolver threw, or null when it is a bug: then one plain sentence is shown and
 * the details go to the log.
 */
export function topLevelError(error: unknown): GraphQLError | null {
  const cause = error instanceof GraphQLError ? error.originalError : error;
  // Null where there must be none, as the compiler tells it: a field that failed without anybody throwing.
  if (error instanceof GraphQLError && !cause && error.path && !error.extensions?.code) return null;
  if (error instanceof GraphQLError && (!cause || cause instanceof GraphQLError)) return requestError(error);
  if (!(cause instanceof DomainError)) return null;
  const extensions: Record<string, unknown> = { code: topLevelCode(cause) };
  if (cause instanceof ValidationError) extensions.issues = cause.issues;
  if (cause instanceof BadSearchError) extensions.errors = cause.errors;
  if (cause instanceof TooCostlyError) Object.assign(extensions, { cost: cause.cost, limit: cause.limit });
  return rebuilt(error, cause.message, extensions);
}

const topLevelCode = (error: DomainError) =>
  error instanceof ValidationError ? 'BAD_USER_INPUT' : error.code;

/** Codes of yoga and of the multipart parser for what is BAD_USER_INPUT here. */
const foreignCodes = new Set<unknown>([
  'BAD_REQUEST',
  'OPERATION_RESOLUTION_FAILURE',
  'INVALID_UPLOAD_VALUE',
]);

/** An error of ours as it is; one of graphql-js or yoga with a code of the contract and no endless quotes. */
function requestError(error: GraphQLError): GraphQLError {
  const { code, ...extensions } = error.extensions ?? {};
  if (code !== undefined && !foreignCodes.has(code)) return error;
  const { http } = extensions as { http?: object };
  // GraphQL over HTTP 6.4: in the old media type a request that is well-formed is answered with 200.
  const spec = { spec: code === 'OPERATION_RESOLUTION_FAILURE' };
  return rebuilt(error, shortened(error.message), {
    code: 'BAD_USER_INPUT',
    ...(http ? { http: { ...http, ...spec } } : {}),
  });
}

const messageMax = 500;

/** The message, cut where it only quotes. */
export function shortened(message: string): string {
  return message.length > messageMax ? `${message.slice(0, messageMax).toWellFormed()} ...` : message;
}

/** The same error at the same place, told otherwise. */
export function rebuilt(error: unknown, message: string, extensions: Record<string, unknown>): GraphQLError {
  const { nodes, path, source, positions } = error instanceof GraphQLError ? error : new GraphQLError('');
  return new GraphQLError(message, { nodes, path, source, positions, extensions });
}

/** Robot tokens: made, listed and revoked. A secret is told once, to whoever made it. */
import { createToken } from '../actions/create-token.ts';
import { listTokens } from '../actions/list-tokens.ts';
import { revokeToken } from '../actions/revoke-token.ts';
import { ForbiddenError, NotFoundError, QuotaExceededError, ValidationError } from '../domain/errors.ts';
import type { Token } from '../domain/token.ts';
import { tokenLimits } from '../domain/token.ts';
import { checkedFilter } from '../search/filter-check.ts';
import { readStoredFilter } from '../search/token-filter.ts';
import { builder } from './builder.ts';
import { connectionType, pageArgs, pageOf } from './connection.ts';
import { ImageFilter } from './image/filter.ts';
import { filterJson } from './image/filter-json.ts';
import { Node } from './node.ts';

const TokenType = builder.objectRef<Token>('Token').implement({
  description:
    'A token for a program: in one project, with no more rights than who made it. Its secret is not to be had again.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ description: '"Token:<key>". No secret.', resolve: tokenId }),
    name: t.exposeString('name', { description: 'What it is for. Not unique.' }),
    description: t.exposeString('description', { nullable: true, description: 'Null when none was given.' }),
    project: t.exposeString('project', { description: 'Id of the project that it acts for.' }),
    user: t.exposeString('user', {
      nullable: true,
      description: 'Who made it, and in whose name it acts; null when the command line made it.',
    }),
    roles: t.stringList({ description: 'Sorted.', resolve: ({ roles }) => [...roles] }),
    readOnly: t.exposeBoolean('readOnly', { description: 'Reads and downloads, and changes nothing.' }),
    imageFilter: t.field({
      type: 'JSON',
      nullable: true,
      description: 'An ImageFilter: the images that it is for. Null: all that its roles show.',
      resolve: ({ imageFilter }) => (imageFilter === null ? null : filterJson(readStoredFilter(imageFilter))),
    }),
    createdAt: t.expose('createdAt', { type: 'DateTime', description: 'When it was made.' }),
    expiresAt: t.expose('expiresAt', {
      type: 'DateTime',
      nullable: true,
      description: 'When it is over; null: when it is revoked. Told of for 30 days more.',
    }),
    lastUsedAt: t.expose('lastUsedAt', {
      type: 'DateTime',
      nullable: true,
      description: 'To about a minute; null: not yet.',
    }),
  }),
});

export function tokenId({ id }: Pick<Token, 'id'>): string {
  return `Token:${id}`;
}

const TokenConnection = connectionType(TokenType, {
  name: 'Token',
  description: 'Robot tokens, oldest first.',
  node: 'A token',
  totalCount: 'All of the project that the caller may see.',
});

builder.queryField('tokens', (t) =>
  t.field({
    type: TokenConnection,
    nullable: true,
    description: `The robot tokens of a project, those that are over among them. Admins see all; others their own, and those in their
project that they could have made themselves; a robot token itself. Null only with an error: BAD_CURSOR, BAD_USER_INPUT.`,
    args: {
      project: t.arg.string({
        description: "Left out, the caller's; those of another one only an admin sees.",
      }),
      ...pageArgs,
    },
    resolve: async (_root, { project, ...page }, { app, caller }) => {
      const asked = project ?? caller.project;
      const all = await listTokens(app, caller, { project: asked ?? '' });
      return pageOf(all, page, {
        scope: 'tokens',
        types: ['instant', 'text'],
        keysOf: (token) => [token.createdAt, token.id],
      });
    },
  }),
);

const CreateTokenInput = builder.inputType('CreateTokenInput', {
  description: 'What the token is allowed; what is left out gets its default.',
  fields: (t) => ({
    name: t.string({ required: true, description: 'What uses it; up to 255 characters, not unique.' }),
    description: t.string({ description: 'Up to 1000 characters.' }),
    project: t.string({ description: "Default the caller's; another one only for an admin." }),
    roles: t.stringList({
      description:
        'Default member. admin, member, reader, or a role of the caller; none above those of the caller.',
    }),
    readOnly: t.boolean({
      description: 'Default false. true: it reads, and with the role member downloads; it changes nothing.',
    }),
    imageFilter: t.field({
      type: ImageFilter,
      description: `Only images that match are there for the token, in every list, number and path; what it makes and changes has to
match too. Unless it is readOnly not by status, size, virtualSize, digest, failed, store, sharedWith or updatedAt,
which change by themselves. Default: all images that the roles show.`,
    }),
    expiresAt: t.field({ type: 'DateTime', description: 'When it is over; default: when it is revoked.' }),
  }),
});

const CreateTokenPayload = builder
  .objectRef<{ token: Token; secret: string }>('CreateTokenPayload')
  .implement({
    description: 'The token is good at once.',
    fields: (t) => ({
      token: t.field({ type: TokenType, description: 'The token.', resolve: ({ token }) => token }),
      secret: t.exposeString('secret', {
        description: 'To be sent as X-Auth-Token or Authorization: Bearer. Told now and never again.',
      }),
    }),
  });

builder.mutationField('createToken', (t) =>
  t.field({
    type: CreateTokenPayload,
    nullable: true,
    description: `Makes a token for a program. Its roles are none above those of the caller, and stay when the caller's change. A robot
token makes none. At most ${tokenLimits.perProject} a project.`,
    errors: { types: [ValidationError, ForbiddenError, QuotaExceededError] },
    args: {
      input: t.arg({ type: CreateTokenInput, required: true, description: 'What the token is allowed.' }),
    },
    resolve: (_root, { input }, { app, caller }) => {
      const { imageFilter } = input;
      return createToken(app, caller, {
        ...input,
        imageFilter: imageFilter ? checkedFilter(imageFilter, ['imageFilter']) : null,
      });
    },
  }),
);

const RevokeTokenInput = builder.inputType('RevokeTokenInput', {
  description: 'Which token.',
  fields: (t) => ({
    id: t.id({ required: true, description: 'As `id` of a Token, or the bare key; not the secret.' }),
  }),
});

const RevokeTokenPayload = builder.objectRef<Token>('RevokeTokenPayload').implement({
  description: 'The token is gone.',
  fields: (t) => ({ id: t.id({ description: 'Id of the token that is gone.', resolve: tokenId }) }),
});

builder.mutationField('revokeToken', (t) =>
  t.field({
    type: RevokeTokenPayload,
    nullable: true,
    description: `Takes a token away for ever: every server refuses it within two seconds. Transfers that it began end as they would
have, and links that it was given stay good until they are over.`,
    errors: { types: [NotFoundError, ForbiddenError] },
    args: { input: t.arg({ type: RevokeTokenInput, required: true, description: 'Which token.' }) },
    resolve: (_root, { input }, { app, caller }) => revokeToken(app, caller, input),
  }),
);

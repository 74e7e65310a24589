/** auditLog: who changed what, or was not let. */
import { listAudit } from '../actions/list-audit.ts';
import {
  type Actor,
  type ActorKind,
  type AuditChange,
  type AuditEntry,
  type AuditObjectType,
  shownChanges,
} from '../domain/audit.ts';
import { invalid } from '../domain/errors.ts';
import { parseImageId } from '../domain/image.ts';
import type { AuditFilter } from '../search/audit-filter.ts';
import { listMax } from '../search/filter-check.ts';
import { builder } from './builder.ts';
import { connectionType, edgeCursors, pageArgs } from './connection.ts';
import { tokenId } from './token.ts';

const ActorKindEnum = builder.enumType('AuditActorKind', {
  description: 'How somebody acts.',
  values: {
    TOKEN: { value: 'token', description: 'By a token.' },
    LINK: { value: 'link', description: 'By a signed target; user and project are those who made it.' },
    SERVICE: {
      value: 'service',
      description: 'The service; user and project are those for whom it works, null when it is for itself.',
    },
    OPERATOR: { value: 'operator', description: 'By a command on the machine; user is the login there.' },
  } as const satisfies Record<string, { value: ActorKind; description: string }>,
});

const ObjectTypeEnum = builder.enumType('AuditObjectType', {
  description: 'What an entry is about.',
  values: {
    IMAGE: { value: 'image', description: 'An image, its data, copies and members.' },
    METADEF_NAMESPACE: {
      value: 'metadefNamespace',
      description: 'A namespace of metadata definitions, and what is in it.',
    },
    PROJECT: { value: 'project', description: 'A project.' },
    TOKEN: { value: 'token', description: 'A robot token.' },
    INDEX: { value: 'index', description: 'A property with indexes of its own.' },
    CATALOG: { value: 'catalog', description: 'All of the catalog.' },
  } as const satisfies Record<string, { value: AuditObjectType; description: string }>,
});

const ResultEnum = builder.enumType('AuditResult', {
  description: 'What became of it.',
  values: {
    DONE: { value: 'done', description: 'It was done.' },
    FAILED: {
      value: 'failed',
      description: 'An upload or an import failed; the image waits for data again.',
    },
    DENIED: { value: 'denied', description: 'The caller may not: nothing was changed.' },
  } as const,
});

const ActorType = builder.objectRef<Actor>('AuditActor').implement({
  description: 'Who acted.',
  fields: (t) => ({
    kind: t.expose('kind', { type: ActorKindEnum, description: 'How.' }),
    user: t.exposeString('user', { nullable: true, description: 'Null where there is none, or none known.' }),
    project: t.exposeString('project', {
      nullable: true,
      description: 'Null where there is none, or none known.',
    }),
    roles: t.stringList({ description: 'As the token had them.', resolve: ({ roles }) => [...roles] }),
    robotToken: t.id({
      nullable: true,
      description: 'As `id` of the Token, there still or not; null when it was no robot.',
      resolve: ({ robot }) => (robot ? tokenId({ id: robot }) : null),
    }),
  }),
});

const ChangeType = builder.objectRef<AuditChange>('AuditChange').implement({
  description:
    'A field that changed. Secrets are ***; a value of more than 1024 characters is cut, and has its SHA-256 behind it.',
  fields: (t) => ({
    field: t.exposeString('field', {
      description:
        'name, tags ..., or a part of one: properties.os_distro, members.<project>, copies.<store>.',
    }),
    before: t.field({
      type: 'JSON',
      nullable: true,
      description: 'Null: nothing stood there.',
      resolve: ({ before }) => before,
    }),
    after: t.field({
      type: 'JSON',
      nullable: true,
      description: 'Null: nothing stands there.',
      resolve: ({ after }) => after,
    }),
  }),
});

const Entry = builder.objectRef<AuditEntry>('AuditEntry').implement({
  description: 'What somebody did, or was not let do. Never changes.',
  fields: (t) => ({
    id: t.id({ description: 'Of this entry; grows.', resolve: ({ id }) => String(id) }),
    at: t.expose('at', { type: 'DateTime', description: 'When.' }),
    actor: t.field({ type: ActorType, description: 'Who.', resolve: ({ by }) => by }),
    requestId: t.string({
      nullable: true,
      description: 'Of the request that it began with; null when the service or an operator did it.',
      resolve: ({ by }) => by.requestId,
    }),
    action: t.exposeString('action', {
      description:
        'What: a mutation by its name, or beginUpload, finishUpload, failImport ... (docs/audit.md). More may come.',
    }),
    result: t.expose('result', { type: ResultEnum, description: 'What became of it.' }),
    objectType: t.field({
      type: ObjectTypeEnum,
      description: 'What it is about.',
      resolve: ({ object }) => object.type,
    }),
    objectId: t.string({
      nullable: true,
      description: 'Of an image or a namespace the UUID. Null where there is only one, or none was named.',
      resolve: ({ object }) => object.id,
    }),
    objectName: t.string({
      nullable: true,
      description: 'What it was called then.',
      resolve: ({ object }) => object.name,
    }),
    objectOwner: t.string({
      nullable: true,
      description: 'The project that it belonged to before.',
      resolve: ({ object }) => object.owner,
    }),
    changes: t.field({
      type: [ChangeType],
      description: 'The fields that changed.',
      resolve: (entry, _args, { app, caller }) => [...shownChanges(app.protection, caller, entry)],
    }),
    message: t.exposeString('message', { nullable: true, description: 'Why it failed or was denied.' }),
    times: t.exposeInt('times', {
      description: 'How often: what is denied again within a minute is counted in one entry.',
    }),
  }),
});

const EntryConnection = connectionType(Entry, {
  name: 'AuditEntry',
  description: 'A page of the audit log.',
  node: 'An entry',
  totalCount: 'Exact number of those that match and the caller may read.',
});

const Filter = builder.inputType('AuditFilter', {
  description: 'All that is given must hold; null is as if it were left out.',
  fields: (t) => ({
    objectType: t.field({ type: ObjectTypeEnum, description: 'About such a thing.' }),
    objectId: t.string({ description: 'About this one: an image or a namespace by its UUID.' }),
    user: t.string({ description: 'Whoever acted was this user.' }),
    project: t.string({ description: 'Whoever acted was in this project.' }),
    actions: t.stringList({ description: 'One of these was done or tried.' }),
    result: t.field({ type: ResultEnum, description: 'This became of it.' }),
    requestId: t.string({ description: 'It began with this request: x-openstack-request-id of its answer.' }),
    from: t.field({ type: 'DateTime', description: 'Then or later.' }),
    until: t.field({ type: 'DateTime', description: 'Before then.' }),
  }),
});

builder.queryField('auditLog', (t) =>
  t.field({
    type: EntryConnection,
    nullable: true,
    description: `Who changed what, or was not let, newest first. An admin reads everything; others, readers too, what is
about objects that their project owned then. Null only with an error: BAD_CURSOR, BAD_USER_INPUT, FORBIDDEN, TIMEOUT.`,
    args: { where: t.arg({ type: Filter, description: 'Which entries.' }), ...pageArgs },
    resolve: async (_root, { where, ...page }, { app, caller }) => {
      const { entries, cursorOf, ...list } = await listAudit(app, caller, { where: readFilter(where), page });
      const { hasNextPage, hasPreviousPage, totalCount } = list;
      const pageInfo = { hasNextPage, hasPreviousPage, ...edgeCursors(entries, cursorOf) };
      return { nodes: entries, cursorOf, pageInfo, totalCount };
    },
  }),
);

/** @throws ValidationError text that nothing can be, too many actions */
function readFilter(where: typeof Filter.$inferInput | null | undefined): AuditFilter {
  const given = Object.entries(where ?? {}).filter(([, value]) => value !== null && value !== undefined);
  for (const [name, value] of given) {
    const texts = [value].flat();
    if (texts.length > listMax) {
      throw invalid(
        ['where', name],
        'TOO_LONG',
        `A list in a filter has at most ${listMax} values; send fewer.`,
      );
    }
    if (texts.map(String).every((text) => text.isWellFormed() && !text.includes('\0'))) continue;
    throw invalid(
      ['where', name],
      'BAD_CHARACTER',
      `${name} has a NUL or half a surrogate pair; nothing has.`,
    );
  }
  const filter: AuditFilter = Object.fromEntries(given);
  // An id of an image is a UUID in any case.
  if (filter.objectId !== undefined) filter.objectId = parseImageId(filter.objectId) ?? filter.objectId;
  return filter;
}

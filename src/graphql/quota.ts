/** Quotas: what a project may have and has, and who gives it more. */
import { listQuotas } from '../actions/list-quotas.ts';
import { type QuotaChange, setQuota } from '../actions/set-quota.ts';
import { ForbiddenError, ValidationError } from '../domain/errors.ts';
import type { Quota } from '../domain/quota.ts';
import { builder } from './builder.ts';

const QuotaUnit = builder.enumType('QuotaUnit', {
  description: 'What a quota counts.',
  values: {
    BYTES: { description: 'Bytes, also where Keystone has MiB.' },
    COUNT: { description: 'A number of things.' },
  },
});

export const QuotaType = builder.objectRef<Quota>('Quota').implement({
  description: 'What a project may have of something, and has.',
  fields: (t) => ({
    resource: t.exposeString('resource', {
      description:
        'image_count_total: images; image_size_total: bytes stored or reserved, once for each copy, until they are removed; image_stage_total: the same in the staging area; image_count_uploading: images whose data comes or waits staged.',
    }),
    unit: t.expose('unit', { type: QuotaUnit, description: 'What limit and used are in.' }),
    limit: t.field({
      type: 'BigInt',
      nullable: true,
      description: 'How much there may be; null when there is no limit.',
      resolve: ({ limit }) => limit,
    }),
    used: t.field({
      type: 'BigInt',
      description: 'How much there is now, reservations of uploads under way included.',
      resolve: ({ used }) => used,
    }),
  }),
});

builder.queryField('quotas', (t) =>
  t.field({
    type: [QuotaType],
    description:
      'The quotas of a project, for admins; FORBIDDEN for others, who find their own in viewer. Of a project that is not known here nothing is used.',
    args: { project: t.arg.string({ required: true, description: 'Its id.' }) },
    resolve: (_root, { project }, { app, caller }) => listQuotas(app, caller, project),
  }),
);

const QuotaLimitInput = builder.inputType('QuotaLimitInput', {
  description: 'A limit of its own for a project.',
  fields: (t) => ({
    resource: t.string({ required: true, description: 'Quota.resource.' }),
    limit: t.field({
      type: 'BigInt',
      description: 'From 0, in the unit of the quota; null or left out: no limit, whatever the settings say.',
    }),
  }),
});

const SetQuotaInput = builder.inputType('SetQuotaInput', {
  description: 'Limits of one project; those not named stay as they are.',
  fields: (t) => ({
    project: t.string({ required: true, description: 'Its id.' }),
    set: t.field({ type: [QuotaLimitInput], description: 'Limits in place of those of the settings.' }),
    unset: t.stringList({ description: 'Quota.resource of those that are to be as in the settings again.' }),
  }),
});

const SetQuotaPayload = builder.objectRef<QuotaChange>('SetQuotaPayload').implement({
  description: 'The limits are set.',
  fields: (t) => ({
    project: t.exposeString('project', { description: 'Its id.' }),
    before: t.expose('before', { type: [QuotaType], description: 'Its quotas as they were.' }),
    quotas: t.expose('after', { type: [QuotaType], description: 'Its quotas as they are now.' }),
  }),
});

builder.mutationField('setQuota', (t) =>
  t.field({
    type: SetQuotaPayload,
    nullable: true,
    description:
      'Sets limits of one project, for admins. A limit below what is used takes nothing away, and lets nothing more in.',
    errors: { types: [ValidationError, ForbiddenError] },
    args: { input: t.arg({ type: SetQuotaInput, required: true, description: 'What is to change.' }) },
    resolve: (_root, { input }, { app, caller }) =>
      setQuota(app, caller, {
        project: input.project,
        set: (input.set ?? []).map(({ resource, limit }) => ({ resource, limit: limit ?? null })),
        unset: input.unset ?? [],
      }),
  }),
);

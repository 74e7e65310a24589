/** A project of a test's own, what it may have and has, and whether that is what is stored. */
import { randomBytes } from 'node:crypto';
import { reap } from '../../src/actions/reap.ts';
import { findDrift } from '../../src/db/usage-sums.ts';
import { type Access, ask, newImage } from './images.ts';
import type { TestServer } from './server.ts';
import { until } from './until.ts';

export const resources = {
  images: 'image_count_total',
  bytes: 'image_size_total',
  stagingBytes: 'image_stage_total',
  uploads: 'image_count_uploading',
} as const;
export type Amount = keyof typeof resources;

export interface Project {
  name: string;
  /** A queued image of the project; its bytes may be sent with the admin's token. */
  image(input?: object): Promise<string>;
  limit(limits: Partial<Record<Amount, number | null>>): Promise<void>;
  used(): Promise<Record<Amount, number>>;
  /** The same, when everything that was given up is removed. */
  settled(): Promise<Record<Amount, number>>;
}

/** One that nobody has heard of; an admin acts for it. */
export function aProject(server: TestServer): Project {
  const admin: Access = { url: server.url, token: server.tokenOf('admin') };
  const name = `project-${randomBytes(4).toString('hex')}`;

  async function used() {
    const text = 'query ($project: String!) { quotas(project: $project) { resource used } }';
    const { quotas } = await ask<{ quotas: { resource: string; used: number }[] }>(admin, text, {
      project: name,
    });
    const of = (amount: Amount) =>
      quotas.find((one) => one.resource === resources[amount])?.used ?? Number.NaN;
    return {
      images: of('images'),
      bytes: of('bytes'),
      stagingBytes: of('stagingBytes'),
      uploads: of('uploads'),
    };
  }

  return {
    name,
    image: (input = {}) => newImage(admin, { owner: name, ...input }),
    async limit(limits) {
      const set = Object.entries(limits).map(([amount, limit]) => ({
        resource: resources[amount as Amount],
        limit,
      }));
      const text = `mutation ($input: SetQuotaInput!) {
        setQuota(input: $input) { __typename ... on Error { message } } }`;
      const { setQuota } = await ask<{ setQuota: { __typename: string; message?: string } }>(admin, text, {
        input: { project: name, set },
      });
      if (setQuota.__typename !== 'SetQuotaPayload') throw new Error(setQuota.message);
    },
    used,
    async settled() {
      await until(async () => {
        await reap(server.app, { list: false });
        const text = 'select 1 from stray_objects where owner = $1::text and bytes > 0';
        return (await server.app.db.query(text, [name])).length === 0;
      });
      const drift = await findDrift(server.app.db);
      if (drift.length > 0) throw new Error(`The sums are wrong: ${JSON.stringify(drift)}`);
      return used();
    },
  };
}

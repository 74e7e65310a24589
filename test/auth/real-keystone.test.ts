/** A real Keystone: scopes, expiry, revocation, credentials of applications and services, and a restart under load. */
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { keystoneTokens } from '../../src/auth/keystone.ts';
import { UnavailableError } from '../../src/domain/errors.ts';
import {
  identity,
  login,
  loginWithCredential,
  type RealKeystone,
  realKeystone,
} from '../support/keystone-process.ts';
import { aName, withKeystone } from '../support/services.ts';
import { only } from '../support/size.ts';
import { until } from '../support/until.ts';

const real = only(withKeystone);

describe.skipIf(real.skip)(`with a real Keystone${real.why}`, { timeout: 120_000 }, () => {
  /** Seconds that a token is good. */
  const expiration = 6;
  const name = aName();
  let keystone: RealKeystone;
  let ids: { user: string; project: string };
  const warned: string[] = [];
  const forget: [method: string, path: string][] = [];

  const admin = async () => ({
    url: keystone.url,
    token: await login(keystone.url, 'admin', { project: 'admin' }),
  });
  const roleId = async (role: string) =>
    (await identity(await admin(), ['GET', `/roles?name=${role}`])).roles[0].id as string;
  const grant = async (where: string, role: string) =>
    identity(await admin(), ['PUT', `/${where}/users/${ids.user}/roles/${await roleId(role)}`]);

  beforeAll(async () => {
    keystone = await realKeystone({ expiration });
    await keystone.start();
    const at = await admin();
    const project = { name, domain_id: 'default' };
    const user = { name, domain_id: 'default', password: process.env.TEST_PASSWORD };
    ids = {
      project: (await identity(at, ['POST', '/projects'], { body: { project } })).project.id,
      user: (await identity(at, ['POST', '/users'], { body: { user } })).user.id,
    };
    forget.push(['DELETE', `/users/${ids.user}`], ['DELETE', `/projects/${ids.project}`]);
    await grant(`projects/${ids.project}`, 'member');
  }, 120_000);
  afterAll(async () => {
    for (const call of forget) await identity(await admin(), call);
    await keystone.close();
  }, 60_000);

  function tokens({ username = 'glance', tokenCacheMs = 500, ...credential }: Record<string, unknown> = {}) {
    const password = { username, password: process.env.TEST_PASSWORD, project: 'service' };
    return keystoneTokens(
      {
        url: keystone.url,
        userDomain: 'Default',
        projectDomain: 'Default',
        serviceRoles: ['service'],
        connectTimeoutMs: 5_000,
        tokenTimeoutMs: 30_000, // machines of tests are busy
        tokenCacheMs: tokenCacheMs as number,
        ...('applicationCredentialId' in credential ? credential : password),
      } as Parameters<typeof keystoneTokens>[0],
      { asked: () => {}, warn: (message) => warned.push(message) },
    );
  }
  const inProject = () => login(keystone.url, name, { project: name });

  it('scopes are project, system, domain and none, and roles come with those that they imply', async () => {
    const check = tokens();
    expect(await check.callerOf(await inProject())).toMatchObject({
      user: ids.user,
      project: ids.project,
      roles: expect.arrayContaining(['member', 'reader']),
      isAdmin: false,
    });
    await grant('system', 'reader');
    expect(await check.callerOf(await login(keystone.url, name, 'system'))).toMatchObject({
      project: null,
      roles: ['reader'],
      isAdmin: false,
    });
    expect(await check.callerOf(await login(keystone.url, 'admin', 'system'))).toMatchObject({
      project: null,
      isAdmin: true,
    });
    await grant('domains/default', 'admin');
    expect(await check.callerOf(await login(keystone.url, name, 'domain'))).toMatchObject({
      project: null,
      roles: [],
      isAdmin: false,
    });
    expect(await check.callerOf(await login(keystone.url, name, 'none'))).toMatchObject({
      user: ids.user,
      project: null,
      roles: [],
    });
    expect(await check.callerOf('gAAAAABnonsense')).toBeNull();
  });

  it('a token that is revoked, or has expired, is no longer good', async () => {
    const check = tokens();
    const [revoked, expiring] = [await inProject(), await inProject()];
    expect(await check.callerOf(revoked)).not.toBeNull();
    expect(await check.callerOf(expiring)).not.toBeNull();
    const headers = { 'x-subject-token': revoked };
    await identity(await admin(), ['DELETE', '/auth/tokens'], { headers });
    await until(async () => (await check.callerOf(revoked)) === null);
    expect(await check.callerOf(expiring)).not.toBeNull();
    await until(async () => (await check.callerOf(expiring)) === null);

    const service = () => login(keystone.url, 'nova', { project: 'service' });
    expect(await check.callerOf(expiring, { serviceToken: await inProject() })).toBeNull();
    expect(await check.callerOf(expiring, { serviceToken: await service() })).toMatchObject({
      project: ids.project,
    });
    // Revoked is not expired.
    expect(await check.callerOf(revoked, { serviceToken: await service() })).toBeNull();
    expect(await check.callerOf(expiring)).toBeNull();
  });

  it('an application credential is its user in its project, and may be how we log in', async () => {
    const at = { url: keystone.url, token: await inProject() };
    const make = async (of: string, body: object, by = at) =>
      (
        await identity(by, ['POST', `/users/${of}/application_credentials`], {
          body: { application_credential: body },
        })
      ).application_credential;
    const made = await make(ids.user, {
      name: aName(),
      secret: 'of-an-application',
      roles: [{ name: 'reader' }],
    });
    const token = await loginWithCredential(keystone.url, made.id, 'of-an-application');
    expect(await tokens().callerOf(token)).toMatchObject({ project: ids.project, roles: ['reader'] });

    // One for single paths only is for services that look at paths: not good here.
    const rules = [{ service: 'image', method: 'GET', path: '/v2/images' }];
    const narrow = await make(ids.user, { name: aName(), secret: 'narrow', access_rules: rules });
    const narrowToken = await loginWithCredential(keystone.url, narrow.id, 'narrow');
    expect(await tokens().callerOf(narrowToken)).toBeNull();

    const glance = { url: keystone.url, token: await login(keystone.url, 'glance', { project: 'service' }) };
    const glanceId = (await identity(await admin(), ['GET', '/users?name=glance'])).users[0].id;
    const own = await make(glanceId, { name: aName(), secret: 'of-the-service' }, glance);
    forget.unshift(['DELETE', `/users/${glanceId}/application_credentials/${own.id}`]);
    const check = tokens({ applicationCredentialId: own.id, applicationCredentialSecret: 'of-the-service' });
    expect((await check.probe()).roles).toContain('service');
    expect(await check.callerOf(await inProject())).toMatchObject({ project: ids.project });
  });

  it('who may not look at tokens is told so, and nobody becomes unknown by that', async () => {
    const check = tokens({ username: 'demo', ...(await credentialOfDemo()) });
    await expect(check.probe()).rejects.toThrow(/neither the role service nor admin/);
    const error = await check.callerOf(await inProject()).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UnavailableError);
    expect((error as Error).message).toMatch(/not allowed this \(403\)/);
  });

  async function credentialOfDemo(): Promise<Record<string, string>> {
    const at = { url: keystone.url, token: await login(keystone.url, 'demo', { project: 'demo' }) };
    const id = (await identity(await admin(), ['GET', '/users?name=demo'])).users[0].id;
    const body = { application_credential: { name: aName(), secret: 'of-demo' } };
    const made = await identity(at, ['POST', `/users/${id}/application_credentials`], { body });
    forget.unshift(['DELETE', `/users/${id}/application_credentials/${made.application_credential.id}`]);
    return {
      applicationCredentialId: made.application_credential.id,
      applicationCredentialSecret: 'of-demo',
    };
  }

  it('a restart under load makes no caller another one, and nobody unknown', async () => {
    const check = tokens({ tokenCacheMs: 200 });
    let isOver = false;
    let token = await inProject();
    const outcomes = { good: 0, unavailable: 0, wrong: [] as unknown[] };
    const refresh = async () => {
      while (!isOver) {
        await sleep(1_500);
        token = await inProject().catch(() => token);
      }
    };
    const ask = async () => {
      while (!isOver) {
        await sleep(5);
        const mine = token;
        const found = await check.callerOf(mine).catch((error: unknown) => error);
        if (found instanceof UnavailableError) outcomes.unavailable++;
        else if (found !== null && (found as { project?: string }).project === ids.project) outcomes.good++;
        else if (found !== null || mine === token) outcomes.wrong.push(found);
      }
    };
    const loads = [refresh(), ...Array.from({ length: 8 }, ask)];
    await until(() => outcomes.good > 50);
    await keystone.stop();
    await until(() => outcomes.unavailable > 10 && warned.at(-2)?.endsWith('it is left alone for a while'));
    await keystone.start();
    token = await inProject();
    const { good } = outcomes;
    await until(() => outcomes.good > good + 50);
    isOver = true;
    await Promise.all(loads);
    // Only a token that had run out meanwhile may have been unknown.
    expect(outcomes.wrong.filter((found) => found !== null)).toEqual([]);
    expect(warned.join()).toMatch(/Keystone cannot be reached/);
    expect(warned.at(-1)).toBe('Keystone works again');
  });
});

/** `vitrine check`: whether the service could run, part by part, changing nothing that is there. */
import { access, mkdir } from 'node:fs/promises';
import { setTimeout as sleep } from 'node:timers/promises';
import { keystoneTokens } from '../auth/keystone.ts';
import { oidcTokens } from '../auth/oidc.ts';
import { openTokensFile } from '../auth/tokens.ts';
import type { Config } from '../config/config.ts';
import { openDatabaseServer } from '../db/address.ts';
import { connect } from '../db/client.ts';
import { signaturesOf, surroundingsOf } from '../server.ts';
import { openStores } from '../stores/all.ts';
import { isWritable } from '../stores/store.ts';
import { isSelfSigned, subjectOf } from '../trust/certificate.ts';
import { trustedIn } from '../trust/signatures.ts';

/** Prints a line for each part; true when all are well. */
export async function check(config: Config): Promise<boolean> {
  const results = [
    await part('database', () => checkDatabase(config)),
    ...(await checkStores(config)),
    ...(await checkIdentity(config)),
    ...(await checkSignatures(config)),
  ];
  return results.every((ok) => ok);
}

async function part(name: string, run: () => Promise<string>): Promise<boolean> {
  try {
    console.log(`ok     ${name}: ${await run()}`);
    return true;
  } catch (error) {
    console.log(`FAILED ${name}: ${(error as Error).message}`);
    return false;
  }
}

/** Whether signatures could be checked; no line where none are. Barbican is asked when there is something to ask. */
async function checkSignatures(config: Config): Promise<boolean[]> {
  const { trustedRoots } = config.signatures;
  if (trustedRoots === null) return [];
  const run = async () => {
    await signaturesOf(config);
    const roots = (await trustedIn(trustedRoots)).filter(isSelfSigned);
    return `trusted roots: ${roots.map(subjectOf).join('; ')}`;
  };
  return [await part('signatures', run)];
}

async function checkDatabase(config: Config): Promise<string> {
  await mkdir(config.dataDir, { recursive: true });
  const database = await openDatabaseServer(config, () => {});
  const sql = connect(database.address, { poolSize: 1 });
  try {
    const [row] = await sql`
      select current_setting('server_version') as version, to_regclass('images') is not null as migrated`;
    const schema = row?.migrated ? 'with its tables' : 'still without tables: serve or migrate makes them';
    return `PostgreSQL ${row?.version}, ${database.isEmbedded ? 'embedded' : 'external'}, ${schema}`;
  } finally {
    await sql.end({ timeout: 5 });
    await database.close();
  }
}

const storePatienceMs = 10_000;

/** Each by itself: one that is broken says nothing about the others. */
async function checkStores(config: Config): Promise<boolean[]> {
  const stores = openStores(config.stores, await surroundingsOf(config));
  const results: boolean[] = [];
  for (const store of stores.all) {
    const run = async () => {
      await Promise.race([store.probe(AbortSignal.timeout(storePatienceMs)), tooLate()]);
      const kind = isWritable(store) ? 'can be written to' : 'can be read from';
      return `${store.type}, ${kind}${store === stores.default ? '; the default' : ''}`;
    };
    results.push(await part(`store ${store.id}`, run));
  }
  return results;
}

async function tooLate(): Promise<never> {
  await sleep(storePatienceMs, undefined, { ref: false });
  throw new Error(`it does not answer within ${storePatienceMs / 1000} s`);
}

/** Each way in which callers are known. */
async function checkIdentity({ auth, keystone, oidc, ...config }: Config): Promise<boolean[]> {
  const results: boolean[] = [];
  if (auth.includes('tokens')) results.push(await part('tokens', () => checkTokens(config)));
  if (auth.includes('keystone') && keystone) {
    const run = async () => {
      const { roles } = await keystoneTokens(keystone, silent).probe();
      return `${keystone.url} knows us, with the roles ${roles.join(', ')}`;
    };
    results.push(await part('keystone', run));
  }
  if (auth.includes('oidc') && oidc) {
    const run = async () => {
      await oidcTokens(oidc, silent).probe();
      return `${oidc.issuer} answers, and shows its keys`;
    };
    results.push(await part('oidc', run));
  }
  return results;
}

const silent = { asked: () => {}, warn: () => {} };

async function checkTokens({
  tokensFile,
  tokensFileIsOurs,
  policy,
}: Pick<Config, 'tokensFile' | 'tokensFileIsOurs' | 'policy'>): Promise<string> {
  const isThere = await access(tokensFile).then(
    () => true,
    () => false,
  );
  if (!isThere && tokensFileIsOurs) return `${tokensFile} is made at the first start`;
  await openTokensFile(tokensFile, () => {}, policy.roles);
  return `${tokensFile} can be read`;
}

/**
 * What knowing a caller costs: a token of Keystone whose answer is kept, against a static one, and how often Keystone is
 * asked when many requests come with a token that is new. `run.ts` makes the machine that this measures.
 */
import { type KeystoneServer, servicePassword } from '../test/support/keystone-server.ts';
import { type Load, startLoadGenerator } from './support/load.ts';
import { compare, median, report, summary } from './support/rounds.ts';
import type { Vitrine } from './support/vitrine.ts';

/** The settings of a server that knows callers by this Keystone. */
export const authSettings = ({ url }: KeystoneServer) => `
keystone:
  url: ${url}/v3
  username: vitrine
  password: ${servicePassword}
  project: service
`;

const burst = 1_000;
/** Milliseconds. */
const dearest = 0.1;

/** Everything, printed. */
export async function measureAuth(
  vitrine: Vitrine,
  keystone: KeystoneServer,
  { rounds, seconds }: { rounds: number; seconds: number },
): Promise<void> {
  const generator = startLoadGenerator();
  const loadOf = (headers: Record<string, string>, connections: number): Load => ({
    url: `${vitrine.url}/graphql`,
    body: JSON.stringify({ query: '{ viewer { project } }' }),
    headers,
    connections,
    seconds,
  });
  const withNew = () => ({ 'X-Auth-Token': keystone.issue() });
  try {
    const contender = (headers: Record<string, string>) => ({ load: loadOf(headers, 1), pid: vitrine.pid });
    const contenders = { known: contender(vitrine.headersOf('blue')), keystone: contender(withNew()) };
    const results = await compare(generator, contenders, rounds);
    const dearer = median(results.keystone.map(({ p50 }, i) => p50 - (results.known[i]?.p50 ?? Number.NaN)));
    report('a kept token of Keystone, ms a request more than a static one', dearer, {
      limit: dearest,
      kind: 'most',
    });
    console.log(`        static   ${summary(results.known)}\n        keystone ${summary(results.keystone)}`);

    const before = keystone.validations();
    const { requests } = await generator.run({ ...loadOf(withNew(), burst), requests: burst, seconds: 60 });
    const asked = keystone.validations() - before;
    report(`validations for ${requests} requests at once with one new token`, asked, {
      limit: 1,
      kind: 'most',
    });
  } finally {
    generator.stop();
  }
}

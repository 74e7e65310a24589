/**
 * How an object of the registry lies in a container, and how it is taken away:
 *
 *   <key>                 the object itself, or the manifest of its segments; there is nothing before it is whole
 *   <key>/00000001 ...    segments
 *   <key>/part            an unfinished write: made first and only once, gone before the object appears
 */
import { textOf } from '../../cloud/http-call.ts';
import { retried } from '../retries.ts';
import type { Container } from './account.ts';

export const segmentOf = (key: string, n: number) => `${key}/${String(n).padStart(8, '0')}`;
export const partOf = (key: string) => `${key}/part`;

/** As Swift lists them: an object, or all names that go on after a slash. */
interface Entry {
  name?: string;
  subdir?: string;
}

const pageSize = 1_000;

/** Names in the container, in Swift's order; what goes on after `delimiter` is one name that ends in it. */
export async function* namesIn(
  container: Container,
  { prefix = '', delimiter, signal }: { prefix?: string; delimiter?: '/'; signal?: AbortSignal | undefined },
): AsyncGenerator<string> {
  let marker = '';
  for (;;) {
    const query = {
      format: 'json',
      limit: String(pageSize),
      prefix,
      marker,
      ...(delimiter && { delimiter }),
    };
    const page = await retried(() => entries(container, query, signal), signal);
    for (const { name, subdir } of page) yield name ?? subdir ?? '';
    const last = page.at(-1);
    if (!last) return;
    marker = last.name ?? last.subdir ?? '';
  }
}

async function entries(
  container: Container,
  query: Record<string, string>,
  signal: AbortSignal | undefined,
): Promise<Entry[]> {
  const answer = await container.call({ method: 'GET', name: '', query, signal, also: [404] });
  const text = await textOf(answer);
  return answer.statusCode === 200 ? (JSON.parse(text) as Entry[]) : []; // no container yet: nothing in it
}

/** A manifest, in its own words; other segments than our own it does not have. */
export async function segmentsOf(container: Container, key: string): Promise<string[]> {
  const head = await container.call({ method: 'HEAD', name: key, also: [404] });
  head.resume();
  if (head.statusCode === 404 || head.headers['x-static-large-object'] === undefined) return [];
  const query = { 'multipart-manifest': 'get' };
  const answer = await container.call({ method: 'GET', name: key, query, also: [404] });
  const text = await textOf(answer);
  if (answer.statusCode !== 200) return [];
  const before = `/${container.name}/`;
  const paths = (JSON.parse(text) as { name: string }[]).map(({ name }) => name);
  return paths.filter((path) => path.startsWith(before)).map((path) => path.slice(before.length));
}

const deletesAtOnce = 8;

/** Succeeds when they are gone already. @throws the first failure, after trying all */
export async function removeAll(container: Container, names: Iterable<string>): Promise<void> {
  const left = [...names];
  const failures: unknown[] = [];
  const worker = async () => {
    for (let name = left.pop(); name !== undefined; name = left.pop()) {
      const one = name;
      await retried(() => container.status({ method: 'DELETE', name: one, also: [404] })).catch((error) =>
        failures.push(error),
      );
    }
  };
  await Promise.all(Array.from({ length: deletesAtOnce }, worker));
  if (failures.length > 0) throw failures[0];
}

/** The program with the PostgreSQL that it brings along, as most people first run it, when things die. */
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { requirePackage } from '../../src/db/embedded/binaries.ts';
import { findPostmaster } from '../../src/db/embedded/postmaster.ts';
import { someBytes } from '../support/bytes.ts';
import { fetchBytes, newImage, put } from '../support/images.ts';
import { aPlace, type Place } from '../support/installation.ts';
import { startLoad } from '../support/load.ts';
import { only, sized } from '../support/size.ts';
import { until } from '../support/until.ts';

/** Each begins and ends the program several times. */
const long = only({ from: 'ci' });

let place: Place;
beforeAll(async () => {
  place = await aPlace();
});
afterAll(() => place.remove());

/** The process of PostgreSQL; null when none runs. */
async function postmaster(): Promise<number | null> {
  const { major } = await requirePackage();
  const path = await realpath(join(place.dataDir, `postgres-${major}`));
  return (await findPostmaster({ path })).running;
}

test.skipIf(long.skip)(
  `the program survives the death of PostgreSQL under load, and PostgreSQL that of the program${long.why}`,
  {
    timeout: 120_000,
  },
  async () => {
    const server = await place.serve();

    // Commands come and go while the server runs: none of them takes its database along.
    const commands = ['check', 'migrate', 'check'].map((command) => place.run([command]));
    for (const command of commands)
      expect(await command.exited, command.output()).toEqual({ code: 0, signal: null });

    const load = startLoad(server, 6);
    for (let round = 0; round < sized({ quick: 2, ci: 8, full: 200 }); round++) {
      const before = load.created();
      await until(() => load.created() > before + 10);
      const victim = (await until(postmaster)) as number;
      process.kill(victim, round % 2 === 0 ? 'SIGQUIT' : 'SIGKILL');
      await until(async () => ![null, victim].includes(await postmaster()));
      await until(async () => (await fetch(`${server.url}/readyz`)).status === 200);
    }
    await load.stop();
    expect(load.unexpected).toEqual([]);
    expect(load.refused()).toBeGreaterThan(0);
    expect(server.child.exitCode).toBe(null);
    expect(await load.findLosses()).toEqual([]);

    const id = await newImage(server);
    const bytes = someBytes(500_000);
    expect((await put(server, id, bytes)).status).toBe(204);
    await server.end('SIGKILL');
    expect(await postmaster()).not.toBe(null);
    const again = await place.serve();
    expect((await fetchBytes(again, id)).equals(bytes)).toBe(true);
    expect(await again.end('SIGTERM')).toEqual({ code: 0, signal: null });
    expect(await postmaster()).toBe(null);
  },
);

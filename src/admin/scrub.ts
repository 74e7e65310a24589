/** `vitrine scrub`: looks after stored bytes now, beside the schedule of the servers. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { App } from '../actions/app.ts';
import { asOnlyScrubber, type Finding, type Scrubbing, scrubBytes, scrubSizes } from '../actions/scrub.ts';
import { byteRate } from '../actions/slowly.ts';
import type { Config } from '../config/config.ts';
import { parseByteSize, parseInteger } from '../config/parse.ts';
import { withApp } from './with-app.ts';

/** As the command line has them. */
export interface ScrubFlags {
  deep: boolean;
  rate?: string;
  store?: string;
  limit?: string;
  json: boolean;
}

/** True: nothing was wrong. @throws a flag that cannot be read; an unknown store */
export async function scrubStores(config: Config, flags: ScrubFlags): Promise<boolean> {
  const rate = flags.rate === undefined ? config.scrub.rate : flag('--rate', parseByteSize, flags.rate);
  const most = (text: string) => parseInteger(text, 1, Number.MAX_SAFE_INTEGER);
  const limit = flags.limit === undefined ? Number.POSITIVE_INFINITY : flag('--limit', most, flags.limit);
  const store = knownStore(config, flags.store);
  return withApp(config, async (app, stopping) => {
    let wrong = 0;
    let looked = 0;
    const report = (finding: Finding) => {
      wrong++;
      console.log(flags.json ? JSON.stringify(finding) : lineOf(finding));
    };
    await whenAlone(app, stopping, async (signal) => {
      const scrubbing: Scrubbing = { rate: byteRate(rate), signal, store, report, isUnattended: false };
      looked = flags.deep
        ? await scrubBytes(app, { ...scrubbing, olderThanSeconds: 0, others: true, limit })
        : await scrubSizes(app, { ...scrubbing, after: null, limit });
    });
    const how = flags.deep ? 'read' : 'looked at';
    console.error(`${looked.toLocaleString('en')} copies ${how}, ${wrong} with something wrong.`);
    return wrong === 0;
  });
}

const lineOf = ({ image, store, code, outcome, message }: Finding) =>
  `image ${image}  store ${store}  ${code}  ${outcome}: ${message}`;

/** Servers that scrub leave a gap after each piece. */
async function whenAlone(
  app: App,
  signal: AbortSignal,
  work: (signal: AbortSignal) => Promise<void>,
): Promise<void> {
  for (let tries = 0; !(await asOnlyScrubber(app, signal, work)); tries++) {
    if (tries === 0) console.error('Somebody else scrubs; waiting for a turn.');
    await sleep(300, undefined, { signal });
  }
}

/** @throws Error `text` is nothing that `parse` takes */
export function flag<T>(name: string, parse: (text: string) => T, text: string): T {
  try {
    return parse(text);
  } catch (error) {
    throw new Error(`${name} ${(error as Error).message}`);
  }
}

/** Null: all. @throws Error the settings do not name it */
export function knownStore({ stores }: Config, id: string | undefined): string | null {
  if (id === undefined) return null;
  if (stores.some((store) => store.id === id)) return id;
  throw new Error(
    `--store ${JSON.stringify(id)} is not in the settings; there is: ${stores.map((one) => one.id).join(', ')}`,
  );
}

/** What it costs that every byte is looked at: on its way in, and before it is sent again. */
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type DatabaseAddress } from '../src/db/client.ts';
import { nginxFor } from './support/nginx.ts';
import { median, report } from './support/rounds.ts';
import { bareTarget, download, megabytes, type Payload, put, type Target, uploads } from './transfer.ts';

export interface Checking {
  address: DatabaseAddress;
  payload: Payload;
  /** Bytes a second of a core that formats are looked at with. */
  looked: number;
  rounds: number;
  /** Where the payload lies, the path without checks keeps its bytes, and nginx may keep its files. */
  directory: string;
}

export async function measureChecks(target: Target, checking: Checking): Promise<void> {
  await measureUploads(target, checking);
  await measureDownloads(target, checking);
}

async function measureUploads(
  target: Target,
  { payload, looked, rounds, directory }: Checking,
): Promise<void> {
  const store = join(directory, 'unchecked');
  mkdirSync(store);
  const bare = await bareTarget(store);
  const ups: { checked: number; bare: number }[] = [];
  // The first warms both.
  for (let round = 0; round <= rounds; round++) {
    const up = { bare: await uploads(bare.target, payload, 1), checked: await uploads(target, payload, 1) };
    if (round > 0) ups.push(up);
  }
  bare.stop();
  const ratio = median(ups.map(({ checked, bare: without }) => checked / without));
  report('upload with everything on / without block checks', ratio, { limit: 0.9, kind: 'least' });
  const share = median(ups.map(({ checked }) => checked)) / looked;
  report('looking at formats, of the time of an upload', share, { limit: 0.03, kind: 'most' });
  tell({
    'with everything on': ups.map((up) => up.checked),
    'without block checks': ups.map((up) => up.bare),
  });
}

async function measureDownloads(
  target: Target,
  { address, payload, rounds, directory }: Checking,
): Promise<void> {
  const [checked, unchecked] = [await target.newId(), await target.newId()];
  for (const id of [checked, unchecked]) await put(target, id, payload);
  const database = connect(address, { poolSize: 1, statementTimeoutMs: 0 });
  // As of an image from before there were blocks.
  await database.unsafe('delete from image_blocks where image_id = $1::uuid', [unchecked]);
  await database.end();
  const nginx = await nginxFor(directory);
  const downs: { checked: number; unchecked: number; nginx: number }[] = [];
  for (let round = 0; round <= rounds * 2; round++) {
    const down = {
      checked: await download(target, target.downloadUrl(checked), payload),
      unchecked: await download(target, target.downloadUrl(unchecked), payload),
      nginx: nginx ? await download({ ...target, headers: {} }, nginx.url('payload'), payload) : Number.NaN,
    };
    if (round > 0) downs.push(down);
  }
  nginx?.stop();
  for (const id of [checked, unchecked]) await target.remove(id);
  const ratios = (other: 'unchecked' | 'nginx') => median(downs.map((down) => down.checked / down[other]));
  report('verified download / unverified', ratios('unchecked'), { limit: 0.5, kind: 'least' });
  if (nginx) report('verified download / nginx sendfile', ratios('nginx'), { limit: 1, kind: 'least' });
  else console.log('verified download / nginx sendfile: skipped, nginx is not installed');
  tell({
    verified: downs.map((down) => down.checked),
    unverified: downs.map((down) => down.unchecked),
    nginx: downs.map((down) => down.nginx),
  });
}

function tell(speeds: Record<string, number[]>): void {
  const all = Object.entries(speeds).map(([name, values]) => `${name} ${megabytes(median(values))}`);
  console.log(`        ${all.join(', ')}`);
}

/**
 * Looking after stored bytes: digests that images lack, and the scrub. These read a lot and may take hours: each kind
 * has a queue of its own, of which one is under way over all machines.
 */
import type { Runner, Task, TaskList } from 'graphile-worker';
import type { App } from '../actions/app.ts';
import { digestImage } from '../actions/digest-image.ts';
import { scrubOnSchedule } from '../actions/scrub-on-schedule.ts';
import { byteRate } from '../actions/slowly.ts';
import { enqueueMissingDigests } from '../db/missing-digests.ts';

export const copiesCrontab = [
  '* * * * * scrub ?queue=scrub&jobKey=scrub&jobKeyMode=preserve_run_at',
  '23 * * * * find_missing_digests ?queue=digests&jobKey=find_missing_digests&jobKeyMode=preserve_run_at',
].join('\n');

/** While there is more to scrub: long enough for `vitrine scrub` to have its turn in between. */
const pauseMs = 2_000;
const idleMs = 60_000;

/**
 * Done at the start of a server, before anything is published: the first job of a queue makes the queue, and whoever
 * else has one for it waits for that transaction.
 */
export async function wakeCopiesTasks({ addJob }: Pick<Runner, 'addJob'>): Promise<void> {
  await addJob('find_missing_digests', {}, { queueName: 'digests', jobKey: 'find_missing_digests' });
}

/** `stopping`: what is under way is broken off, and left to another server. */
export function copiesTasks(app: App, stopping: AbortSignal): TaskList {
  return {
    digest_image: digestTask(app, stopping),
    async find_missing_digests() {
      await enqueueMissingDigests(app.db);
    },
    scrub: scrubTask(app, stopping),
  };
}

/** What fails is tried again by the queue, later and later. */
function digestTask(app: App, stopping: AbortSignal): Task {
  return async (payload, { addJob }) => {
    const { imageId } = payload as { imageId: string };
    try {
      await digestImage(app, imageId, { rate: byteRate(app.scrub.digestRate), signal: stopping });
    } catch (error) {
      if (!stopping.aborted) throw error;
      await addJob('digest_image', { imageId }, { queueName: 'digests', jobKey: `digest:${imageId}` });
    }
  };
}

/** Comes back by itself; cron wakes it when a killed server took it along. */
function scrubTask(app: App, stopping: AbortSignal): Task {
  return async (_payload, { addJob }) => {
    let waitMs = idleMs;
    try {
      if (await scrubOnSchedule(app, stopping)) waitMs = pauseMs;
    } catch (error) {
      if (!stopping.aborted) app.log.warn({ err: error }, 'the scrub was broken off; it goes on in a while');
    } finally {
      const runAt = new Date(app.now().getTime() + waitMs);
      await addJob('scrub', {}, { queueName: 'scrub', jobKey: 'scrub', runAt });
    }
  };
}

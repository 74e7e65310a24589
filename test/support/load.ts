/**
 * Clients that write all the time and keep a record of what was acknowledged to them; afterwards every record is
 * held against the registry.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import { someBytes } from './bytes.ts';
import { type Access, ask, fetchBytes, findImage, newImage, put } from './images.ts';

interface Acknowledged {
  id: string;
  tagged: boolean;
  /** The bytes that a 204 was given for; null: no upload was acknowledged. */
  bytes: Buffer | null;
}

export interface Load {
  /** Images that clients got an id of so far. */
  created(): number;
  /** How often clients were told to try again later. */
  refused(): number;
  /** Answers that no fault of the database excuses. */
  unexpected: string[];
  /** Ends the clients. */
  stop(): Promise<void>;
  /** A sentence for each acknowledged write that is not there: asked of the same server, or of another. */
  findLosses(now?: Access): Promise<string[]>;
}

/** Of every client, in turn: creates an image, adds a tag to it, uploads its bytes. */
export function startLoad(access: Access, clients: number): Load {
  const record: Acknowledged[] = [];
  const unexpected: string[] = [];
  let refusals = 0;
  let goesOn = true;

  /** Null: refused for now. */
  async function attempt<T>(work: () => Promise<T>): Promise<T | null> {
    try {
      return await work();
    } catch (error) {
      const text = String(error);
      if (/"UNAVAILABLE"|"TIMEOUT"/.test(text)) refusals++;
      else unexpected.push(text);
      await sleep(5);
      return null;
    }
  }

  async function client(number: number): Promise<void> {
    for (let turn = 0; goesOn; turn++) {
      const id = await attempt(() => newImage(access));
      if (id === null) continue;
      const entry: Acknowledged = { id, tagged: false, bytes: null };
      record.push(entry);
      entry.tagged = (await attempt(() => addTag(access, id))) !== null;
      const bytes = someBytes(200_000 + turn, number + 1);
      const { status, body } = await put(access, id, bytes).catch((e) => ({ status: 0, body: String(e) }));
      if (status === 204) entry.bytes = bytes;
      else if (status === 503) refusals++;
      else unexpected.push(`upload: ${status} ${body}`);
    }
  }
  const running = Array.from({ length: clients }, (_, number) => client(number));

  return {
    created: () => record.length,
    refused: () => refusals,
    unexpected,
    async stop() {
      goesOn = false;
      await Promise.all(running);
    },
    async findLosses(now = access) {
      const losses: string[] = [];
      for (const { id, tagged, bytes } of record) {
        const image = await findImage(now, id);
        if (!image) losses.push(`${id} was created and is not there`);
        else if (tagged && !image.tags.includes('seen')) losses.push(`${id} lost its tag`);
        else if (bytes && image.status !== 'ACTIVE') losses.push(`${id} was uploaded and is ${image.status}`);
        else if (bytes && !(await fetchBytes(now, id)).equals(bytes)) losses.push(`${id} has other bytes`);
      }
      return losses;
    },
  };
}

async function addTag(access: Access, id: string): Promise<void> {
  const text = `mutation ($input: UpdateImageInput!) {
    updateImage(input: $input) { __typename ... on Error { code message } }
  }`;
  const data = await ask<{ updateImage: { __typename: string } }>(access, text, {
    input: { id, addTags: ['seen'] },
  });
  if (data.updateImage.__typename !== 'UpdateImagePayload') throw new Error(JSON.stringify(data));
}

import { createServer, type ServerResponse } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, expect, it } from 'vitest';
import { DamagedError } from '../../src/domain/errors.ts';
import { sendBytes } from '../../src/transfer/send-bytes.ts';
import { inChunks, someBytes } from '../support/bytes.ts';

const closers: (() => void)[] = [];
afterAll(() => {
  for (const close of closers) close();
});

/** A server whose every answer is what `answer` sends; `outcomes` is what became of them. */
async function aServer(answer: (res: ServerResponse) => Promise<number>) {
  const outcomes: Promise<unknown>[] = [];
  const server = createServer((_req, res) => {
    outcomes.push(answer(res).catch((error: unknown) => error));
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  closers.push(() => server.close().closeAllConnections());
  const { port } = server.address() as AddressInfo;
  return { url: `http://127.0.0.1:${port}/`, port, outcomes };
}

/** Whether its iteration was ended. */
function watched(source: AsyncIterable<Uint8Array>) {
  const inner = source[Symbol.asyncIterator]();
  const state = { asked: 0, returned: false };
  const bytes: AsyncIterable<Uint8Array> = {
    [Symbol.asyncIterator]: () => ({
      next: () => {
        state.asked += 1;
        return inner.next();
      },
      return: async (value) => {
        state.returned = true;
        return (await inner.return?.(value)) ?? { done: true, value: undefined };
      },
    }),
  };
  return { bytes, state };
}

it.each([
  [0, 10],
  [1, 1],
  [16_384, 16_384],
  [16_385, 16_385],
  [100_000, 7000],
  [3_000_001, 1_000_000],
])('sends %i bytes in chunks of %i from reused memory', async (length, chunk) => {
  const bytes = someBytes(length, 3);
  const { url, outcomes } = await aServer((res) => {
    res.setHeader('content-length', length);
    return sendBytes(res, inChunks(bytes, chunk), length);
  });
  const answer = await fetch(url);
  expect(Buffer.from(await answer.arrayBuffer()).equals(bytes)).toBe(true);
  expect(await outcomes[0]).toBe(length);
});

it.each([
  ['fewer bytes', 2_999_999],
  ['more bytes', 3_000_001],
  ['far more bytes', 9_000_000],
])('lets no client take %s than expected for a whole transfer', async (_name, length) => {
  for (const chunk of [1_000_000, 3_000_000, 65_536]) {
    const { url, outcomes } = await aServer((res) => {
      res.writeHead(200, { 'content-length': 3_000_000 });
      return sendBytes(res, inChunks(someBytes(length), chunk), 3_000_000);
    });
    const transfer = fetch(url).then((answer) => answer.arrayBuffer());
    await expect(transfer).rejects.toThrow();
    expect(await outcomes[0]).toBeInstanceOf(DamagedError);
  }
});

it('breaks off a chunked answer as well', async () => {
  const { url } = await aServer((res) => sendBytes(res, inChunks(someBytes(90_000), 40_000), 100_000));
  await expect(fetch(url).then((answer) => answer.arrayBuffer())).rejects.toThrow();
});

it('breaks off when the bytes fail after all of them, before the end', async () => {
  async function* failing() {
    yield someBytes(100_000);
    throw new Error('the digest is wrong');
  }
  const { url, outcomes } = await aServer((res) => {
    res.setHeader('content-length', 100_000);
    return sendBytes(res, failing(), 100_000);
  });
  await expect(fetch(url).then((answer) => answer.arrayBuffer())).rejects.toThrow();
  expect(await outcomes[0]).toMatchObject({ message: 'the digest is wrong' });
});

it('leaves the answer to the caller when nothing was sent', async () => {
  const { url } = await aServer(async (res) => {
    await sendBytes(res, inChunks(new Uint8Array(0), 1), 10).catch(() => {
      res.writeHead(410).end('gone');
    });
    return 0;
  });
  const answer = await fetch(url);
  expect([answer.status, await answer.text()]).toEqual([410, 'gone']);
});

it('stops when the client goes away, while writing and while the store hangs', async () => {
  async function* hanging() {
    yield someBytes(100_000);
    await new Promise(() => {});
  }
  const sources = [watched(inChunks(new Uint8Array(2 ** 27), 500_000)), watched(hanging())];
  for (const source of sources) {
    const { port, outcomes } = await aServer((res) => {
      res.setHeader('content-length', 2 ** 30);
      return sendBytes(res, source.bytes, 2 ** 30);
    });
    const client = connect(port, '127.0.0.1');
    client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
    await new Promise((resolve) => client.once('data', resolve));
    client.pause();
    await sleep(30);
    client.destroy();
    expect(await outcomes[0]).toBeLessThan(2 ** 27);
    expect(source.state.returned).toBe(true);
  }
});

it('asks for no more than a slow client takes', async () => {
  const source = watched(inChunks(new Uint8Array(2 ** 28), 500_000));
  const { port, outcomes } = await aServer((res) => {
    res.setHeader('content-length', 2 ** 28);
    return sendBytes(res, source.bytes, 2 ** 28);
  });
  const client = connect(port, '127.0.0.1');
  client.pause();
  client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\n');
  // Until no more is asked for.
  for (let before = -1; source.state.asked !== before; await sleep(200)) before = source.state.asked;
  expect(source.state.asked).toBeLessThan(40); // what the buffers of the kernel hold
  client.destroy();
  await outcomes[0];
});

it('breaks off when the signal is given', async () => {
  const controller = new AbortController();
  async function* hanging() {
    yield someBytes(100_000);
    await new Promise(() => {});
  }
  const { url, outcomes } = await aServer((res) => {
    res.setHeader('content-length', 200_000);
    return sendBytes(res, hanging(), 200_000, controller.signal);
  });
  const answer = await fetch(url);
  controller.abort(new Error('the server stops'));
  await expect(answer.arrayBuffer()).rejects.toThrow();
  expect(await outcomes[0]).toMatchObject({ message: 'the server stops' });
});

it('does not wait for a response behind another one, on a connection that is gone', async () => {
  let first = true;
  const { port, outcomes } = await aServer((res) => {
    res.setHeader('content-length', 100_000);
    if (!first) return sendBytes(res, inChunks(someBytes(100_000), 1000), 100_000);
    first = false;
    return new Promise((resolve) => res.once('close', () => resolve(-1)));
  });
  const client = connect(port, '127.0.0.1');
  client.write('GET / HTTP/1.1\r\nhost: x\r\n\r\nGET / HTTP/1.1\r\nhost: x\r\n\r\n');
  await expect.poll(() => outcomes.length).toBe(2);
  client.destroy();
  expect(await outcomes[1]).toBeLessThan(100_000);
});

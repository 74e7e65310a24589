/** Clients that are slow on purpose, on real connections: they are ended, everybody else is served. */
import { once } from 'node:events';
import { request } from 'node:http';
import { connect, type Socket } from 'node:net';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { someBytes } from '../support/bytes.ts';
import { findDamage } from '../support/damage.ts';
import { beginUpload, fetchBytes, findImage, newImage, put, send } from '../support/images.ts';
import { anInstallation, type Installation, type Serving } from '../support/installation.ts';
import { only, sized } from '../support/size.ts';
import { until } from '../support/until.ts';

const { skip, why } = only({ from: 'ci' });
const clients = sized({ quick: 0, ci: 50, full: 1_000 });

describe
  .skipIf(skip)
  .concurrent(`slow clients are ended and others are served${why}`, { timeout: 120_000 }, () => {
    let installation: Installation;
    let server: Serving;
    beforeAll(async () => {
      installation = await anInstallation(inject('database'));
      server = await installation.serve();
    });
    afterAll(() => installation?.remove());

    const bytes = someBytes(3_000_000);

    async function expectOthersAreServed(): Promise<void> {
      const id = await newImage(server);
      expect((await put(server, id, bytes)).status).toBe(204);
      expect((await fetchBytes(server, id)).equals(bytes)).toBe(true);
    }

    function open(): Socket {
      const { port, hostname } = new URL(server.url);
      const socket = connect(Number(port), hostname);
      socket.on('error', () => {});
      return socket.resume();
    }

    test('those who never finish a header', async () => {
      const sockets = Array.from({ length: clients }, open);
      for (const socket of sockets) socket.write('GET /v2/images HTTP/1.1\r\nHost: x\r\n');
      const drip = setInterval(() => {
        for (const socket of sockets) if (socket.writable) socket.write('X-A: b\r\n');
      }, 1_000);
      await expectOthersAreServed();
      await Promise.all(sockets.map((socket) => socket.closed || once(socket, 'close')));
      clearInterval(drip);
    });

    test('those who send a JSON body byte by byte', async () => {
      const sockets = Array.from({ length: clients }, open);
      const head =
        'POST /graphql HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n';
      for (const socket of sockets) socket.write(head);
      const drip = setInterval(() => {
        for (const socket of sockets) if (socket.writable) socket.write(' ');
      }, 1_000);
      await expectOthersAreServed();
      await Promise.all(sockets.map((socket) => socket.closed || once(socket, 'close')));
      clearInterval(drip);
    });

    test('those who upload byte by byte, and their image is queued again', async () => {
      const id = await newImage(server);
      const upload = beginUpload(server, id, { length: bytes.length });
      await send(upload, bytes.subarray(0, 1_000));
      const drip = setInterval(() => upload.request.write('x'), 1_000);
      await upload.answer.catch(() => {});
      clearInterval(drip);
      await until(async () => (await findImage(server, id))?.status === 'QUEUED');
      await until(async () => (await findDamage(installation.db, installation.imagesDir)).length === 0);
    });

    test('those who ask for bytes and read none', async () => {
      const large = someBytes(64 * 2 ** 20);
      const id = await newImage(server);
      expect((await put(server, id, large)).status).toBe(204);
      const headers = { 'x-auth-token': server.token };
      const download = request(`${server.url}/v2/images/${id}/file`, { agent: false, headers });
      download.on('error', () => {});
      download.end();
      const [response] = await once(download, 'response');
      response.on('error', () => {});
      const ended = new Promise((resolve) => response.once('close', resolve));
      // The server has to notice by itself; the client then finds less than it was promised.
      await until(async () => /^vitrine_transfers\{direction="out"\} 0$/m.test(await metrics()));
      response.resume();
      await ended;
      expect(response.complete).toBe(false);
    });

    const metrics = async () => (await fetch(`${server.url}/metrics`)).text();
  });

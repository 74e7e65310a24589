/** Part of every test file: no planted secret comes out of a server of ours, whatever else is tested. */
import { ServerResponse } from 'node:http';
import { afterAll, expect } from 'vitest';
import { takeLeaks, watch } from './planted.ts';

afterAll(() => {
  expect(takeLeaks()).toEqual([]);
});

/** Servers that tests make up to stand for others answer with tokens; ours are known by what they give all answers. */
const ours = /^x-openstack-request-id: req-/im;
const watching = Symbol.for('vitrine.leak-watch');

interface Sent {
  /** Status line and headers as they were sent. */
  _header: string | null;
}

const prototype = ServerResponse.prototype as ServerResponse & { [watching]?: true };
if (!prototype[watching]) {
  prototype[watching] = true;
  for (const name of ['write', 'end'] as const) {
    const send = prototype[name] as (...args: unknown[]) => unknown;
    prototype[name] = function (this: ServerResponse & Sent, ...args: unknown[]) {
      const sent = send.apply(this, args);
      const [chunk] = args;
      const head = this._header ?? '';
      if (ours.test(head)) {
        watch(head, 'a head');
        if (typeof chunk === 'string' || chunk instanceof Uint8Array) watch(chunk, 'an answer');
      }
      return sent;
    } as never;
  }
}

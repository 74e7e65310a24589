/** A name server on loopback (RFC 1035 over UDP), as hostile as a test wants it: each question gets what it is told. */
import { createSocket } from 'node:dgram';
import { Resolver } from 'node:dns/promises';
import { isIP } from 'node:net';
import { addressOf } from '../../src/domain/address.ts';
import type { Resolve } from '../../src/stores/egress/addresses.ts';

export interface DnsServer {
  /** Addresses and other names (CNAME) of each name. A list of lists is given one after the other, the last for ever. */
  names: Record<string, string[] | string[][]>;
  /** As the guarded way out asks. */
  resolve: Resolve;
  /** Questions so far, by name and type. */
  asked: string[];
  close(): Promise<void>;
}

const types = { A: 1, CNAME: 5, AAAA: 28 } as const;

export async function dnsServer(): Promise<DnsServer> {
  const socket = createSocket('udp4');
  const server: Pick<DnsServer, 'names' | 'asked'> = { names: {}, asked: [] };
  const turns = new Map<string, number>();

  function valuesOf(name: string): string[] {
    const all = server.names[name] ?? [];
    if (!Array.isArray(all[0])) return all as string[];
    const turn = turns.get(name) ?? 0;
    turns.set(name, turn + 1);
    return (all[Math.min(turn, all.length - 1)] ?? []) as string[];
  }

  socket.on('message', (question, { port, address }) => {
    const { name, type, end } = questionOf(question);
    server.asked.push(`${name} ${type}`);
    const answers = recordsFor(name, type, valuesOf);
    const head = Buffer.from(question.subarray(0, 12));
    head.writeUInt16BE(0x8180, 2); // an answer, recursion available
    head.writeUInt16BE(answers.length, 6);
    head.writeUInt32BE(0, 8);
    socket.send(Buffer.concat([head, question.subarray(12, end), ...answers]), port, address);
  });
  await new Promise<void>((resolve) => socket.bind(0, '127.0.0.1', resolve));
  const resolver = new Resolver({ timeout: 1_000, tries: 1 });
  resolver.setServers([`127.0.0.1:${socket.address().port}`]);

  return Object.assign(server, {
    async resolve(host: string) {
      const found = await Promise.allSettled([resolver.resolve4(host), resolver.resolve6(host)]);
      return found.flatMap((result) => (result.status === 'fulfilled' ? result.value : []));
    },
    close: () => new Promise<void>((resolve) => socket.close(resolve)),
  });
}

function questionOf(message: Buffer): { name: string; type: number; end: number } {
  const labels: string[] = [];
  let at = 12;
  for (let length = message[at++] ?? 0; length > 0; length = message[at++] ?? 0) {
    labels.push(message.toString('latin1', at, at + length));
    at += length;
  }
  return { name: labels.join('.').toLowerCase(), type: message.readUInt16BE(at), end: at + 4 };
}

/** Of the type that is asked for, behind the names that lead to it. */
function recordsFor(name: string, type: number, valuesOf: (name: string) => string[]): Buffer[] {
  return valuesOf(name).flatMap((value) => {
    const kind = isIP(value) === 4 ? types.A : isIP(value) === 6 ? types.AAAA : types.CNAME;
    if (kind === types.CNAME)
      return [record(name, kind, encoded(value)), ...recordsFor(value, type, valuesOf)];
    return kind === type ? [record(name, kind, Buffer.from(addressOf(value) ?? []))] : [];
  });
}

function record(name: string, type: number, data: Buffer): Buffer {
  const fixed = Buffer.alloc(10); // the time to live is 0
  fixed.writeUInt16BE(type, 0);
  fixed.writeUInt16BE(1, 2);
  fixed.writeUInt16BE(data.length, 8);
  return Buffer.concat([encoded(name), fixed, data]);
}

function encoded(name: string): Buffer {
  return Buffer.concat([
    ...name.split('.').map((label) => Buffer.concat([Buffer.from([label.length]), Buffer.from(label)])),
    Buffer.from([0]),
  ]);
}

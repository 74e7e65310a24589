/**
 * Where a URL may lead to. A canary listens wherever one must not connect to and must never hear anybody; one
 * address of this machine is allowed, and answers as badly as servers can.
 */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import https from 'node:https';
import { type AddressInfo, connect, createServer, type Server, type Socket } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { getCACertificates, setDefaultCACertificates } from 'node:tls';
import { afterAll, beforeAll, describe, expect, it, test } from 'vitest';
import { DomainError, UnavailableError, ValidationError } from '../../src/domain/errors.ts';
import { type Egress, openEgress } from '../../src/stores/egress/egress.ts';
import { paced } from '../../src/stores/egress/paced.ts';
import type { EgressSettings } from '../../src/stores/egress/rules.ts';
import { fetchUrl } from '../../src/stores/fetch-url.ts';
import { httpStore } from '../../src/stores/http.ts';
import type { Store } from '../../src/stores/store.ts';
import { collect } from '../support/bytes.ts';
import { type DnsServer, dnsServer } from '../support/dns-server.ts';
import { only } from '../support/size.ts';

const allowedAddress = '127.0.0.9';
const forbidden = ['127.0.0.1', '::1'];
let port: number;
let dns: DnsServer;
let settings: EgressSettings;
let egress: Egress;
let store: Store;
const servers: Server[] = [];
/** Connections to where nobody may connect. */
let heard = 0;
/** Requests to the server that is allowed: their first lines and headers. */
const requests: string[] = [];

beforeAll(async () => {
  port = await listenAll();
  dns = await dnsServer();
  settings = {
    schemes: ['http', 'https'],
    ports: [80, 443, port],
    allow: [allowedAddress],
    deny: ['denied.test', '127.0.0.10'],
    redirects: 5,
    timeoutMs: 60_000,
  };
  egress = openEgress(settings, { resolve: dns.resolve, connectMs: 4_000, answerMs: 500 });
  store = httpStore({ id: 'web', egress });
  Object.assign(dns.names, {
    'allowed.test': [allowedAddress],
    'denied.test': [allowedAddress],
    'loopback.test': ['127.0.0.1'],
    'six.test': ['::1'],
    'mapped.test': ['::ffff:127.0.0.1'],
    'mixed.test': [allowedAddress, '::1'],
    'two.test': [allowedAddress, '127.0.0.1'],
    'metadata.test': ['169.254.169.254'],
    'chain.test': ['chain2.test'],
    'chain2.test': ['chain3.test'],
    'chain3.test': ['127.0.0.1'],
    'good-chain.test': ['allowed.test'],
    'nothing.test': [],
    'rebinding.test': [[allowedAddress], [allowedAddress], ['127.0.0.1']],
  });
});
afterAll(async () => {
  for (const server of servers) server.close();
  await dns.close();
  expect(heard).toBe(0);
});

/** The same port on all addresses, free on each. */
async function listenAll(): Promise<number> {
  const listen = (server: Server, at: number, host: string) =>
    new Promise<number>((resolve, reject) => {
      servers.push(server);
      server.once('error', reject);
      server.listen(at, host, () => resolve((server.address() as AddressInfo).port));
    });
  const found = await listen(createServer(serve), 0, allowedAddress);
  const canary = () =>
    createServer((socket) => {
      heard++;
      socket.destroy();
    });
  for (const address of [...forbidden, '127.0.0.10']) await listen(canary(), found, address);
  return found;
}

/** What the allowed server says at each path. */
const answers: Record<string, (socket: Socket) => void> = {
  '/ok': (socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'),
  '/whole': (socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n0123456789'),
  '/part': (socket) =>
    void socket.end('HTTP/1.1 206 Partial\r\nContent-Range: bytes 2-4/10\r\nContent-Length: 3\r\n\r\n234'),
  '/other-part': (socket) =>
    void socket.end('HTTP/1.1 206 Partial\r\nContent-Range: bytes 0-2/10\r\nContent-Length: 3\r\n\r\n012'),
  '/missing': (socket) => void socket.end('HTTP/1.1 404 No\r\nContent-Length: 0\r\n\r\n'),
  '/broken': (socket) => void socket.end('HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n'),
  '/unsaid': (socket) => void socket.end('HTTP/1.1 200 OK\r\n\r\nok'),
  '/long-length': (socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nok'),
  '/short-length': (socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokok'),
  '/two-lengths': (socket) =>
    void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok!'),
  '/headers': (socket) =>
    void socket.end(`HTTP/1.1 200 OK\r\n${'x-header: yes\r\n'.repeat(10_000)}Content-Length: 2\r\n\r\nok`),
  '/gzip': (socket) =>
    void socket.end(
      `HTTP/1.1 200 OK\r\nContent-Encoding: gzip${',gzip'.repeat(1_000)}\r\nContent-Length: 2\r\n\r\nok`,
    ),
  '/old': (socket) => void socket.end('just text, as in HTTP/0.9'),
  '/silent': () => {},
  '/continue': (socket) => {
    const timer = setInterval(() => socket.write('HTTP/1.1 100 Continue\r\n\r\n'), 5);
    socket.once('close', () => clearInterval(timer));
  },
  '/upgrade': (socket) =>
    void socket.end('HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: Upgrade\r\n\r\n'),
  '/huge': (socket) => void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551615\r\n\r\nok'),
  '/just-too-huge': (socket) =>
    void socket.end('HTTP/1.1 200 OK\r\nContent-Length: 9007199254740992\r\n\r\nok'),
  '/still': (socket) => void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok'),
  '/refresh': (socket) =>
    void socket.end(
      `HTTP/1.1 200 OK\r\nRefresh: 0; url=http://127.0.0.1:${port}/\r\nContent-Length: 2\r\n\r\nok`,
    ),
  '/loop': (socket) => void socket.end('HTTP/1.1 302 Go\r\nLocation: /loop\r\nContent-Length: 0\r\n\r\n'),
  '/empty': (socket) => void socket.end('HTTP/1.1 302 Go\r\nLocation:\r\nContent-Length: 0\r\n\r\n'),
  '/nowhere': (socket) => void socket.end('HTTP/1.1 302 Go\r\nContent-Length: 0\r\n\r\n'),
  '/two': (socket) =>
    void socket.end('HTTP/1.1 302 Go\r\nLocation: /ok\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n'),
  '/cookie': (socket) =>
    void socket.end('HTTP/1.1 302 Go\r\nSet-Cookie: a=b\r\nLocation: /ok\r\nContent-Length: 0\r\n\r\n'),
};

function serve(socket: Socket): void {
  socket.on('error', () => {});
  let head = '';
  socket.on('data', (data) => {
    head += data.toString('latin1');
    if (!head.includes('\r\n\r\n')) return;
    requests.push(head);
    const [, path = ''] = head.split(' ');
    head = '';
    const [, status, target = ''] = /^\/(30\d)\?(.*)$/.exec(path) ?? [];
    const [, hops] = /^\/hops\/(\d+)$/.exec(path) ?? [];
    if (hops) redirect(socket, '302', Number(hops) > 1 ? `/hops/${Number(hops) - 1}` : '/ok');
    else if (status) redirect(socket, status, decodeURIComponent(target));
    else (answers[path] ?? (answers['/missing'] as (socket: Socket) => void))(socket);
  });
}

function redirect(socket: Socket, status: string, target: string): void {
  socket.end(`HTTP/1.1 ${status} Go\r\nLocation: ${target}\r\nContent-Length: 0\r\n\r\n`);
}

const at = (path: string, host = allowedAddress) => `http://${host}:${port}${path}`;

async function fetched(url: string, by: Egress = egress): Promise<string> {
  const { answer } = await by.request({ url, method: 'GET' });
  return (await collect(answer)).toString();
}

/** The one refusal that there is. */
async function expectRefused(url: string, by: Egress = egress): Promise<void> {
  const error = await fetched(url, by).then(
    (text) => new Error(`answered: ${text}`),
    (reason: unknown) => reason as Error,
  );
  expect(error, url).toBeInstanceOf(ValidationError);
  expect((error as ValidationError).issues).toMatchObject([{ path: ['url'], code: 'URL_REFUSED' }]);
  expect(error.message).toBe(refusal ?? error.message);
  refusal = error.message;
}
let refusal: string | null = null;

const hosts = [
  '127.0.0.1',
  '127.1',
  '0',
  '0.0.0.0',
  '2130706433',
  '0x7f000001',
  '0177.0.0.1',
  '127.0.0.1.',
  'localhost',
  'LOCALHOST.',
  '[::1]',
  '[::]',
  '[::ffff:127.0.0.1]',
  '[::ffff:a9fe:a9fe]',
  '[::127.0.0.1]',
  '[64:ff9b::7f00:1]',
  '[2002:7f00:1::]',
  '[fe80::1%25lo]',
  '[fd00::1]',
  '169.254.169.254',
  '100.64.0.1',
  '10.0.0.1',
  '172.16.0.1',
  '192.168.0.1',
  '198.18.0.1',
  '224.0.0.1',
  '255.255.255.255',
  '127.0.0.10',
  '１２７.0.0.1',
  'user@127.0.0.1',
  'user:password@allowed.test',
  'allowed.test@127.0.0.1',
  'loopback.test',
  'six.test',
  'mapped.test',
  'mixed.test',
  'two.test',
  'metadata.test',
  'chain.test',
  'denied.test',
  'nothing.test',
  'unknown.test',
];

describe('a host that one may not connect to', () => {
  it.each(hosts)('%s', async (host) => {
    await expectRefused(at('/ok', host));
    await expectRefused(`https://${host}:${port}/ok`);
  });

  it.each(hosts)('%s, in a redirect of any kind', async (host) => {
    for (const status of [301, 302, 303, 307, 308]) {
      await expectRefused(at(`/${status}?${encodeURIComponent(at('/ok', host))}`));
    }
    await expectRefused(at(`/302?${encodeURIComponent(`//${host}:${port}/ok`)}`));
    const andBack = at(`/302?${encodeURIComponent(at('/ok'))}`, host);
    await expectRefused(at(`/302?${encodeURIComponent(andBack)}`));
  });
});

it('would be heard by the canary', async () => {
  for (const host of forbidden) {
    const before = heard;
    const socket = connect(port, host);
    socket.on('error', () => {});
    await expect.poll(() => heard).toBe(before + 1);
    socket.destroy();
    heard = before;
  }
});

it('a URL that parsers read differently, or that is none', async () => {
  for (const url of [
    `http://127.0.0.1:${port}#allowed.test`,
    `http://allowed.test\\@127.0.0.1:${port}/ok`,
    `http://allowed.test:${port}\\@127.0.0.1/ok`,
    `http://allowed.test:${port}/o\tk`,
    `http://allowed.test:${port}/ok\r\nx: y`,
    `http://allowed.test:${port}/ok\n`,
    ` http://allowed.test:${port}/ok`,
    '',
    'ok',
    '//allowed.test/ok',
    'http://',
    'http:///ok',
    'http://[::1/ok',
    'file:///etc/passwd',
    'ftp://allowed.test/ok',
    'gopher://allowed.test/ok',
    'data:text/plain,ok',
    'javascript:1',
    'unix:/run/x',
  ]) {
    await expectRefused(url);
  }
});

it('redirects to other schemes, to nowhere, to two places, and too many of them', async () => {
  for (const target of [
    'file:///etc/passwd',
    'ftp://allowed.test/',
    'gopher://x/',
    'data:,x',
    '\\\\127.0.0.1/',
  ]) {
    await expectRefused(at(`/302?${encodeURIComponent(target)}`));
  }
  await expectRefused(at('/empty'));
  await expectRefused(at('/nowhere'));
  await expectRefused(at('/two'));
  await expectRefused(at('/loop'));
  await expectRefused(at('/hops/6'));
  expect(await fetched(at('/hops/5'))).toBe('ok');
});

it('ports that are not open', async () => {
  for (const other of [0, 1, 22, 25, 5432, 6379, 35357, 65535, 65536, port - 1]) {
    await expectRefused(`http://allowed.test:${other}/ok`);
    await expectRefused(at(`/302?${encodeURIComponent(`http://allowed.test:${other}/ok`)}`));
  }
});

test('what is allowed is fetched: by address, by name, along names, after redirects', async () => {
  for (const host of [
    allowedAddress,
    'allowed.test',
    'ALLOWED.test.',
    'good-chain.test',
    '127.0.9',
    '2130706441',
  ]) {
    expect(await fetched(at('/ok', host))).toBe('ok');
  }
  for (const target of [at('/ok', 'allowed.test'), '/ok', `//allowed.test:${port}/ok`, 'ok']) {
    expect(await fetched(at(`/302?${encodeURIComponent(target)}`))).toBe('ok');
  }
  expect(await fetched(at('/refresh'))).toBe('ok');
});

test('a name is resolved once for each connection, so that a second answer changes nothing', async () => {
  dns.asked.length = 0;
  expect(await fetched(at('/ok', 'rebinding.test'))).toBe('ok'); // A and AAAA took the first two answers
  expect(dns.asked).toHaveLength(2);
  await expectRefused(at('/ok', 'rebinding.test'));
  const hop = at(`/302?${encodeURIComponent(at('/ok', 'rebinding.test'))}`);
  await expectRefused(hop);
});

test('nothing of ours goes along, and no proxy is asked', async () => {
  const before = { ...process.env };
  const proxy = `http://127.0.0.1:${port}`;
  Object.assign(process.env, {
    HTTP_PROXY: proxy,
    http_proxy: proxy,
    ALL_PROXY: proxy,
    NODE_USE_ENV_PROXY: '1',
  });
  try {
    requests.length = 0;
    expect(await fetched(at('/cookie'))).toBe('ok');
    const headers = requests.flatMap((head) => head.toLowerCase().split('\r\n').slice(1)).filter(Boolean);
    expect(new Set(headers)).toEqual(
      new Set([`host: ${allowedAddress}:${port}`, 'accept-encoding: identity', 'connection: close']),
    );
  } finally {
    for (const name of Object.keys(process.env)) if (!(name in before)) delete process.env[name];
  }
});

test('a name server that fails is asked again later, in the words of a refusal', async () => {
  const by = (code: string) =>
    openEgress(settings, { resolve: () => Promise.reject(Object.assign(new Error('no'), { code })) });
  await expectRefused(at('/ok', 'unknown.test'));
  for (const code of ['EAI_AGAIN', 'ETIMEOUT', 'ESERVFAIL', 'ECONNREFUSED']) {
    const error = await fetched(at('/ok', 'allowed.test'), by(code)).catch((reason: unknown) => reason);
    expect(error).toBeInstanceOf(UnavailableError);
    expect(error).toMatchObject({ message: refusal, store: null });
  }
  for (const code of ['ENOTFOUND', 'ENODATA', 'EAI_FAIL'])
    await expectRefused(at('/ok', 'allowed.test'), by(code));
  const silent = openEgress(settings, { resolve: () => new Promise(() => {}), connectMs: 20 });
  const late = await fetched(at('/ok', 'allowed.test'), silent).catch((reason: unknown) => reason);
  expect(late).toBeInstanceOf(UnavailableError);
  expect(late).toMatchObject({ message: refusal, store: null });
});

describe('the bytes of a URL', () => {
  const bytesOf = async (path: string, by = egress) => {
    const { bytes, size } = await fetchUrl(by, at(path), new AbortController().signal);
    return { size, text: (await collect(bytes)).toString() };
  };
  const failureOf = (path: string) =>
    bytesOf(path).then(
      () => null,
      (reason: unknown) => reason,
    );

  it('come with their size, if that is said', async () => {
    expect(await bytesOf('/ok')).toEqual({ size: 2, text: 'ok' });
    expect(await bytesOf('/unsaid')).toEqual({ size: null, text: 'ok' });
  });

  it('are none when the server fails, however it does', async () => {
    const { message } = (await failureOf('/missing')) as Error;
    for (const path of ['/broken', '/gzip', '/huge', '/just-too-huge', '/two-lengths', '/long-length']) {
      const error = await failureOf(path);
      expect(error, path).toBeInstanceOf(UnavailableError);
      expect(error, path).toMatchObject({ message, store: null });
    }
    await expect(store.stat(at('/huge'))).rejects.toThrow('does not say how many bytes');
  });

  it('are not waited for when the server falls silent, and its connection is closed', async () => {
    const open = () => new Promise<number>((done) => servers[0]?.getConnections((_, count) => done(count)));
    await expect.poll(open).toBe(0);
    const impatient = openEgress({ ...settings, timeoutMs: 100 });
    await expect(bytesOf('/still', impatient)).rejects.toMatchObject({ reason: 'timeout' });
    await expect.poll(open).toBe(0);
  });
});

describe('the lists of the settings', () => {
  const by = (changes: Partial<EgressSettings>) =>
    openEgress({ ...settings, ...changes }, { resolve: dns.resolve });

  it('allow a host by name, by network, and with a port that is not open otherwise', async () => {
    await expectRefused(at('/ok'), by({ allow: [] }));
    await expectRefused(at('/ok'), by({ ports: [80] }));
    await expectRefused(at('/ok'), by({ ports: [80], allow: [`${allowedAddress}:${port + 1}`] }));
    expect(await fetched(at('/ok'), by({ ports: [], allow: [`${allowedAddress}:${port}`] }))).toBe('ok');
    expect(await fetched(at('/ok'), by({ allow: ['127.0.0.8/30'] }))).toBe('ok');
    expect(await fetched(at('/ok', 'allowed.test'), by({ allow: ['allowed.test'] }))).toBe('ok');
    expect(await fetched(at('/ok', 'allowed.test'), by({ allow: ['*.test'] }))).toBe('ok');
    await expectRefused(at('/ok'), by({ allow: ['allowed.test'] }));
  });

  it('deny what is allowed, whichever way it is named', async () => {
    for (const deny of [
      'allowed.test',
      '*.test',
      '127.0.0.0/8',
      allowedAddress,
      `${allowedAddress}:${port}`,
    ]) {
      await expectRefused(at('/ok', 'allowed.test'), by({ deny: [deny] }));
    }
    expect(await fetched(at('/ok', 'allowed.test'), by({ deny: [`${allowedAddress}:${port + 1}`] }))).toBe(
      'ok',
    );
  });

  it('have schemes and a number of redirects', async () => {
    await expectRefused(at('/ok'), by({ schemes: ['https'] }));
    await expectRefused(at('/hops/1'), by({ redirects: 0 }));
  });
});

describe('a server that answers badly', () => {
  const failure = async (path: string, signal?: AbortSignal) => {
    const error = await (async () => collect(await store.read(at(path), undefined, signal)))().then(
      (text) => new Error(`answered: ${text}`),
      (reason: unknown) => reason as Error,
    );
    expect(error).toBeInstanceOf(DomainError);
    expect(error.message).not.toContain(allowedAddress);
    return error;
  };

  it.each([
    '/headers',
    '/two-lengths',
    '/old',
    '/silent',
    '/continue',
    '/upgrade',
    '/long-length',
    '/gzip',
    '/broken',
  ])('%s is refused in words, in time', async (path) => {
    const start = performance.now();
    expect(await failure(path)).toBeInstanceOf(UnavailableError);
    expect(performance.now() - start).toBeLessThan(10_000);
  });

  it('ends where it said it would', async () => {
    expect((await collect(await store.read(at('/short-length')))).toString()).toBe('ok');
  });

  it('is cut off when the signal is given', async () => {
    await expect(
      (async () => collect(await store.read(at('/still'), undefined, AbortSignal.timeout(50))))(),
    ).rejects.toThrow();
  });

  it('need not know of ranges or of HEAD, but says how long it is', async () => {
    const range = { start: 2, end: 4 };
    for (const path of ['/whole', '/part']) {
      expect((await collect(await store.read(at(path), range))).toString()).toBe('234');
    }
    await expect(store.read(at('/other-part'), range)).rejects.toThrow(UnavailableError);
    expect(await store.stat(at('/whole'))).toEqual({ size: 10 });
    await expect(store.stat(at('/unsaid'))).rejects.toThrow('does not say how many bytes');
  });
});

const tls = only({ programs: ['openssl'] });

test.skipIf(tls.skip)(
  `over TLS the name is the one of the URL, and a redirect never leaves it${tls.why}`,
  async () => {
    const dir = mkdtempSync(join(tmpdir(), 'vitrine-tls-'));
    const [key, cert] = [join(dir, 'key'), join(dir, 'cert')];
    const names = ['-subj', '/CN=test', '-addext', 'subjectAltName=DNS:allowed.test'];
    const kind = [
      '-x509',
      '-newkey',
      'ec',
      '-pkeyopt',
      'ec_paramgen_curve:prime256v1',
      '-nodes',
      '-days',
      '2',
    ];
    execFileSync('openssl', ['req', ...kind, '-keyout', key, '-out', cert, ...names], { stdio: 'ignore' });
    const usual = getCACertificates('default');
    const server = https.createServer(
      { key: readFileSync(key), cert: readFileSync(cert) },
      (request, response) => {
        const target = request.url === '/down' ? at('/ok') : request.url === '/same' ? '/ok' : null;
        response.writeHead(target ? 302 : 200, target ? { location: target } : {}).end('ok');
      },
    );
    await new Promise<void>((resolve) => server.listen(0, allowedAddress, resolve));
    const secure = (server.address() as AddressInfo).port;
    const by = openEgress({ ...settings, ports: [secure, port] }, { resolve: dns.resolve });
    try {
      setDefaultCACertificates([...usual, readFileSync(cert, 'utf8')]);
      expect(await fetched(`https://allowed.test:${secure}/same`, by)).toBe('ok');
      await expectRefused(`https://allowed.test:${secure}/down`, by);
      await expect(fetched(`https://good-chain.test:${secure}/ok`, by)).rejects.toThrow('altnames');
      await expect(fetched(`https://${allowedAddress}:${secure}/ok`, by)).rejects.toThrow();
      setDefaultCACertificates(usual);
      await expect(fetched(`https://allowed.test:${secure}/ok`, by)).rejects.toThrow('self-signed');
    } finally {
      setDefaultCACertificates(usual);
      server.close();
      server.closeAllConnections();
      rmSync(dir, { recursive: true, force: true });
    }
  },
);

describe('the pace of a body', () => {
  async function* trickle(everyMs: number): AsyncGenerator<Uint8Array> {
    for (;;) {
      await sleep(everyMs);
      yield Buffer.from('x');
    }
  }

  it('ends a body that hardly moves', async () => {
    const pace = { wholeMs: 60_000, minBytesPerSecond: 1_000, windowMs: 50 };
    await expect(collect(paced(trickle(10), pace))).rejects.toMatchObject({ reason: 'timeout' });
  });

  it.each([
    ['at once', 0],
    ['after many bytes', 1_000_000],
  ])('ends one that falls silent %s', async (_when, first) => {
    let isEnded = false;
    let isFirst = first > 0;
    const silent: AsyncIterator<Uint8Array> = {
      async next() {
        if (!isFirst) return new Promise(() => {});
        isFirst = false;
        return { done: false, value: Buffer.alloc(first) };
      },
      async return() {
        isEnded = true;
        return { done: true, value: undefined };
      },
    };
    const pace = { wholeMs: 60_000, minBytesPerSecond: 1_000, windowMs: 30 };
    await expect(collect(paced(silent, pace))).rejects.toMatchObject({ reason: 'timeout' });
    expect(isEnded).toBe(true);
  });

  it('ends a silent one when all of the time is over', async () => {
    const silent = { next: () => new Promise<never>(() => {}) };
    const pace = { wholeMs: 30, minBytesPerSecond: 1_000, windowMs: 60_000 };
    await expect(paced(silent, pace).next()).rejects.toMatchObject({ reason: 'timeout' });
  });

  it('lets one go on that pauses within a window', async () => {
    async function* slow() {
      for (let i = 0; i < 4; i++) {
        await sleep(30);
        yield Buffer.alloc(1_000);
      }
    }
    const pace = { wholeMs: 60_000, minBytesPerSecond: 1_000, windowMs: 400 };
    expect(await collect(paced(slow(), pace))).toHaveLength(4_000);
  });

  it('ends one that never ends', async () => {
    const pace = { wholeMs: 100, minBytesPerSecond: 0, windowMs: 60_000 };
    await expect(collect(paced(trickle(1), pace))).rejects.toMatchObject({ reason: 'timeout' });
  });

  it('does not mind a reader that takes its time', async () => {
    async function* quick() {
      for (let i = 0; i < 5; i++) yield Buffer.from('x');
    }
    const pace = { wholeMs: 60_000, minBytesPerSecond: 1_000, windowMs: 20 };
    let count = 0;
    for await (const _ of paced(quick(), pace)) {
      count++;
      await sleep(20);
    }
    expect(count).toBe(5);
  });
});

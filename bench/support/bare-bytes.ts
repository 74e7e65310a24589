/**
 * The byte path with nothing around it, no block checked and no format looked at, for measuring: PUT and GET of /<key> against a file store, DELETE to
 * make room. Prints its port when it listens; ends with its parent.
 *
 *   node bench/support/bare-bytes.ts <existing directory>
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import { availableParallelism } from 'node:os';
import { ingest } from '../../src/actions/ingest.ts';
import { hashPool } from '../../src/bytes/hash-pool.ts';
import { fileStore } from '../../src/stores/file.ts';
import { sendBytes } from '../../src/transfer/send-bytes.ts';

const [directory] = process.argv.slice(2);
if (!directory) throw new Error('usage: bare-bytes.ts <existing directory>');
const store = fileStore({ id: 'bench', paths: [{ path: directory, priority: 0 }] });
const hashes = hashPool({ cores: availableParallelism() });

async function upload(key: string, req: IncomingMessage): Promise<object> {
  const length = req.headers['content-length'];
  const expectedSize = length === undefined ? null : Number(length);
  const writer = await store.create(key, { size: expectedSize });
  const bytes = req.iterator({ destroyOnReturn: false });
  const stored = await ingest(hashes, writer, bytes, {
    algorithms: ['md5', 'sha512'],
    blocks: 'none',
    sizeLimit: 2 ** 40,
    expectedSize,
  });
  await writer.commit();
  return stored;
}

async function answer(req: IncomingMessage, res: ServerResponse): Promise<void> {
  const key = (req.url ?? '/').slice(1);
  if (req.method === 'GET') {
    const { size } = await store.stat(key);
    res.setHeader('content-length', size);
    await sendBytes(res, await store.read(key), size);
  } else if (req.method === 'PUT') {
    res.end(JSON.stringify(await upload(key, req)));
  } else {
    await store.remove(key);
    res.end();
  }
}

const server = createServer({ requestTimeout: 0 }, (req, res) => {
  answer(req, res).catch((error: unknown) => {
    console.error(error);
    res.destroy();
  });
});
server.listen(0, '127.0.0.1', () => {
  const address = server.address();
  if (address && typeof address === 'object') console.log(address.port);
});
process.stdin.on('end', () => process.exit()).resume();

/**
 * As much of the S3 protocol as the driver speaks, over the wire and in memory, for faults that a real server cannot
 * be told to have. Whether the driver is right about S3 itself is for the tests against a real one.
 */
import { createHash, randomBytes } from 'node:crypto';
import { type WireAnswer, type WireRequest, type WireServer, wireServer } from './wire-server.ts';

export interface S3Server extends WireServer {
  /** Keys of objects, and of unfinished uploads with a slash behind them. */
  names(): string[];
  /** After each of the next so many aborts a part arrives that was on its way. */
  partsOnTheirWay(aborts: number): void;
}

interface Upload {
  key: string;
  parts: Map<number, Buffer>;
  /** Not listed any more; it may have parts all the same. */
  isAborted?: boolean;
}

const md5 = (body: Buffer) => createHash('md5').update(body);

export async function s3Server(): Promise<S3Server> {
  const objects = new Map<string, Buffer>();
  const uploads = new Map<string, Upload>();
  let hasBucket = false;
  let onTheirWay = 0;

  const server = await wireServer({
    answer(request) {
      const { method, url, headers, body } = request;
      const key = url.pathname.split('/').slice(2).join('/');
      const sum = headers['content-md5'];
      if (sum !== undefined && md5(body).digest('base64') !== sum) return failure(400, 'BadDigest');
      if (!hasBucket && !(key === '' && method === 'PUT')) return failure(404, 'NoSuchBucket');
      if (key === '') return bucket(request);
      const id = url.searchParams.get('uploadId');
      if (id !== null) return ofUpload(request, id);
      if (method === 'POST') return begin(key);
      if (method === 'PUT') return put(request, key);
      if (method === 'DELETE') {
        objects.delete(key);
        return { status: 204 };
      }
      const found = objects.get(key);
      return found ? read(request, found) : failure(404, 'NoSuchKey');
    },
  });

  function bucket({ method, url }: WireRequest): WireAnswer {
    if (method === 'PUT') hasBucket = true;
    if (url.searchParams.has('uploads')) {
      const prefix = url.searchParams.get('prefix') ?? '';
      const found = [...uploads].filter(([, { key, isAborted }]) => key.startsWith(prefix) && !isAborted);
      const items = found.map(
        ([id, { key }]) => `<Upload><Key>${key}</Key><UploadId>${id}</UploadId></Upload>`,
      );
      return xml('ListMultipartUploadsResult', `<IsTruncated>false</IsTruncated>${items.join('')}`);
    }
    const items = [...objects.keys()].sort().map((key) => `<Contents><Key>${key}</Key></Contents>`);
    return xml('ListBucketResult', `<IsTruncated>false</IsTruncated>${items.join('')}`);
  }

  function begin(key: string): WireAnswer {
    const id = randomBytes(8).toString('hex');
    uploads.set(id, { key, parts: new Map() });
    return xml('InitiateMultipartUploadResult', `<UploadId>${id}</UploadId>`);
  }

  function ofUpload({ method, url, headers, body }: WireRequest, id: string): WireAnswer {
    const upload = uploads.get(id);
    if (!upload) return failure(404, 'NoSuchUpload');
    if (method === 'PUT') {
      upload.parts.set(Number(url.searchParams.get('partNumber')), body);
      return { status: 200, headers: { etag: `"${md5(body).digest('hex')}"` } };
    }
    if (method === 'POST') {
      if (headers['if-none-match'] === '*' && objects.has(upload.key))
        return failure(412, 'PreconditionFailed');
      const asked = [...body.toString().matchAll(/<Part>(.*?)<\/Part>/g)].map(([, part = '']) => ({
        bytes: upload.parts.get(Number(/<PartNumber>(\d+)</.exec(part)?.[1])) ?? Buffer.alloc(0),
        etag: /<ETag>.*?([0-9a-f]{32})/.exec(part)?.[1],
      }));
      if (asked.some(({ bytes, etag }) => md5(bytes).digest('hex') !== etag))
        return failure(400, 'InvalidPart');
      objects.set(upload.key, Buffer.concat(asked.map(({ bytes }) => bytes)));
    }
    if (method === 'GET') {
      const parts = [...upload.parts.keys()].map((n) => `<Part><PartNumber>${n}</PartNumber></Part>`);
      return xml('ListPartsResult', `<IsTruncated>false</IsTruncated>${parts.join('')}`);
    }
    uploads.delete(id);
    if (method === 'DELETE' && onTheirWay-- > 0) {
      uploads.set(id, { key: upload.key, parts: new Map([[9, body]]), isAborted: true });
    }
    return method === 'POST' ? xml('CompleteMultipartUploadResult', '') : { status: 204 };
  }

  function put({ headers, body }: WireRequest, key: string): WireAnswer {
    if (headers['if-none-match'] !== undefined) return failure(501, 'NotImplemented'); // as Swift's
    objects.set(key, body);
    return { status: 200 };
  }

  function read({ method, headers }: WireRequest, object: Buffer): WireAnswer {
    const [, start, end] = /^bytes=(\d+)-(\d+)$/.exec(headers.range ?? '') ?? [];
    const part = start === undefined ? object : object.subarray(Number(start), Number(end) + 1);
    const status = start === undefined ? 200 : 206;
    return { status, headers: { 'content-length': part.length }, body: method === 'HEAD' ? '' : part };
  }

  return Object.assign(server, {
    partsOnTheirWay: (aborts: number) => {
      onTheirWay = aborts;
    },
    names: () => [...objects.keys(), ...[...uploads.values()].map(({ key }) => `${key}/`)].sort(),
  });
}

function xml(name: string, content: string): WireAnswer {
  const head = '<?xml version="1.0" encoding="UTF-8"?>';
  return {
    status: 200,
    headers: { 'content-type': 'application/xml' },
    body: `${head}<${name}>${content}</${name}>`,
  };
}

function failure(status: number, code: string): WireAnswer {
  return { ...xml('Error', `<Code>${code}</Code><Message>no</Message>`), status };
}

/** The streaming endpoint: PUT, GET and HEAD of an image's bytes. Translates, and moves bytes; decides nothing. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import type { App } from '../actions/app.ts';
import { notingDenial } from '../actions/denials.ts';
import { downloadImage, type ImageBytes } from '../actions/download-image.ts';
import { requireToken } from '../actions/require-image.ts';
import { uploadImage } from '../actions/upload-image.ts';
import type { Authenticate } from '../auth/authenticate.ts';
import { type Caller, callerWithGrant, inRequest } from '../domain/caller.ts';
import { ForbiddenError, ValidationError } from '../domain/errors.ts';
import { parseImageId } from '../domain/image.ts';
import { readSignedPath } from '../domain/signed-path.ts';
import type { Admission } from '../http/admission.ts';
import { isKnown } from '../http/conditions.ts';
import type { Metrics } from '../http/metrics.ts';
import { pacedBy, watchPace } from '../http/pace.ts';
import { HttpError } from '../http/problem.ts';
import { sendContinue } from '../http/server.ts';
import type { ByteRange } from '../stores/store.ts';
import { askedStore } from './asked-store.ts';
import { expectedDigests, reprDigest, signedDigest } from './digest-headers.ts';
import { parseRange, rangeHolds } from './range.ts';
import { receiveBytes } from './receive-bytes.ts';
import { sendBytes } from './send-bytes.ts';

export interface TransferOptions {
  app: App;
  authenticate: Authenticate;
  admission: Admission;
  metrics: Metrics;
  /** Ends all transfers: the server stops and its patience is over. */
  stopping: AbortSignal;
}

interface ImageRoute {
  Params: { id: string };
}
type ImageRequest = FastifyRequest<ImageRoute>;

const path = '/v2/images/:id/file';
const stagePath = '/v2/images/:id/stage';

/** Adds the routes; no body on them is parsed. */
export function transferRoutes(http: FastifyInstance, options: TransferOptions): void {
  http.addContentTypeParser('*', (_request, _body, done) => done(null));
  http.put<ImageRoute>(path, (request, reply) => put(options, request, { reply, to: 'file' }));
  http.put<ImageRoute>(stagePath, (request, reply) => put(options, request, { reply, to: 'stage' }));
  http.get<ImageRoute>(path, (request, reply) => get(options, request, reply));
  http.head<ImageRoute>(path, (request, reply) => get(options, request, reply));
}

/** What the request is allowed by, and what a signed target fixes besides. */
async function callerOf(
  { app, authenticate }: TransferOptions,
  request: ImageRequest,
  to: 'file' | 'stage' = 'file',
) {
  const query = request.raw.url?.split('?', 2)[1] ?? '';
  const imageId = parseImageId(request.params.id);
  if (imageId && new URLSearchParams(query).has('signature')) {
    const signed = readSignedPath(app.signingKey, request.method, imageId, query, app.now(), to);
    if (!signed) throw new ForbiddenError('This link is over, or was changed; ask for a new one.');
    const operation = signed.method === 'PUT' ? 'upload' : 'download';
    const caller = inRequest(callerWithGrant(imageId, operation, signed.by), request.id);
    return { caller, params: signed.params };
  }
  const caller = inRequest(await authenticate(request.headers), request.id);
  requireToken(caller);
  return { caller, params: {} as Record<string, string> };
}

async function put(
  options: TransferOptions,
  request: ImageRequest,
  { reply, to }: { reply: FastifyReply; to: 'file' | 'stage' },
): Promise<void> {
  const { app, admission, metrics, stopping } = options;
  const { caller, params } = await callerOf(options, request, to);
  requireBytesType(request.headers['content-type']);
  const sizes = [declaredSize(request.headers), params.size === undefined ? null : Number(params.size)];
  const [size, alsoSize] = sizes.filter((n) => n !== null);
  if (alsoSize !== undefined && alsoSize !== size) {
    throw new HttpError(
      400,
      'SIZE_MISMATCH',
      `${size} bytes are announced, but the link is for ${alsoSize}.`,
    );
  }
  const store = askedStore(header(request, 'x-image-meta-store'), params.store);
  const expected = [...expectedDigests(request.headers), ...signedDigest(params.digest)];
  const bytes = receiveBytes(request.raw, {
    onBytes: (count) => metrics.transferred.inc({ direction: 'in' }, count),
    isLent: true,
  });
  const done = admission.begin(admission.payerOf(request, caller), 'uploads');
  metrics.transfers.inc({ direction: 'in' });
  try {
    const action = to === 'stage' ? 'beginStaging' : 'beginUpload';
    await notingDenial(app, { caller, action, type: 'image', id: request.params.id }, () =>
      uploadImage(app, caller, {
        id: request.params.id,
        bytes: afterContinue(bytes, () => sendContinue(request, reply)),
        size: size ?? null,
        store,
        expected,
        stage: to === 'stage',
        signal: stopping,
      }),
    );
  } catch (error) {
    throw to === 'stage' ? stageError(error) : error;
  } finally {
    metrics.transfers.dec({ direction: 'in' });
    done();
  }
  reply.code(204).send();
}

/** Where staging is switched off there is no such path (Image API v2.6). */
function stageError(error: unknown): unknown {
  const isOff = error instanceof ValidationError && error.issues.some(({ code }) => code === 'METHOD_OFF');
  return isOff ? new HttpError(404, 'NOT_FOUND', error.message) : error;
}

/** Asks the client for the body at the moment it is first read: everything that can be refused early has been. */
async function* afterContinue(bytes: AsyncIterable<Uint8Array>, ask: () => void): AsyncIterable<Uint8Array> {
  ask();
  yield* bytes;
}

function requireBytesType(contentType: string | undefined): void {
  if (contentType?.split(';', 1)[0]?.trim().toLowerCase() === 'application/octet-stream') return;
  throw new HttpError(
    415,
    'UNSUPPORTED_MEDIA_TYPE',
    'Send the bytes with Content-Type: application/octet-stream.',
    {
      accept: 'application/octet-stream',
    },
  );
}

/** Bytes the client says will come: Content-Length or x-openstack-image-size; null when it says nothing. */
function declaredSize(headers: ImageRequest['headers']): number | null {
  if (headers['content-encoding'] && headers['content-encoding'] !== 'identity') {
    throw new HttpError(415, 'UNSUPPORTED_ENCODING', 'Send the bytes as they are, without Content-Encoding.');
  }
  const length = headers['content-length'] === undefined ? null : Number(headers['content-length']);
  const said = headers['x-openstack-image-size'];
  if (said === undefined) return length;
  const size = typeof said === 'string' && /^\d{1,15}$/.test(said.trim()) ? Number(said) : Number.NaN;
  if (Number.isNaN(size)) {
    throw new HttpError(400, 'BAD_SIZE', 'x-openstack-image-size is a whole number of bytes.');
  }
  if (length !== null && length !== size) {
    throw new HttpError(
      400,
      'SIZE_MISMATCH',
      `x-openstack-image-size is ${size}, but the body has ${length} bytes.`,
    );
  }
  return size;
}

function header(request: FastifyRequest, name: string): string | undefined {
  const value = request.headers[name];
  return typeof value === 'string' ? value : undefined;
}

async function get(options: TransferOptions, request: ImageRequest, reply: FastifyReply): Promise<void> {
  const { admission } = options;
  const { caller } = await callerOf(options, request);
  if (request.method === 'HEAD') return answerGet(options, request, { reply, caller });
  const done = admission.begin(admission.payerOf(request, caller), 'downloads');
  try {
    await answerGet(options, request, { reply, caller });
  } finally {
    done();
  }
}

async function answerGet(
  options: TransferOptions,
  request: ImageRequest,
  { reply, caller }: { reply: FastifyReply; caller: Caller },
): Promise<void> {
  const { app, metrics, stopping } = options;
  const { id } = request.params;
  const file = await notingDenial(app, { caller, action: 'downloadImage', type: 'image', id }, () =>
    downloadImage(app, caller, id),
  );
  if (file.size === null) {
    reply.code(204).send();
    return;
  }
  const etag = `"${file.image.digests.sha512 ?? file.image.checksum}"`;
  const headers = contentHeaders(file, etag);
  if (isKnown(header(request, 'if-none-match'), etag)) {
    reply.code(304).headers({ etag, 'accept-ranges': 'bytes' }).send();
    return;
  }
  const asked = rangeHolds(header(request, 'if-range'), etag) ? header(request, 'range') : undefined;
  const answer = parseRange(asked, file.size);
  if (answer.kind === 'unsatisfiable') {
    throw new HttpError(416, 'RANGE_NOT_SATISFIABLE', `The image has ${file.size} bytes.`, {
      'content-range': `bytes */${file.size}`,
    });
  }
  const range = answer.kind === 'part' ? answer.range : null;
  const length = range ? range.end - range.start + 1 : file.size;
  headers['content-length'] = String(length);
  if (range) headers['content-range'] = `bytes ${range.start}-${range.end}/${file.size}`;
  if (request.method === 'HEAD' || length === 0) {
    sendHead(reply, range ? 206 : 200, headers);
    reply.raw.end();
    return;
  }
  await sendFile(file, { range, length, headers, reply, stopping, metrics, log: app.log });
}

/** The one media type is the safe one: no browser shows an image's bytes as a page of ours. */
function contentHeaders({ image }: ImageBytes, etag: string): Record<string, string> {
  const digest = reprDigest(image.digests);
  return {
    'content-type': 'application/octet-stream',
    'content-disposition': `attachment; filename="${image.id}"`,
    'x-content-type-options': 'nosniff',
    'content-security-policy': 'sandbox',
    'accept-ranges': 'bytes',
    etag,
    ...(image.checksum ? { 'content-md5': image.checksum } : {}),
    ...(digest ? { 'repr-digest': digest } : {}),
  };
}

/** Takes the answer out of the frame's hands and sends its head. */
function sendHead(reply: FastifyReply, status: number, headers: Record<string, string>): void {
  reply.hijack();
  reply.raw.writeHead(status, { ...(reply.getHeaders() as Record<string, string>), ...headers });
}

interface Sending {
  range: ByteRange | null;
  length: number;
  headers: Record<string, string>;
  reply: FastifyReply;
  stopping: AbortSignal;
  metrics: Metrics;
  log: App['log'];
}

async function sendFile(file: ImageBytes, sending: Sending): Promise<void> {
  const { range, length, headers, reply, stopping, metrics, log } = sending;
  const bytes = await file.open(range, stopping);
  sendHead(reply, range ? 206 : 200, headers);
  metrics.transfers.inc({ direction: 'out' });
  const pace = watchPace({ moved: () => taken(reply.raw), onSlow: () => reply.raw.destroy() });
  try {
    const sent = await sendBytes(reply.raw, pacedBy(pace, bytes), length, stopping);
    metrics.transferred.inc({ direction: 'out' }, sent);
  } catch (error) {
    // The head is sent: all that is left is to break the connection off, so that nobody takes it for whole.
    log.error({ err: error, image: file.image.id }, 'a download was broken off');
    reply.raw.destroy();
  } finally {
    pace.stop();
    metrics.transfers.dec({ direction: 'out' });
  }
}

/** Bytes that the client's side has taken, those still in our buffers left out. */
const taken = ({ socket }: FastifyReply['raw']) => (socket ? socket.bytesWritten - socket.writableLength : 0);

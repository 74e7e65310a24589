/**
 * Resumable uploads: the door that speaks tus 1.0 (https://tus.io/protocols/resumable-upload). An upload begins by a
 * signed target or a token; from then on its URL is the permission.
 */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { appendResumable, ChecksumMismatchError } from '../actions/append-resumable.ts';
import { beginResumable } from '../actions/begin-resumable.ts';
import { notingDenial } from '../actions/denials.ts';
import { endResumable } from '../actions/end-resumable.ts';
import { findResumable, type Resumable } from '../actions/find-resumable.ts';
import { requireToken } from '../actions/require-image.ts';
import { anonymous, type Caller, callerWithGrant, inRequest } from '../domain/caller.ts';
import { ConflictError, ForbiddenError, UnavailableError } from '../domain/errors.ts';
import { parseImageId } from '../domain/image.ts';
import { readSignedPath, uploadsPath } from '../domain/signed-path.ts';
import { HttpError } from '../http/problem.ts';
import { baseUrlOf, sendContinue } from '../http/server.ts';
import { askedStore } from './asked-store.ts';
import { expectedDigests, signedDigest } from './digest-headers.ts';
import type { TransferOptions } from './image-file.ts';
import { BrokenUploadError, receiveBytes } from './receive-bytes.ts';
import {
  byteCount,
  checksumAlgorithms,
  checksumOf,
  lengthToCome,
  metadataOf,
  requireTus,
  tusExtensions,
  tusVersion,
} from './tus-headers.ts';

export interface ResumableOptions extends TransferOptions {
  /** Null: as the client calls us. */
  publicUrl: string | null;
}

interface UploadRoute {
  Params: { id?: string };
}
type UploadRequest = FastifyRequest<UploadRoute>;
type Handler = (options: ResumableOptions, request: UploadRequest, reply: FastifyReply) => Promise<void>;

const bytesType = 'application/offset+octet-stream';

const ofAll: Record<string, Handler> = { OPTIONS: options, POST: begin };
const ofOne: Record<string, Handler> = { OPTIONS: options, HEAD: head, PATCH: append, DELETE: end };

/** Adds the routes; no body on them is parsed. */
export function resumableRoutes(http: FastifyInstance, about: ResumableOptions): void {
  http.addContentTypeParser('*', (_request, _body, done) => done(null));
  const add = (url: string, handlers: Record<string, Handler>) =>
    http.route<UploadRoute>({
      url,
      // POST everywhere: for clients that can send nothing else and name the method in a header.
      method: [...new Set([...Object.keys(handlers), 'POST'])],
      handler: (request, reply) => handle(about, handlers, { request, reply }),
    });
  add(uploadsPath, ofAll);
  add(`${uploadsPath}/:id`, ofOne);
}

async function handle(
  about: ResumableOptions,
  handlers: Record<string, Handler>,
  { request, reply }: { request: UploadRequest; reply: FastifyReply },
): Promise<void> {
  reply.headers({ 'tus-resumable': tusVersion, 'cache-control': 'no-store' });
  const said = request.headers['x-http-method-override'];
  const isSaid = request.method === 'POST' && typeof said === 'string';
  const method = isSaid ? said.toUpperCase() : request.method;
  if (!Object.hasOwn(handlers, method)) {
    const allow = Object.keys(handlers).join(', ');
    throw new HttpError(405, 'METHOD_NOT_ALLOWED', `${method.slice(0, 20)} is not for this path.`, { allow });
  }
  if (method !== 'OPTIONS') requireTus(request.headers);
  try {
    await handlers[method]?.(about, request, reply);
  } catch (error) {
    throw inTus(error, method);
  }
}

/** Where tus has a status of its own. */
function inTus(error: unknown, method: string): unknown {
  if (error instanceof ChecksumMismatchError) return new HttpError(460, 'CHECKSUM_MISMATCH', error.message);
  const isBusy = error instanceof ConflictError && error.code === 'BUSY';
  // Any other refusal of a HEAD makes tus-js-client give the upload up for a new one.
  const mayPass = method === 'HEAD' && error instanceof UnavailableError;
  if (isBusy || mayPass) return new HttpError(423, 'LOCKED', error.message, { 'retry-after': '1' });
  return error;
}

async function options({ app }: ResumableOptions, _request: UploadRequest, reply: FastifyReply) {
  reply.code(204).headers({
    'tus-version': tusVersion,
    'tus-extension': tusExtensions,
    'tus-max-size': String(app.limits.imageSizeMax),
    'tus-checksum-algorithm': checksumAlgorithms,
  });
  reply.send();
}

/** Whose bytes come: by a signed target, and what it fixes, or by a token and the metadata. */
async function targetOf(
  { app, authenticate }: ResumableOptions,
  request: UploadRequest,
): Promise<{ caller: Caller; imageId: string; params: Record<string, string> }> {
  const query = request.raw.url?.split('?', 2)[1] ?? '';
  const params = new URLSearchParams(query);
  const named = metadataOf(textOf(request, 'upload-metadata')).get('image');
  if (params.has('signature')) {
    const imageId = parseImageId(params.get('image') ?? '');
    const signed = imageId && readSignedPath(app.signingKey, 'POST', imageId, query, app.now(), 'resumable');
    if (!signed) throw new ForbiddenError('This link is over, or was changed; ask for a new one.');
    if (named !== undefined && parseImageId(named) !== imageId) {
      throw new HttpError(400, 'BAD_METADATA', 'The link is for another image than Upload-Metadata names.');
    }
    const caller = inRequest(callerWithGrant(imageId, 'upload', signed.by), request.id);
    return { caller, imageId, params: signed.params };
  }
  const caller = inRequest(await authenticate(request.headers), request.id);
  requireToken(caller);
  if (named === undefined) {
    throw new HttpError(400, 'BAD_METADATA', 'Name the image in Upload-Metadata: image <base64 of its id>.');
  }
  return { caller, imageId: named, params: {} };
}

async function begin(about: ResumableOptions, request: UploadRequest, reply: FastifyReply): Promise<void> {
  const { app, publicUrl } = about;
  if (request.headers['upload-concat'] !== undefined) {
    throw new HttpError(400, 'NO_CONCATENATION', 'An image is one upload; send it without Upload-Concat.');
  }
  const said = lengthToCome(request.headers);
  const { caller, imageId, params } = await targetOf(about, request);
  const signed = params.size === undefined ? null : Number(params.size);
  if (said !== null && signed !== null && said !== signed) {
    const message = `${said} bytes are announced, but the link is for ${signed}.`;
    throw new HttpError(400, 'SIZE_MISMATCH', message);
  }
  const sent = sentWith(request);
  const input = {
    imageId,
    length: said ?? signed,
    store: askedStore(textOf(request, 'x-image-meta-store'), params.store),
    expected: [...expectedDigests(request.headers), ...signedDigest(params.digest)],
    metadata: textOf(request, 'upload-metadata') ?? null,
  };
  const made = await notingDenial(app, { caller, action: 'beginUpload', type: 'image', id: imageId }, () =>
    beginResumable(app, caller, input),
  );
  const upload = sent ? await appendFirst(about, { request, reply, caller, made }) : made;
  reply.header('location', `${baseUrlOf(request, publicUrl)}${uploadsPath}/${upload.id}`);
  if (sent) reply.header('upload-offset', String(upload.received));
  tellExpiry(reply, upload);
  reply.code(201).send();
}

/** Whether bytes come along with a creation. */
const sentWith = (request: UploadRequest) => mediaTypeOf(request) === bytesType;

/** Of a creation that fails here nobody learns the URL: it leaves nothing. */
async function appendFirst(
  about: ResumableOptions,
  { made, ...from }: Pick<Receiving, 'request' | 'reply' | 'caller'> & { made: Resumable },
): Promise<Resumable> {
  try {
    return await receive(about, { ...from, id: made.id, offset: 0, length: null });
  } catch (error) {
    await endResumable(about.app, made.id).catch(() => {}); // ended by itself, or it expires
    throw error;
  }
}

async function head({ app }: ResumableOptions, request: UploadRequest, reply: FastifyReply): Promise<void> {
  const upload = await findResumable(app, idOf(request));
  reply.header('upload-offset', String(upload.received));
  if (upload.length === null) reply.header('upload-defer-length', '1');
  else reply.header('upload-length', String(upload.length));
  if (upload.metadata !== null) reply.header('upload-metadata', upload.metadata);
  tellExpiry(reply, upload);
  reply.code(200).send();
}

async function append(about: ResumableOptions, request: UploadRequest, reply: FastifyReply): Promise<void> {
  if (mediaTypeOf(request) !== bytesType) {
    throw new HttpError(415, 'UNSUPPORTED_MEDIA_TYPE', `Send the bytes with Content-Type: ${bytesType}.`);
  }
  const offset = byteCount(request.headers, 'upload-offset');
  if (offset === null) throw new HttpError(400, 'BAD_HEADER', 'Say in Upload-Offset where the bytes begin.');
  const length = byteCount(request.headers, 'upload-length');
  const upload = await receive(about, { request, reply, caller: null, id: idOf(request), offset, length });
  reply.header('upload-offset', String(upload.received));
  tellExpiry(reply, upload);
  reply.code(204).send();
}

async function end({ app }: ResumableOptions, request: UploadRequest, reply: FastifyReply): Promise<void> {
  await endResumable(app, idOf(request));
  reply.code(204).send();
}

interface Receiving {
  /** Null: nobody knows, and its address pays. */
  caller: Caller | null;
  request: UploadRequest;
  reply: FastifyReply;
  id: string;
  offset: number;
  length: number | null;
}

async function receive(
  { app, admission, metrics, stopping }: ResumableOptions,
  { request, reply, caller, ...at }: Receiving,
): Promise<Resumable> {
  if ((request.headers['content-encoding'] ?? 'identity') !== 'identity') {
    throw new HttpError(415, 'UNSUPPORTED_ENCODING', 'Send the bytes as they are, without Content-Encoding.');
  }
  const size = request.headers['content-length'];
  async function* bytes() {
    sendContinue(request, reply);
    yield* receiveBytes(request.raw, {
      onBytes: (count) => metrics.transferred.inc({ direction: 'in' }, count),
      isLent: false, // the store's writer has it until the next is written
    });
  }
  const done = admission.begin(admission.payerOf(request, caller ?? anonymous), 'uploads');
  metrics.transfers.inc({ direction: 'in' });
  try {
    return await appendResumable(app, {
      ...at,
      size: size === undefined ? null : Number(size),
      bytes: bytes(),
      checksum: checksumOf(request.headers['upload-checksum']),
      signal: stopping,
    });
  } catch (error) {
    // What came is kept: for that client it is nothing to be told of twice.
    if (error instanceof BrokenUploadError) request.log.info({ reason: error.message }, 'an upload paused');
    throw error;
  } finally {
    metrics.transfers.dec({ direction: 'in' });
    done();
  }
}

/** An open upload lives this long; what is done is not told of. */
function tellExpiry(reply: FastifyReply, { state, expiresAt }: Resumable): void {
  if (state === 'open') reply.header('upload-expires', new Date(expiresAt).toUTCString());
}

const idOf = (request: UploadRequest) => request.params.id ?? '';

const mediaTypeOf = ({ headers }: UploadRequest) =>
  headers['content-type']?.split(';', 1)[0]?.trim().toLowerCase();

function textOf({ headers }: UploadRequest, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : undefined;
}

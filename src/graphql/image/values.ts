/** The small types inside an image: digests, capabilities, copies, transfer targets. */
import type { TransferTarget } from '../../actions/create-upload.ts';
import type { ImageCopy, ImageFailure } from '../../domain/image.ts';
import type { ImageCapabilities } from '../../domain/policy.ts';
import { builder } from '../builder.ts';
import { ImageCopyState } from '../enums.ts';
import { Node } from '../node.ts';
import { StoreType } from '../store.ts';

export const Failure = builder.objectRef<ImageFailure>('ImageFailure').implement({
  description: 'Why an upload or an import failed.',
  fields: (t) => ({
    code: t.exposeString('code', {
      description: 'For programs: as errors have it, such as DIGEST_MISMATCH, UNAVAILABLE, BROKEN_OFF.',
    }),
    message: t.exposeString('message', { description: 'For people: what happened, and the way out.' }),
    at: t.field({ type: 'DateTime', description: 'When.', resolve: (failure) => failure.at }),
  }),
});

export const Digest = builder.objectRef<{ algorithm: string; value: string }>('Digest').implement({
  description: 'A digest of the bytes: algorithm in lower case (sha512, sha256), value in lower-case hex.',
  fields: (t) => ({
    algorithm: t.exposeString('algorithm', { description: 'sha512 or sha256.' }),
    value: t.exposeString('value', { description: 'Lower-case hex.' }),
  }),
});

export const Capabilities = builder.objectRef<ImageCapabilities>('ImageCapabilities').implement({
  description:
    'What the caller may do with an image now. Each is the mutation of that name; share is addImageMember, publish is visibility PUBLIC, copy and import are importImage, respond is respondToImageShare.',
  fields: (t) => ({
    update: t.exposeBoolean('update', { description: 'updateImage.' }),
    delete: t.exposeBoolean('delete', { description: 'deleteImage; false while the image is protected.' }),
    upload: t.exposeBoolean('upload', {
      description: 'createUpload and uploadImage: only while it is queued.',
    }),
    import: t.exposeBoolean('import', {
      description:
        'importImage, but for copy: only while it is queued, or its data is staged (all of it has to be there).',
    }),
    copy: t.exposeBoolean('copy', { description: 'importImage with copy.' }),
    download: t.exposeBoolean('download', { description: 'Reading its bytes.' }),
    share: t.exposeBoolean('share', { description: 'addImageMember and removeImageMember.' }),
    respond: t.exposeBoolean('respond', { description: 'respondToImageShare.' }),
    publish: t.exposeBoolean('publish', { description: 'Visibility PUBLIC.' }),
    deactivate: t.exposeBoolean('deactivate', { description: 'deactivateImage.' }),
    reactivate: t.exposeBoolean('reactivate', { description: 'reactivateImage.' }),
  }),
});

const HttpHeader = builder.objectRef<{ name: string; value: string }>('HttpHeader').implement({
  description: 'A header that must be sent as it stands.',
  fields: (t) => ({
    name: t.exposeString('name', { description: 'Such as Content-Type.' }),
    value: t.exposeString('value', { description: 'Such as application/octet-stream.' }),
  }),
});

export const TransferTargetType = builder.objectRef<TransferTarget>('TransferTarget').implement({
  description: `An absolute URL of the streaming endpoint, usable as it stands, without a token, with exactly the given
method and headers until expiresAt (null: until the image is gone). Good for one image and method.
Browsers of the origins in the CORS setting can use it with fetch or XMLHttpRequest.`,
  fields: (t) => ({
    url: t.string({
      description: 'Absolute. Holds the permission: treat it as a secret.',
      resolve: (target, _args, { baseUrl }) => baseUrl + target.path,
    }),
    method: t.exposeString('method', { description: 'GET, PUT or POST.' }),
    headers: t.field({
      type: [HttpHeader],
      description: 'To be sent along.',
      resolve: (target) => target.headers,
    }),
    expiresAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'When a transfer must have begun; it may last longer.',
      resolve: (target) => target.expiresAt,
    }),
  }),
});

export const Copy = builder.objectRef<ImageCopy>('ImageCopy').implement({
  description: 'The bytes of an image in one store.',
  interfaces: [Node],
  fields: (t) => ({
    id: t.id({ description: '"ImageCopy:<key>".', resolve: (copy) => `ImageCopy:${copy.id}` }),
    store: t.field({
      type: StoreType,
      description: 'Where it is.',
      resolve: ({ store }, _args, { app }) =>
        app.stores.get(store) ?? { id: store, type: 'unknown' as const },
    }),
    state: t.field({
      type: ImageCopyState,
      description: 'Only ACTIVE copies are read from.',
      resolve: (copy) => copy.state,
    }),
    size: t.field({
      type: 'BigInt',
      nullable: true,
      description: 'Bytes; null until known.',
      resolve: (copy) => copy.size,
    }),
    createdAt: t.field({
      type: 'DateTime',
      description: 'When it was begun.',
      resolve: (copy) => copy.createdAt,
    }),
    verifiedAt: t.field({
      type: 'DateTime',
      nullable: true,
      description: 'Null until the stored bytes were checked again.',
      resolve: (copy) => copy.verifiedAt,
    }),
  }),
});

/** What a client does with images over HTTP, whichever server answers: registers, sends, asks, fetches. */
import { createHash } from 'node:crypto';
import { type ClientRequest, type IncomingMessage, request } from 'node:http';

/** A server and who one is there. */
export interface Access {
  url: string;
  token: string;
}

export interface Outcome {
  status: number;
  body: string;
}

/** The fields of an image that faults could spoil. */
export interface Image {
  id: string;
  status: string;
  size: number | null;
  checksum: string | null;
  tags: string[];
  revision: number;
  digests: { algorithm: string; value: string }[];
}

/** The data of an answer without errors. @throws Error with the whole answer otherwise */
export async function ask<T>({ url, token }: Access, query: string, variables: object = {}): Promise<T> {
  const response = await fetch(`${url}/graphql`, {
    method: 'POST',
    headers: { 'content-type': 'application/json', 'x-auth-token': token },
    body: JSON.stringify({ query, variables }),
  });
  const text = await response.text();
  const { data, errors } = JSON.parse(text) as { data?: T; errors?: unknown };
  if (response.status !== 200 || errors || !data) throw new Error(`${response.status} ${text}`);
  return data;
}

/** A new image without bytes: its id. */
export async function newImage(access: Access, input: object = {}): Promise<string> {
  const { createImage } = await ask<{ createImage: { image?: { id: string } } }>(
    access,
    `mutation ($input: CreateImageInput!) {
      createImage(input: $input) { ... on CreateImagePayload { image { id } } ... on Error { message } }
    }`,
    { input: { name: 'image', diskFormat: 'RAW', containerFormat: 'BARE', ...input } },
  );
  if (!createImage.image) throw new Error(JSON.stringify(createImage));
  return createImage.image.id;
}

/** Null: there is none (any more). */
export async function findImage(access: Access, id: string): Promise<Image | null> {
  const text = `query ($id: ID!) {
    image(id: $id) { id status size checksum tags revision digests { algorithm value } }
  }`;
  return (await ask<{ image: Image | null }>(access, text, { id })).image;
}

/** `updateImage` or `deleteImage` with an input: what came, an error of the contract included. */
export async function mutate(
  access: Access,
  field: 'updateImage' | 'deleteImage' | 'importImage',
  input: object,
): Promise<{ __typename: string; code?: string; image?: Image }> {
  const type = `${field[0]?.toUpperCase()}${field.slice(1)}`;
  const payload = field === 'updateImage' ? `... on ${type}Payload { image { id tags revision } }` : '';
  const text = `mutation ($input: ${type}Input!) {
    ${field}(input: $input) { __typename ${payload} ... on Error { code message } }
  }`;
  const data = await ask<Record<string, { __typename: string; code?: string; image?: Image }>>(access, text, {
    input,
  });
  return data[field] ?? { __typename: 'nothing' };
}

/** Sends all bytes at once. @throws what the connection breaks with */
export function put(access: Access, id: string, bytes: Uint8Array): Promise<Outcome> {
  const upload = beginUpload(access, id, { length: bytes.length });
  upload.request.end(bytes);
  return upload.answer;
}

export interface Upload {
  request: ClientRequest;
  /** @throws what the connection breaks with before there is an answer */
  answer: Promise<Outcome>;
  /** Ends the connection with a reset, as a client that was killed on another machine. */
  reset(): void;
}

/** An upload on a connection of its own, whose bytes the test writes; chunked without `length`. */
export function beginUpload(
  { url, token }: Access,
  id: string,
  { length, to = 'file' }: { length?: number; to?: 'file' | 'stage' } = {},
): Upload {
  const sending = request(`${url}/v2/images/${id}/${to}`, {
    method: 'PUT',
    agent: false,
    headers: {
      'x-auth-token': token,
      'content-type': 'application/octet-stream',
      ...(length === undefined ? {} : { 'content-length': length }),
    },
  });
  const answer = new Promise<Outcome>((resolve, reject) => {
    sending.on('error', reject);
    sending.on('response', (response) => void outcomeOf(response).then(resolve, reject));
  });
  answer.catch(() => {}); // for tests that do not look at it
  return { request: sending, answer, reset: () => void sending.socket?.resetAndDestroy() };
}

async function outcomeOf(response: IncomingMessage): Promise<Outcome> {
  let body = '';
  for await (const chunk of response.setEncoding('utf8')) body += chunk;
  return { status: response.statusCode ?? 0, body };
}

/** Writes and waits until the bytes have left. */
export function send({ request: sending }: Upload, bytes: Uint8Array): Promise<void> {
  return new Promise((resolve, reject) => {
    sending.write(bytes, (error) => (error ? reject(error) : resolve()));
  });
}

/** All bytes of an image. @throws when they are refused or broken off */
export async function fetchBytes({ url, token }: Access, id: string): Promise<Buffer> {
  const response = await fetch(`${url}/v2/images/${id}/file`, { headers: { 'x-auth-token': token } });
  if (response.status !== 200) throw new Error(`${response.status} ${await response.text()}`);
  return Buffer.from(await response.arrayBuffer());
}

export function sha512(bytes: Uint8Array): string {
  return createHash('sha512').update(bytes).digest('hex');
}

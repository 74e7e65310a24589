import { createHash, randomBytes } from 'node:crypto';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { graphql } from '../../src/client/gen/gql.ts';
import { aServer, type TestServer } from '../support/server.ts';

let server: TestServer;
beforeAll(async () => {
  server = await aServer();
});
afterAll(() => server.stop());

const Create = graphql(`
  mutation CreateForMainJob($input: CreateImageInput!) {
    createImage(input: $input) {
      __typename
      ... on CreateImagePayload { image { id status } }
      ... on Error { code message }
    }
  }
`);

const Find = graphql(`
  query FindForMainJob($where: ImageFilter) {
    images(where: $where) {
      totalCount
      totalSize
      nodes { id name status size checksum digests { algorithm value } copies { store { name } state size } download { url } }
    }
  }
`);

test('an image is registered, uploaded, found by a property and fetched with the same digest', async () => {
  const token = server.tokenOf('blue');
  const created = await server.query(token, Create, {
    input: {
      name: 'debian',
      diskFormat: 'RAW',
      containerFormat: 'BARE',
      properties: [{ name: 'os_distro', value: 'debian' }],
    },
  });
  const image = created.data.createImage;
  if (image?.__typename !== 'CreateImagePayload') throw new Error(JSON.stringify(created));
  expect(image.image.status).toBe('QUEUED');

  const bytes = randomBytes(3_000_000);
  const path = `/v2/images/${image.image.id}/file`;
  const put = await server.http(path, {
    method: 'PUT',
    token,
    headers: { 'content-type': 'application/octet-stream' },
    body: bytes,
  });
  expect([put.status, await put.text()]).toEqual([204, '']);

  const where = { properties: [{ name: 'os_distro', text: { eq: 'debian' } }] };
  const found = await server.query(token, Find, { where });
  expect(found.errors).toEqual([]);
  expect(found.data.images).toMatchObject({ totalCount: 1, totalSize: bytes.length });
  const node = found.data.images?.nodes[0];
  const sha512 = createHash('sha512').update(bytes).digest('hex');
  expect(node).toMatchObject({
    status: 'ACTIVE',
    size: bytes.length,
    checksum: createHash('md5').update(bytes).digest('hex'),
    digests: [{ algorithm: 'sha512', value: sha512 }],
    copies: [{ store: { name: 'file' }, state: 'ACTIVE', size: bytes.length }],
  });

  const got = await server.http(path, { token });
  expect(got.headers.get('content-type')).toBe('application/octet-stream');
  expect(Buffer.from(await got.arrayBuffer()).equals(bytes)).toBe(true);
  const bySignedLink = await fetch(node?.download?.url ?? '');
  expect(Buffer.from(await bySignedLink.arrayBuffer()).equals(bytes)).toBe(true);
});

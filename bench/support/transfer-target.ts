/** The product as what `transfer.ts` measures: images made and removed over GraphQL, bytes over HTTP. */
import { join } from 'node:path';
import { makePayload, measureTransfers, type Target } from '../transfer.ts';
import type { Vitrine } from './vitrine.ts';

const create = `mutation Create { createImage(input: { diskFormat: RAW, containerFormat: BARE }) {
  ... on CreateImagePayload { image { id } } ... on Error { message }
} }`;
const remove = `mutation Remove($id: ID!) { deleteImage(input: { id: $id }) { ... on Error { message } } }`;

interface Created {
  createImage: { image?: { id: string }; message?: string };
}

/** Images of `vitrine`; in the default store when none is named. */
export function targetOf(vitrine: Vitrine, store: string | null = null): Target {
  const url = (id: string) => `${vitrine.url}/v2/images/${id}/file`;
  return {
    async newId() {
      const { createImage } = await vitrine.query<Created>('admin', create);
      if (!createImage.image) throw new Error(JSON.stringify(createImage));
      return createImage.image.id;
    },
    uploadUrl: url,
    downloadUrl: url,
    async remove(id) {
      await vitrine.query('admin', remove, { id });
    },
    pid: vitrine.pid,
    headers: {
      ...vitrine.headersOf('admin'),
      'Content-Type': 'application/octet-stream',
      ...(store === null ? {} : { 'X-Image-Meta-Store': store }),
    },
  };
}

export async function measureTransfersOf(
  vitrine: Vitrine,
  { mebibytes, rounds, dataDir }: { mebibytes: number; rounds: number; dataDir: string },
): Promise<void> {
  const bytes = mebibytes * 2 ** 20;
  await measureTransfers(targetOf(vitrine), {
    payload: makePayload(join(dataDir, 'payload'), bytes),
    portion: makePayload(join(dataDir, 'portion'), Math.max(2 ** 20, bytes / 16)),
    rounds,
    directory: dataDir,
  });
}

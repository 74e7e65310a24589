/** Where the bytes of an image are: registered where they are already, and told to services (Image API v2.17). */
import { z } from 'zod';
import { addLocation } from '../../actions/add-location.ts';
import { listLocations } from '../../actions/list-locations.ts';
import { parseDigest } from '../../domain/digest.ts';
import { type KnownDigest, registration } from '../../domain/import.ts';
import { requireShape } from '../json.ts';
import { type Answer, type Ask, type Operation, ok } from '../operation.ts';
import { badRequest } from '../problem.ts';

const newLocation = z.strictObject({
  url: z.string({ error: 'is where the bytes are' }),
  validation_data: z
    .strictObject({
      os_hash_algo: z.string().optional(),
      os_hash_value: z.string().optional(),
      // Cinder says it here; which store it is follows from the URL.
      store: z.string().optional(),
    })
    .optional(),
});

export const locationAdding: Operation = {
  body: 'json',
  action: 'addImageLocation',
  rates: ['imports'],
  async run({ app, caller, params, json }: Ask): Promise<Answer> {
    const { id = '' } = params;
    const { url, validation_data: validation = {} } = requireShape(newLocation, json);
    const location = registration(['url'], url, digestOf(validation));
    const shown = { image_id: id.toLowerCase(), loc_url: location.url, validation_data: validation };
    await addLocation(app, caller, { id, location, shown });
    return { status: 202 };
  },
};

/** @throws HttpError 400 half of one, or none that we know */
function digestOf({
  os_hash_algo: algorithm,
  os_hash_value: value,
}: {
  os_hash_algo?: string | undefined;
  os_hash_value?: string | undefined;
}): KnownDigest | null {
  if (algorithm === undefined && value === undefined) return null;
  const digest = parseDigest(algorithm ?? '', value ?? '');
  if (digest) return digest;
  throw badRequest(
    'validation_data: os_hash_algo is sha512, sha256 or md5, with os_hash_value in hex, of full length.',
  );
}

export async function showLocations({ app, caller, params }: Ask): Promise<Answer> {
  const found = await listLocations(app, caller, params.id ?? '');
  return ok(found.map(({ url, store }) => ({ url, metadata: { store } })));
}

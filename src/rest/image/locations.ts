/** Where the bytes of an image are: registered where they are already, and told to services (Image API v2.17). */
import { z } from 'zod';
import { addLocation } from '../../actions/add-location.ts';
import { listLocations } from '../../actions/list-locations.ts';
import { parseDigest } from '../../domain/digest.ts';
import { type KnownDigest, registration } from '../../domain/import.ts';
import { requireShape } from '../json.ts';
import { type Answer, type Ask, type Operation, ok } from '../operation.ts';
import { badRequest } from '../problem.ts';

const validation = z.strictObject({
  os_hash_algo: z.string().optional(),
  os_hash_value: z.string().optional(),
  // Cinder says it here; which store it is follows from the URL.
  store: z.string().optional(),
});
const url = z.string({ error: 'is where the bytes are' });
const newLocation = z.strictObject({ url, validation_data: validation.optional() });

/** As a patch has it: an MD5 is as good, and what else is known of it is not ours to keep. */
export const oldLocation = z.strictObject({
  url,
  metadata: z.record(z.string(), z.unknown()).optional(),
  validation_data: validation.extend({ checksum: z.string().optional() }).optional(),
});
export type OldLocation = z.infer<typeof oldLocation>;

export const locationAdding: Operation = {
  body: 'json',
  action: 'addImageLocation',
  rates: ['imports'],
  async run({ app, caller, params, json }: Ask): Promise<Answer> {
    const { id = '' } = params;
    await addLocation(app, caller, { id, ...registrationOf(id, requireShape(newLocation, json)) });
    return { status: 202 };
  },
};

/** @throws HttpError 400 as digestOf; ValidationError no URL that can be registered */
export function registrationOf(id: string, { url, validation_data: validation = {} }: OldLocation) {
  const location = registration(['url'], url, digestOf(validation));
  return {
    location,
    shown: { image_id: id.toLowerCase(), loc_url: location.url, validation_data: validation },
  };
}

/** @throws HttpError 400 half of one, or none that we know */
function digestOf({ checksum, ...given }: NonNullable<OldLocation['validation_data']>): KnownDigest | null {
  const isMd5 = checksum !== undefined && given.os_hash_algo === undefined;
  const { os_hash_algo: algorithm, os_hash_value: value } = isMd5
    ? { os_hash_algo: 'md5', os_hash_value: checksum }
    : given;
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

/** Asking for an import: the method, and the stores that get a copy. */
import { z } from 'zod';
import { importImage } from '../../actions/import-image.ts';
import { glanceDownload, type ImportMethod, importMethodNames, webDownload } from '../../domain/import.ts';
import { requireObject, requireShape } from '../json.ts';
import type { Answer, Ask, Operation } from '../operation.ts';
import { badRequest } from '../problem.ts';

const flag = z.boolean({ error: 'is true or false' });
const asked = z.object({
  stores: z.array(z.string()).optional(),
  all_stores: flag.default(false),
  all_stores_must_succeed: flag.default(true),
});

export const importing: Operation = {
  body: 'json',
  action: 'importImage',
  rates: ['imports'],
  // To Nova a copy that is there, or on its way, is a bad request, and all that may be right later a conflict.
  statuses: { ALREADY_EXISTS: 400, REQUIRED: 409, UNKNOWN_STORE: 409 },
  async run({ app, caller, params, headers, json }: Ask): Promise<Answer> {
    const body = requireObject(json);
    const method = readMethod(body.method);
    const {
      stores,
      all_stores: allStores,
      all_stores_must_succeed: allMustSucceed,
    } = requireShape(asked, body);
    await importImage(app, caller, {
      id: params.id ?? '',
      method,
      stores: askedStores(stores, headers['x-image-meta-store']),
      allStores,
      allMustSucceed,
    });
    return { status: 202 };
  },
};

/** Null: nobody said. */
function askedStores(
  stores: readonly string[] | undefined,
  header: string | string[] | undefined,
): readonly string[] | null {
  if (header === undefined) return stores ?? null;
  if (stores !== undefined)
    throw badRequest('Say the stores in the body or in X-Image-Meta-Store, not in both.');
  return [header].flat();
}

const text = (missing: string) => z.string({ error: missing });
const uri = text('needs the URI to fetch from');
const remote = z.object({
  glance_region: text('is the name of a region'),
  glance_image_id: text('is the id of an image there'),
  glance_service_interface: text('is public, internal or admin').default('public'),
});

/** @throws HttpError 400 no method, one that there is not, or one that lacks what it needs; ValidationError likewise */
function readMethod(json: unknown): ImportMethod {
  const method = requireObject(json, 'method');
  const name = requireShape(
    z.enum(importMethodNames, { error: `is one of ${importMethodNames.join(', ')}` }),
    method.name,
    ['method', 'name'],
  );
  switch (name) {
    case 'glance-direct':
    case 'copy-image':
      return { name };
    case 'web-download':
      return webDownload(['method', 'uri'], requireShape(uri, method.uri, ['method', 'uri']), null);
    case 'glance-download': {
      const given = requireShape(remote, method, ['method']);
      const at = (field: keyof typeof given) => ({ path: ['method', field], value: given[field] });
      return glanceDownload({
        region: at('glance_region'),
        imageId: at('glance_image_id'),
        serviceInterface: at('glance_service_interface'),
      });
    }
  }
}

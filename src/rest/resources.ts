/** The table of routes: everything that is served below /v2, but for the bytes of images, which `transfer` moves. */
import { imageResources } from './image/resources.ts';
import { infoResources } from './info.ts';
import type { Resource } from './operation.ts';
import { schemaResources } from './schemas/resources.ts';

export const resources: readonly Resource[] = [...schemaResources, ...imageResources, ...infoResources];

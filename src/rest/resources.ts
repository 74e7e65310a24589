/** The table of routes: everything that is served below /v2, but for the bytes of images, which `transfer` moves. */
import { imageResources } from './image/resources.ts';
import { infoResources } from './info.ts';
import { metadefResources } from './metadef/resources.ts';
import type { Resource } from './operation.ts';
import { schemaResources } from './schemas/resources.ts';
import { taskResources } from './task/resources.ts';

export const resources: readonly Resource[] = [
  ...schemaResources,
  ...imageResources,
  ...infoResources,
  ...taskResources,
  ...metadefResources,
];

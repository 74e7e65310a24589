/** Makes an image and asks for its bytes from a URL, in one: as tasks of the Image API do. */
import type { Caller } from '../domain/caller.ts';
import { ForbiddenError } from '../domain/errors.ts';
import { webDownload } from '../domain/import.ts';
import { type Task, withoutSecretsOfUrl } from '../domain/task.ts';
import type { App } from './app.ts';
import { type CreateImage, createImage } from './create-image.ts';
import { deleteImage } from './delete-image.ts';
import { requireTaskUse } from './find-tasks.ts';
import { importImage } from './import-image.ts';
import { updateImage } from './update-image.ts';

export interface ImportNewImage {
  image: CreateImage;
  url: string;
  /** What the task shows of what was asked for, made with the URL as others may read it. */
  shown(url: string): unknown;
}

/**
 * Returns the task. When it is refused there is no image either, where the caller may delete it; when it fails later,
 * its image stays, queued.
 *
 * @throws ForbiddenError tasks are not for this caller
 * @throws as createImage and importImage
 */
export async function importNewImage(app: App, caller: Caller, input: ImportNewImage): Promise<Task> {
  requireTaskUse(app, caller);
  const method = webDownload(['url'], input.url, null);
  // Protected at the end: until then it may have to go again.
  const { image } = await createImage(app, caller, { ...input.image, protected: false });
  try {
    const { task } = await importImage(app, caller, {
      id: image.id,
      method,
      stores: null,
      allStores: false,
      allMustSucceed: true,
      task: { type: 'import', input: input.shown(withoutSecretsOfUrl(input.url)) },
    });
    if (input.image.protected) await updateImage(app, caller, { id: image.id, protected: true });
    return task;
  } catch (error) {
    await deleteImage(app, caller, { id: image.id }).catch((failure) => {
      // Who may not delete it has it still, queued.
      if (!(failure instanceof ForbiddenError)) throw failure;
    });
    throw error;
  }
}

/** Keys of objects in stores: an image's id and the attempt that writes it. Nothing else in a store is ours to remove. */

const ours = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}\.[0-9a-f]{12}$/;

/** `attempt`: twelve random digits, lower-case hex. */
export const objectKey = (imageId: string, attempt: string) => `${imageId}.${attempt}`;

/** Whether the registry can have made this key: others may keep objects in the same container or bucket. */
export const isObjectKey = (key: string) => ours.test(key);

/**
 * Which keys may reach a driver. Keys are made by the registry, so a bad one is a bug and not a user's mistake;
 * the check is the last fence before a key becomes part of a path.
 */

/** No leading dot; `.part` is kept for unfinished writes. */
const pattern = /^(?!.*\.part$)[0-9a-z-][0-9a-z.-]{0,99}$/;

export function isKey(key: string): boolean {
  return pattern.test(key);
}

/** @throws TypeError `key` is not made of 1 to 100 of `0-9a-z.-`, begins with a dot or ends in `.part` */
export function checkKey(key: string): void {
  if (!isKey(key)) throw new TypeError(`Not a store key: ${JSON.stringify(key.slice(0, 120))}`);
}

/** Versions: which texts are one, and their total order. Follows the written rules piece by piece. */
import { compareText } from './values.ts';

const preReleases = new Set('alpha beta rc pre preview dev snapshot milestone nightly canary ea'.split(' '));

interface Piece {
  class: number;
  /** Digits without leading zeros, or letters. */
  text: string;
  isNumber: boolean;
}

interface Version {
  epoch: bigint;
  pieces: Piece[];
}

/** Whether a text can be read as a version at all. */
export function isVersion(text: string): boolean {
  return versionIn(text) !== null;
}

/** Negative, 0 or positive; null when one of the two is not a version. */
export function compareVersions(a: string, b: string): number | null {
  const [left, right] = [versionIn(a), versionIn(b)];
  if (!left || !right) return null;
  if (left.epoch !== right.epoch) return left.epoch < right.epoch ? -1 : 1;
  for (let i = 0; ; i++) {
    const [one, other] = [left.pieces[i], right.pieces[i]];
    if (!one && !other) return 0;
    const difference = comparePieces(one ?? theEnd, other ?? theEnd);
    if (difference !== 0) return difference;
  }
}

const theEnd: Piece = { class: 3, text: '', isNumber: false };

function comparePieces(a: Piece, b: Piece): number {
  if (a.class !== b.class) return a.class - b.class;
  if (a.isNumber !== b.isNumber) return a.isNumber ? -1 : 1;
  if (a.isNumber) return a.text.length - b.text.length || compareText(a.text, b.text);
  return compareText(a.text, b.text);
}

function versionIn(text: string): Version | null {
  if ([...text].length > 255) return null;
  const [, epoch, body = ''] = /^(?:([0-9]+):)?[vV]?(.*)$/s.exec(text) ?? [];
  if (!/^[0-9][0-9A-Za-z.\-_+~ ]*$/.test(body) || /[0-9]{91}/.test(text)) return null;
  return { epoch: BigInt(epoch ?? 0), pieces: piecesOf(body.toLowerCase()) };
}

function piecesOf(body: string): Piece[] {
  const found = [...body.matchAll(/([^0-9a-z]*)([0-9]+|[a-z]+)/g)].map(([, run = '', text = '']) => ({
    separator: run.includes('~') ? '~' : (run[0] ?? ''),
    text,
    isNumber: /^[0-9]/.test(text),
  }));
  const pieces: Piece[] = [];
  for (const [i, { separator, text, isNumber }] of found.entries()) {
    const next = found[i + 1];
    const digitsFollow = next?.isNumber === true && next.separator === '';
    const isPreRelease =
      !pieces.some((piece) => piece.class === 2) &&
      (preReleases.has(text) || (/^[abcm]$/.test(text) && separator === '' && digitsFollow));
    pieces.push({
      class: i === 0 ? 0 : classOf(separator, isNumber, isPreRelease),
      text: isNumber ? text.replace(/^0+(?=.)/, '') : text,
      isNumber,
    });
  }
  if (/[^0-9a-z]*$/.exec(body)?.[0].includes('~')) pieces.push({ class: 1, text: '', isNumber: false });
  return pieces;
}

function classOf(separator: string, isNumber: boolean, isPreRelease: boolean): number {
  if (separator === '~') return 1;
  if (isPreRelease && separator !== '+') return 2;
  if (separator === '-' || separator === '_' || separator === ' ') return 4;
  if (separator === '+') return 5;
  if (separator === '') return isNumber ? 7 : 6;
  return 7;
}

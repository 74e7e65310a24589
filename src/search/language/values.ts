/** Single values as they are written in a search: numbers, sizes, yes and no. Each is read, or says why not. */
import { limits } from '../../domain/fields.ts';

/** A value; or what should have been there, and what was probably meant. */
export type Read<T> = { value: T } | { problem: string; likely?: string | null };

const numberSyntax = /^[+-]?(\d+(\.\d*)?|\.\d+)([eE][+-]?\d+)?$/;

/** Whether a property's value of this text would be read as a number. */
export function looksLikeNumber(text: string): boolean {
  return text.length <= 100 && numberSyntax.test(text) && Number.isFinite(Number(text));
}

/** 22.04, v2.0-rc1, 1:4.1: digits, a dot and a digit. What is enough to take `=` for a comparison of versions. */
export function looksDotted(text: string): boolean {
  return /^(\d+:)?[vV]?\d+\.\d/.test(text);
}

/** Whether a property of this name holds a version even when the value could be a number. */
export function namesVersion(property: string): boolean {
  return /version$/i.test(property);
}

const truths: ReadonlyMap<string, boolean> = new Map([
  ['true', true],
  ['yes', true],
  ['on', true],
  ['1', true],
  ['false', false],
  ['no', false],
  ['off', false],
  ['0', false],
]);

/** Yes or no, as OpenStack writes them; null when it is neither. */
export function readTruth(text: string): boolean | null {
  return truths.get(text.toLowerCase()) ?? null;
}

const unitNames = 'B, KB to PB (powers of 1000), KiB to PiB (powers of 1024)';
const units: ReadonlyMap<string, bigint> = new Map(
  ['k', 'm', 'g', 't', 'p'].flatMap((letter, i) => [
    [`${letter}b`, 1000n ** BigInt(i + 1)] as const,
    [`${letter}ib`, 1024n ** BigInt(i + 1)] as const,
  ]),
);
const bytesMax = 2n ** 63n - 1n;
const amountSyntax = /^(\d*)(?:\.(\d*))? ?([a-z]*)$/i;

/** An amount as a fraction of bytes: `digits` / 10^`decimals` * `unit`. */
interface Amount {
  digits: bigint;
  scale: bigint;
  /** Null when none is written. */
  unit: bigint | null;
}

function readAmount(text: string): Read<Amount> {
  const [, whole = '', decimals = '', unitName = ''] = (text.length <= 60 && amountSyntax.exec(text)) || [];
  if (whole + decimals === '') return { problem: `a number, with a unit or without: ${unitNames}` };
  const unit = unitName.toLowerCase() === 'b' ? 1n : units.get(unitName.toLowerCase());
  if (unit === undefined && unitName !== '')
    return { problem: `a number with one of the units ${unitNames}` };
  const amount = { digits: BigInt(whole + decimals), scale: 10n ** BigInt(decimals.length) };
  return { value: { ...amount, unit: unit ?? null } };
}

/** A size in bytes, rounded to whole ones: `1.5GiB`. A bigint only where a number would not be exact. */
export function readBytes(text: string): Read<number | bigint> {
  const amount = readAmount(text);
  if ('problem' in amount) return amount;
  const { digits, scale, unit } = amount.value;
  const bytes = (2n * digits * (unit ?? 1n) + scale) / (2n * scale);
  if (bytes > bytesMax) return { problem: 'at most 2^63-1 bytes' };
  return { value: bytes <= BigInt(Number.MAX_SAFE_INTEGER) ? Number(bytes) : bytes };
}

/** A whole number of `unitBytes`; with a unit of its own it is converted, and has to come out even. */
export function readWhole(text: string, unitBytes: bigint): Read<number> {
  const amount = readAmount(text);
  if ('problem' in amount) return amount;
  const { digits, scale, unit } = amount.value;
  const divisor = scale * unitBytes;
  const total = digits * (unit ?? unitBytes);
  const name = unitBytes === 2n ** 30n ? 'GiB' : 'MiB';
  if (total % divisor !== 0n) return { problem: `a whole number of ${name}` };
  if (total / divisor > BigInt(limits.minimum)) return { problem: `at most ${limits.minimum} ${name}` };
  return { value: Number(total / divisor) };
}

/**
 * A source whose disk is to be in another format: its bytes are kept in a private directory, judged there, converted by
 * qemu-img, and what came of it is judged as what was asked for before anybody reads it.
 */
import type { Declared } from '../bytes/inspect/verdict.ts';
import { type Converter, tooLarge } from '../convert/converter.ts';
import { openNewFile, openWorkFile, type WorkFile } from '../convert/work-file.ts';
import type { WorkFolder } from '../convert/work-folder.ts';
import { type Conversion, conversionOf } from '../domain/conversion.ts';
import { invalid } from '../domain/errors.ts';
import type { App } from './app.ts';
import { checkDigests } from './check-data.ts';
import type { ImportSource } from './import-source.ts';
import { ingest } from './ingest.ts';
import { type Judged, judgeStored } from './judge-bytes.ts';
import type { Reserve } from './reserve.ts';

export interface Converting {
  /** A name that is used once. */
  name: string;
  declared: Declared;
  reserve: Reserve;
  signal: AbortSignal;
  /** Is told when the bytes are here and are converted. */
  begun: (conversion: Conversion) => void;
}

export interface ConvertedSource extends ImportSource {
  size: number;
  /** The result is read; nothing of it stays on this machine. */
  release(): Promise<void>;
}

/**
 * Null: the image stays what it is. What digests were said of the source is compared before it is converted.
 *
 * @throws ValidationError    format_mismatch, unsafe_image: of the source, or of what came of it; DIGEST_MISMATCH,
 *                            CONVERSION_FAILED
 * @throws QuotaExceededError source or result are larger than they may be
 * @throws UnavailableError   there is no room for it on this machine
 */
export async function converted(
  app: App,
  source: ImportSource,
  converting: Converting,
): Promise<ConvertedSource | null> {
  const { converter } = app.imports;
  const conversion = converter && conversionOf(converter.rule, converting.declared);
  if (!converter || !conversion) return null;
  const folder = await converter.begin(converting.name);
  try {
    const judged = await keep(app, folder, { source, converting });
    checkConvertible(judged, conversion);
    const sizeMax = sizeOfResult(app, judged, conversion);
    // A raw file is as large as the disk.
    if (conversion.to === 'raw') await converting.reserve(judged.virtualSize ?? 0);
    converting.begun(conversion);
    const { signal } = converting;
    const result = await resultOf(app, folder, { converter, conversion, judged, sizeMax, signal });
    return {
      bytes: result.read(),
      size: result.size,
      expected: [],
      change: { ...source.change, diskFormat: conversion.to },
      note: [source.note, `Converted from ${conversion.from} to ${conversion.to}.`].filter(Boolean).join(' '),
      async release() {
        await result.close();
        await folder.remove();
      },
    };
  } catch (error) {
    await folder
      .remove()
      .catch((cause) => app.log.warn({ err: cause }, 'what a conversion left could not be removed'));
    throw error;
  }
}

/** All bytes of the source into a file; what they are. qemu-img is shown nothing that may not be published. */
async function keep(
  app: App,
  folder: WorkFolder,
  { source, converting }: { source: ImportSource; converting: Converting },
): Promise<Judged> {
  const { declared, reserve, signal } = converting;
  const file = await openNewFile(folder.source);
  try {
    const writer = { write: file.write, commit: async () => {}, cancel: async () => {} };
    const stored = await ingest(app.hashes, writer, source.bytes, {
      algorithms: [...new Set(source.expected.map(({ algorithm }) => algorithm))],
      blocks: 'none',
      sizeLimit: app.limits.imageSizeMax,
      expectedSize: source.size,
      reserve,
      signal,
    });
    checkDigests(stored, source.expected);
  } finally {
    await file.close();
  }
  const kept = await openWorkFile(folder.source);
  return judgeFile(app, kept, { declared, signal }).finally(() => kept.close());
}

/** It has to be what it says to be, whatever else the settings let through. */
function judgeFile(
  app: App,
  file: WorkFile,
  { declared, signal }: { declared: Declared; signal: AbortSignal },
): Promise<Judged> {
  const strict = { ...app, formats: { ...app.formats, requireMatch: true } };
  const store = { read: async (_key: string, range?: { start: number; end: number }) => file.read(range) };
  return judgeStored(strict, { store, key: '', size: file.size }, { declared, signal });
}

async function resultOf(
  app: App,
  folder: WorkFolder,
  about: {
    converter: Converter;
    conversion: Conversion;
    judged: Judged;
    sizeMax: number;
    signal: AbortSignal;
  },
): Promise<WorkFile> {
  const { converter, conversion, judged, sizeMax, signal } = about;
  await converter.convert(folder, conversion, { sizeMax, signal });
  const result = await openWorkFile(folder.target);
  try {
    if (result.size > sizeMax) throw tooLarge(sizeMax, result.size);
    const declared = { diskFormat: conversion.to, containerFormat: 'bare' } as const;
    const { virtualSize } = await judgeFile(app, result, { declared, signal });
    if (virtualSize === null || virtualSize < (judged.virtualSize ?? 0)) {
      throw failed(conversion, 'less came of it than is in it');
    }
    return result;
  } catch (error) {
    await result.close();
    throw error;
  }
}

/** @throws ValidationError CONVERSION_FAILED: nobody but its owner can read it */
function checkConvertible({ inspection: { encryption } }: Judged, conversion: Conversion): void {
  if (encryption === null || encryption === 'none') return;
  throw failed(conversion, 'it is encrypted; send it decrypted, or as LUKS');
}

/** For what a format has beside the disk: its tables, about a thousandth. */
const tableBytes = 64 * 2 ** 20;

/** Bytes that the result may have: as many as the disk, and tables. @throws QuotaExceededError */
function sizeOfResult(app: App, { virtualSize }: Judged, { to }: Conversion): number {
  const { imageSizeMax } = app.limits;
  const disk = virtualSize ?? imageSizeMax;
  if (to === 'raw' && disk > imageSizeMax) throw tooLarge(imageSizeMax, disk);
  return Math.min(imageSizeMax, disk + Math.ceil(disk / 128) + tableBytes);
}

const failed = ({ from, to }: Conversion, what: string) =>
  invalid(
    ['diskFormat'],
    'CONVERSION_FAILED',
    `The image cannot be converted from ${from} to ${to}: ${what}.`,
  );

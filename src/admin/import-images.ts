/**
 * `vitrine import`: fills the catalog from a file of images, one JSON object a line. Lines are read and checked
 * here while PostgreSQL takes the batch before them (db/bulk-load).
 */
import { isUtf8 } from 'node:buffer';
import { createHash } from 'node:crypto';
import { mkdir } from 'node:fs/promises';
import { crc32 } from 'node:zlib';
import type { Config } from '../config/config.ts';
import { openDatabaseServer } from '../db/address.ts';
import { type BulkLoad, openBulkLoad } from '../db/bulk-load.ts';
import type { DatabaseAddress } from '../db/client.ts';
import {
  type Batch,
  newBatch,
  type OnConflict,
  type Progress,
  type Refusal,
  RefusedError,
} from '../db/load-batch.ts';
import { migrate } from '../db/migrate.ts';
import type { Instant } from '../domain/image.ts';
import { instantOf } from '../domain/instant.ts';
import { BadLineError, lineBytesMax, readImageLine } from './bulk/image-line.ts';
import { type Input, linesOf, openInput, skipKnown } from './bulk/input.ts';
import { openReports, type Reports } from './bulk/reports.ts';
import { thisOperator } from './operator.ts';

export interface ImportOptions {
  onConflict: OnConflict;
  /** The first bad line ends the import; what stands before it is loaded. */
  isFatal: boolean;
  /** Gets every line that was not loaded. */
  errorsFile: string | null;
  /** Forgets how far an import of the same input came. */
  fromStart: boolean;
}

/** The options as the command line has them. */
export interface ImportFlags {
  onConflict: OnConflict;
  fatal: boolean;
  errors?: string;
  fromStart: boolean;
}

export function importOptions({ onConflict, fatal, errors, fromStart }: ImportFlags): ImportOptions {
  return { onConflict, isFatal: fatal, errorsFile: errors ?? null, fromStart };
}

/** What became of the whole input, earlier runs included, and how long this run took. */
export interface Imported extends Progress {
  /** Why the import ended before the input did; null: it did not. */
  stopped: string | null;
  /** Lines that an earlier run had done. */
  linesBefore: number;
  loadSeconds: number;
  indexSeconds: number;
  vacuumSeconds: number;
}

/** Input of a transaction: long enough to be worth one, short enough to be held twice. */
const batchBytes = 16 * 2 ** 20;

const nothingYet: Progress = {
  bytes: 0,
  crc: 0,
  lines: 0,
  loaded: 0,
  replaced: 0,
  skipped: 0,
  tombstones: 0,
  bad: 0,
};

/** `file` `-`: standard input. False: a line was bad, or the import stopped. */
export async function importImages(config: Config, file: string, options: ImportOptions): Promise<boolean> {
  await mkdir(config.dataDir, { recursive: true });
  const database = await openDatabaseServer(config, () => {});
  try {
    const imported = await importInto(database.address, file, options);
    console.log(summary(imported));
    return imported.bad === 0 && imported.stopped === null;
  } finally {
    await database.close();
  }
}

/** The same into a database that is open. @throws what keeps the import from going on; it can be run again */
export async function importInto(
  address: DatabaseAddress,
  file: string,
  options: ImportOptions,
): Promise<Imported> {
  const input = await openInput(file);
  await migrate(address, { isLoading: true });
  const onWait = () => console.error('Another import is running; this one waits for it.');
  const load = await openBulkLoad(address, { ...options, by: thisOperator(), onWait });
  try {
    const start = performance.now();
    const place = await findPlace(input, load, options.fromStart);
    const { errorsFile } = options;
    const reports = await openReports({ errorsFile, goesOn: place.progress.lines > 0 });
    const linesBefore = place.progress.lines;
    try {
      if (linesBefore > 0) reports.note(`Going on after line ${linesBefore}.`);
      const { progress, stopped } = await loadFrom(place, { input, load, reports, options });
      const readSeconds = (performance.now() - start) / 1000;
      const { fillSeconds, indexSeconds, vacuumSeconds } = await load.finish(
        stopped === null ? place.name : null,
        { progress, stopped },
      );
      const loadSeconds = readSeconds + fillSeconds;
      return { ...progress, stopped, linesBefore, loadSeconds, indexSeconds, vacuumSeconds };
    } finally {
      await reports.close();
    }
  } finally {
    await load.close();
  }
}

/** Where an import begins: after what an earlier one of the same input did. */
interface Place {
  /** What the progress is kept under. */
  name: string;
  /** The rest of the block that was read to find out. */
  block: Buffer;
  blocks: AsyncIterator<Buffer>;
  progress: Progress;
}

/** An input is known by its first line, and then by all that was read of it. */
async function findPlace(input: Input, load: BulkLoad, fromStart: boolean): Promise<Place> {
  const blocks = input.open();
  const first = await blocks?.next();
  if (!blocks || !first || first.done) {
    return { name: '', block: Buffer.alloc(0), blocks: nothing(), progress: { ...nothingYet } };
  }
  const [line] = linesOf(first.value);
  const name = createHash('sha256').update(first.value.subarray(0, line?.end)).digest('hex');
  const known = fromStart ? null : await load.findProgress(name);
  if (!known) return { name, block: first.value, blocks, progress: { ...nothingYet } };
  const block = await skipKnown({ first: first.value, rest: blocks }, known);
  if (block) return { name, block, blocks, progress: known };
  await blocks.return?.();
  const again = input.open();
  if (again) return { name, block: Buffer.alloc(0), blocks: again, progress: { ...nothingYet } };
  throw new Error(
    'The import of another input that begins like this one did not come to its end; --from-start loads this one.',
  );
}

async function* nothing(): AsyncGenerator<Buffer, undefined> {}

interface Loading {
  input: Input;
  load: BulkLoad;
  reports: Reports;
  options: ImportOptions;
}

/** What was read since the last batch. */
interface Read {
  batch: Batch;
  refusals: Refusal[];
  bytes: number;
}

const newRead = (): Read => ({ batch: newBatch(), refusals: [], bytes: 0 });

/** Reads to the end, or to where it has to stop. */
async function loadFrom(
  { name, block: first, blocks, progress: begin }: Place,
  { input, load, reports, options }: Loading,
): Promise<{ progress: Progress; stopped: string | null }> {
  const now = instantOf(new Date());
  let { bytes, crc, lines } = begin;
  let done = begin;
  let read = newRead();
  let stopped: string | null = null;
  let adding: Promise<void> = Promise.resolve();

  async function add({ batch, refusals }: Read, at: Pick<Progress, 'bytes' | 'crc' | 'lines'>) {
    const progress = { ...done, ...at };
    progress.bad += refusals.length;
    progress.tombstones += batch.tombstones.length;
    const more = await load.add(name, batch, progress);
    // Before the next batch is committed: what a kill leaves unsaid is what the next run reads again.
    await reports.refused([...refusals, ...more].toSorted((a, b) => a.line - b.line));
    done = progress;
  }

  async function flush(): Promise<void> {
    await adding;
    adding = add(read, { bytes, crc, lines });
    adding.catch(() => {}); // the next to wait for it hears of it
    read = newRead();
  }

  try {
    for (let block: Buffer | undefined = first; block; block = (await blocks.next()).value) {
      const end = readBlock(block, read, { line: lines, now, isFatal: options.isFatal });
      const taken = block.subarray(0, end.bytes);
      lines = end.line;
      bytes += taken.length;
      crc = crc32(taken, crc);
      read.bytes += taken.length;
      if (end.stopped) {
        stopped = `Line ${end.stopped.line}: ${end.stopped.reason}`;
        break;
      }
      if (read.bytes >= batchBytes) await flush();
      reports.progress(lines, input.size === null ? null : input.bytesRead() / input.size);
    }
    if (read.bytes > 0) await flush();
    await adding;
  } catch (error) {
    if (!(error instanceof RefusedError)) throw error;
    stopped = error.message;
  } finally {
    await blocks.return?.();
  }
  return { progress: done, stopped };
}

/** Reads the lines of a block into `read`; to the first bad one, if that is fatal. */
function readBlock(
  block: Buffer,
  read: Read,
  { line, now, isFatal }: { line: number; now: Instant; isFatal: boolean },
): { bytes: number; line: number; stopped: Refusal | null } {
  const isText = isUtf8(block);
  for (const { start, end } of linesOf(block)) {
    line++;
    try {
      readLine(block.subarray(start, end), isText, read, { line, now });
    } catch (error) {
      if (!(error instanceof BadLineError)) throw error;
      const refusal: Refusal = { line, reason: error.message, kind: 'bad' };
      if (isFatal) return { bytes: start, line: line - 1, stopped: refusal };
      read.refusals.push(refusal);
    }
  }
  return { bytes: block.length, line, stopped: null };
}

const blank = /^\s*$/;

function readLine(
  bytes: Buffer,
  isText: boolean,
  read: Read,
  { line, now }: { line: number; now: Instant },
): void {
  if (bytes.length > lineBytesMax) throw new BadLineError(`Longer than ${lineBytesMax} bytes.`);
  if (!isText && !isUtf8(bytes)) throw new BadLineError('Not UTF-8.');
  const text = bytes.toString('utf8');
  if (text.length < 8 && blank.test(text)) return;
  const found = readImageLine(line === 1 && text.startsWith('\uFEFF') ? text.slice(1) : text, now);
  if ('tombstone' in found) read.batch.tombstones.push(found.tombstone);
  else read.batch.add(line, found.image);
}

const count = (n: number, one: string) => `${n.toLocaleString('en')} ${one}${n === 1 ? '' : 's'}`;

function summary(imported: Imported): string {
  const { lines, linesBefore, loadSeconds, stopped } = imported;
  const parts = [`${count(imported.loaded, 'image')} loaded`];
  if (imported.replaced > 0) parts.push(`${imported.replaced.toLocaleString('en')} replaced`);
  if (imported.skipped > 0)
    parts.push(`${imported.skipped.toLocaleString('en')} skipped (their ids are taken)`);
  if (imported.tombstones > 0) parts.push(`${count(imported.tombstones, 'deleted id')} noted`);
  if (imported.bad > 0) parts.push(count(imported.bad, 'bad line'));
  const rate = Math.round((lines - linesBefore) / loadSeconds).toLocaleString('en');
  const times = [`${count(lines - linesBefore, 'line')} in ${loadSeconds.toFixed(1)} s (${rate}/s)`];
  if (imported.indexSeconds > 0) times.push(`indexes ${imported.indexSeconds.toFixed(1)} s`);
  times.push(`vacuum ${imported.vacuumSeconds.toFixed(1)} s`);
  const end = stopped === null ? '' : `\nStopped. ${stopped}`;
  return `${parts.join(', ')}; ${times.join(', ')}.${end}`;
}

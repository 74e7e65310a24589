/**
 * Conversion of disks by qemu-img: what it is called with, under which limits, and what its failures mean. The formats
 * are always said, and the names are ours; what is in the files is looked at by those who call, before and after.
 */
import { randomUUID } from 'node:crypto';
import { chown, open, writeFile } from 'node:fs/promises';
import type { Conversion, ConversionRule, ConversionSource } from '../domain/conversion.ts';
import { invalid, QuotaExceededError } from '../domain/errors.ts';
import { type ProgramEnd, runProgram } from './run-program.ts';
import {
  findPrograms,
  type Isolation,
  isolations,
  type Limits,
  type Programs,
  sandboxed,
} from './sandbox.ts';
import { noRoom } from './work-file.ts';
import { makeWorkFolder, sourceName, targetName, type WorkFolder } from './work-folder.ts';

export interface ConversionSettings extends ConversionRule {
  /** Bytes of address space. */
  readonly memory: number;
  readonly cpuMs: number;
  readonly timeMs: number;
}

export interface Converter {
  /** Which images become what. */
  readonly rule: ConversionRule;
  /** `name` is one that is used once. */
  begin(name: string): Promise<WorkFolder>;
  /**
   * Makes the file `target` of the file `source`.
   *
   * @throws ValidationError    CONVERSION_FAILED: it is damaged, or takes more than it may
   * @throws QuotaExceededError image_size: the result would be larger than `sizeMax` bytes
   * @throws UnavailableError   the disk is full
   * @throws the signal's reason
   */
  convert(
    folder: WorkFolder,
    conversion: Conversion,
    limits: { sizeMax: number; signal: AbortSignal },
  ): Promise<void>;
}

export interface ConverterOptions {
  settings: ConversionSettings;
  /** Where the private directories are made. */
  root: string;
  log: {
    info(message: string): void;
    warn(about: object, message: string): void;
  };
}

/** As qemu-img calls them. */
const drivers: Record<ConversionSource, string> = {
  qcow2: 'qcow2',
  vmdk: 'vmdk',
  vhd: 'vpc',
  vhdx: 'vhdx',
  vdi: 'vdi',
  raw: 'raw',
};

/** @throws Error a program is missing, or does not work here */
export async function openConverter({ settings, root, log }: ConverterOptions): Promise<Converter> {
  const programs = findPrograms();
  const isolation = await permittedIsolation(programs, { memory: settings.memory, root });
  log.info(`Images are converted to ${settings.to}; qemu-img runs ${isolation.name}.`);

  return {
    rule: settings,
    begin: (name) => makeWorkFolder(root, name, isolation.isStranger),
    async convert(folder, conversion, { sizeMax, signal }) {
      const limits = { ...settings, fileSize: sizeMax };
      const end = await run(folder, conversion, { programs, isolation, limits, settings, signal });
      if (end.code === 0) return;
      log.warn({ ...end, ...conversion }, 'qemu-img could not convert an image');
      throw failureOf(end, conversion, { settings, sizeMax });
    },
  };
}

interface Running {
  programs: Programs;
  isolation: Isolation;
  limits: Limits;
  settings: Pick<ConversionSettings, 'timeMs'>;
  signal?: AbortSignal;
}

async function run(
  folder: WorkFolder,
  { from, to }: Conversion,
  { programs, isolation, limits, settings, signal }: Running,
): Promise<ProgramEnd> {
  const { owner } = folder;
  if (owner !== null) await chown(folder.source, owner, owner);
  // The target is thrown away after a crash, so that nothing has to be flushed.
  const argv = [programs.qemuImg, 'convert', '-q', '-t', 'unsafe', '-f', drivers[from], '-O', drivers[to]];
  const files = [`file:${sourceName}`, `file:${targetName}`];
  return runProgram({
    argv: sandboxed(programs, isolation, { ...limits, user: owner, argv: [...argv, ...files] }),
    folder: folder.path,
    timeMs: settings.timeMs,
    signal,
  });
}

const probeLimits = { cpuMs: 20_000, fileSize: 2 ** 24 };
const probeTimeMs = 60_000;

/** The strictest in which a small disk can be converted. @throws Error none is */
export async function permittedIsolation(
  programs: Programs,
  { memory, root }: { memory: number; root: string },
): Promise<Isolation> {
  const said: string[] = [];
  for (const isolation of isolations(programs, process.getuid?.() === 0)) {
    const end = await probe(isolation).catch((error: Error) => ({ code: null, said: error.message }));
    if (end.code === 0) return isolation;
    said.push(`${isolation.name}: ${end.said.trim() || 'it ended without a word'}`);
  }
  throw new Error(`imports.convert.to is set, and qemu-img does not work here (${said.join('; ')})`);

  async function probe(isolation: Isolation): Promise<Pick<ProgramEnd, 'code' | 'said'>> {
    const folder = await makeWorkFolder(root, `probe-${randomUUID()}`, isolation.isStranger);
    try {
      await writeFile(folder.source, Buffer.alloc(65_536, 1), { mode: 0o600 });
      const limits = { ...probeLimits, memory };
      const conversion = { from: 'raw', to: 'qcow2' } as const;
      const settings = { timeMs: probeTimeMs };
      const end = await run(folder, conversion, { programs, isolation, limits, settings });
      if (end.code === 0) await (await open(folder.target)).close(); // what it wrote is for us to read
      return end;
    } finally {
      await folder.remove();
    }
  }
}

function failureOf(
  { signal, isOutOfTime, said }: ProgramEnd,
  { from, to }: Conversion,
  { settings, sizeMax }: { settings: ConversionSettings; sizeMax: number },
) {
  const failed = (what: string) =>
    invalid(
      ['diskFormat'],
      'CONVERSION_FAILED',
      `The image cannot be converted from ${from} to ${to}: ${what}`,
    );
  const ask = 'send a smaller one, or ask the operator to allow more';
  if (isOutOfTime)
    return failed(`it takes longer than ${settings.timeMs / 1000} s; ${ask} (imports.convert.time).`);
  if (signal === 'SIGXCPU')
    return failed(
      `it takes more than ${settings.cpuMs / 1000} s of a processor; ${ask} (imports.convert.cpu).`,
    );
  if (signal === 'SIGXFSZ' || /File too large/i.test(said)) return tooLarge(sizeMax, sizeMax + 1);
  if (/No space left|Disk quota exceeded/i.test(said)) return noRoom();
  // The kernel's own way to say so, when the whole machine has none left.
  if (signal === 'SIGKILL' || /memory|allocate/i.test(said)) {
    return failed(`it takes more memory than it may; ${ask} (imports.convert.memory).`);
  }
  return failed(
    `it is damaged, or has what qemu-img cannot read; look at it with "qemu-img check", and send one that is sound.`,
  );
}

/** Of a result. */
export function tooLarge(limit: number, requested: number): QuotaExceededError {
  const message = `The converted image would have more than the ${limit} bytes that it may; send a smaller one.`;
  return new QuotaExceededError({ resource: 'image_size', limit, used: 0, requested }, message);
}

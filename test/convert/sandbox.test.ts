/** What a program in the sandbox may do, and how it ends. */
import { spawn } from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  readlinkSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { openConverter, permittedIsolation } from '../../src/convert/converter.ts';
import { runProgram } from '../../src/convert/run-program.ts';
import { findPrograms, type Isolation, type Limits, sandboxed } from '../../src/convert/sandbox.ts';
import { makeWorkFolder, type WorkFolder } from '../../src/convert/work-folder.ts';
import { only } from '../support/size.ts';
import { until } from '../support/until.ts';

const needs = only({ from: 'ci', programs: ['qemu-img', 'prlimit', 'setpriv', 'unshare', 'sh'] });
const root = mkdtempSync(join(tmpdir(), 'vitrine-sandbox-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const limits: Limits = { memory: 2 ** 30, cpuMs: 60_000, fileSize: 2 ** 20 };
let folder: WorkFolder;
let isolation: Isolation;

function inSandbox(script: string, changes: Partial<Limits> = {}) {
  const about = { ...limits, ...changes, user: folder.owner, argv: ['/bin/sh', '-c', script] };
  return sandboxed(findPrograms(), isolation, about);
}

function run(script: string, changes: Partial<Limits> = {}, timeMs = 60_000, signal?: AbortSignal) {
  const argv = inSandbox(script, changes);
  return runProgram({ argv, folder: folder.path, timeMs, signal });
}

describe.skipIf(needs.skip)(`in the sandbox${needs.why}`, () => {
  beforeAll(async () => {
    isolation = await permittedIsolation(findPrograms(), { memory: 2 ** 30, root: join(root, 'tried') });
    folder = await makeWorkFolder(join(root, 'work'), 'here', isolation.isStranger);
  });

  test('there is no environment, and its own directory can be written to', async () => {
    const end = await run('export >&2; echo 1 > file');
    expect(end).toMatchObject({ code: 0, isOutOfTime: false });
    expect(end.said.replace(/export (PWD|OLDPWD|SHLVL|_)\b.*\n/g, '')).toBe('');
    expect(readdirSync(folder.path)).toContain('file');
  });

  test('files are no larger than they may be', async () => {
    const end = await run('head -c 3000000 /dev/zero > large');
    expect(end.code === 0 && end.signal === null).toBe(false);
  });

  test('memory, processor and time are bounded', async () => {
    expect((await run('head -c 400m /dev/zero | tail -c 300m | wc -c', { memory: 2 ** 26 })).said).toMatch(
      /memory/,
    );
    expect(await run('while :; do :; done', { cpuMs: 1000 })).toMatchObject({
      code: null,
      signal: 'SIGXCPU',
    });
    expect(await run('sleep 100', {}, 300)).toMatchObject({ signal: 'SIGKILL', isOutOfTime: true });
  });

  test('what is given up dies with all that it started', async () => {
    const controller = new AbortController();
    const running = run('echo 1 > begun; sleep 1234567 & sleep 1234567', {}, 60_000, controller.signal);
    await until(async () => readdirSync(folder.path).includes('begun'));
    controller.abort(new Error('enough'));
    await expect(running).rejects.toThrow('enough');
  });

  test('what is under way dies with the process that began it', async () => {
    const argv = inSandbox('echo $$ > pid; exec sleep 1234567');
    const script = `require('child_process').spawn(${JSON.stringify(argv[0])}, ${JSON.stringify(argv.slice(1))}, { detached: true });`;
    const parent = spawn(process.execPath, ['-e', script], { cwd: folder.path, stdio: 'ignore' });
    const file = join(folder.path, 'pid');
    const pid = await until(() => existsSync(file) && readFileSync(file, 'utf8').trim());
    parent.kill('SIGKILL');
    // Gone, or dead and not buried yet.
    await until(
      () => !existsSync(`/proc/${pid}`) || / [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8')),
    );
  });

  test('files of this service and the network are out of reach, as far as the machine permits it', async () => {
    const secret = join(root, 'secret');
    writeFileSync(secret, 'canary', { mode: 0o600 });
    const read = await run(`cat ${secret} >&2; cat ../../secret >&2; readlink /proc/self/ns/net >&2`);
    expect(/canary/.test(read.said)).toBe(!isolation.isStranger);
    expect(read.said.includes(readlinkSync('/proc/self/ns/net'))).toBe(!isolation.name.includes('network'));
  });

  test('that it works is tried at the start, and said', async () => {
    const said: string[] = [];
    const log = { info: (message: string) => said.push(message), warn: () => {} };
    const settings = { to: 'raw', from: ['qcow2'], memory: 2 ** 30, cpuMs: 1000, timeMs: 1000 } as const;
    await openConverter({ settings, root: join(root, 'tried'), log });
    expect(said).toEqual([expect.stringMatching(/^Images are converted to raw; qemu-img runs /)]);
    expect(readdirSync(join(root, 'tried'))).toEqual([]);
    const little = { ...settings, memory: 2 ** 20 };
    await expect(openConverter({ settings: little, root: join(root, 'tried'), log })).rejects.toThrow(
      /imports.convert.to is set, and qemu-img does not work here/,
    );
    expect(readdirSync(join(root, 'tried'))).toEqual([]);
  });
});

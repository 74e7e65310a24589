/** Disks made by qemu-img, where it is installed. */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export interface Made {
  bytes: Buffer;
  /** As `qemu-img info` has it. */
  info: { format: string; 'virtual-size': number };
}

/** `disk` in another format, as `qemu-img convert -O driver -o options` writes it. */
export function madeOf(disk: Uint8Array, driver: string, options = '', more: readonly string[] = []): Made {
  const folder = mkdtempSync(join(tmpdir(), 'vitrine-made-'));
  try {
    const [source, target] = [join(folder, 'disk'), join(folder, 'made')];
    writeFileSync(source, disk);
    const asked = [...(options ? ['-o', options] : []), ...more];
    execFileSync('qemu-img', ['convert', '-f', 'raw', '-O', driver, ...asked, source, target], {
      stdio: 'pipe',
    });
    return { bytes: readFileSync(target), info: infoOf(target, driver) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** An empty disk of so many bytes, as `qemu-img create` writes it; null: it cannot. Read only where it is small. */
export function createdWith(driver: string, size: number, options = '', more: readonly string[] = []): Made {
  const folder = mkdtempSync(join(tmpdir(), 'vitrine-made-'));
  try {
    const target = join(folder, 'made');
    const asked = [...(options ? ['-o', options] : []), ...more];
    execFileSync('qemu-img', ['create', '-q', '-f', driver, ...asked, target, `${size}`], { stdio: 'pipe' });
    if (statSync(target).size > 2 ** 28) throw new Error('too large to look at');
    return { bytes: readFileSync(target), info: infoOf(target, driver) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

function infoOf(path: string, driver: string): Made['info'] {
  const text = execFileSync('qemu-img', ['info', '--output=json', '-f', driver, path], { encoding: 'utf8' });
  return JSON.parse(text);
}

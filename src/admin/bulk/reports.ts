/** What an import tells while it runs: lines that were not loaded, and a bar on a terminal. */
import { type FileHandle, open } from 'node:fs/promises';
import type { Refusal } from '../../db/load-batch.ts';

/** So many are printed; all of them are in the errors file. */
const printedMax = 20;
const barEveryMs = 200;

export interface Reports {
  /** In the order of the lines. Those of a file are written when this resolves. */
  refused(refusals: readonly Refusal[]): Promise<void>;
  /** `share` from 0 to 1; null: nobody knows. */
  progress(lines: number, share: number | null): void;
  note(text: string): void;
  close(): Promise<void>;
}

/** `errorsFile` gets a JSON object a line: line, kind (bad, taken), reason; `goesOn`: after what is there. */
export async function openReports({
  errorsFile,
  goesOn,
  screen = process.stderr,
}: {
  errorsFile: string | null;
  goesOn: boolean;
  screen?: NodeJS.WriteStream;
}): Promise<Reports> {
  const file: FileHandle | null = errorsFile === null ? null : await open(errorsFile, goesOn ? 'a' : 'w');
  const start = performance.now();
  let printed = 0;
  let shownAt = 0;
  let firstLines: number | null = null;

  function note(text: string): void {
    screen.write(`${screen.isTTY ? '\r\x1b[K' : ''}${text}\n`);
  }

  return {
    note,
    async refused(refusals) {
      for (const { line, reason } of refusals) {
        if (++printed <= printedMax) note(`line ${line}: ${reason}`);
        else if (printed === printedMax + 1) note(`... and more${file ? `, see ${errorsFile}` : ''}`);
      }
      if (file && refusals.length > 0) {
        await file.write(
          refusals.map(({ line, kind, reason }) => `${JSON.stringify({ line, kind, reason })}\n`).join(''),
        );
      }
    },
    progress(lines, share) {
      const now = performance.now();
      firstLines ??= lines;
      if (!screen.isTTY || now - shownAt < barEveryMs) return;
      shownAt = now;
      const rate = Math.round((lines - firstLines) / ((now - start) / 1000 || 1));
      const done = share === null ? '' : `${bar(share)} ${Math.floor(share * 100)}%  `;
      screen.write(`\r\x1b[K${done}${lines.toLocaleString('en')} lines, ${rate.toLocaleString('en')}/s`);
    },
    async close() {
      if (screen.isTTY && shownAt > 0) screen.write('\r\x1b[K');
      await file?.close();
    },
  };
}

const barWidth = 30;
function bar(share: number): string {
  const full = Math.round(Math.min(1, share) * barWidth);
  return `[${'#'.repeat(full)}${'-'.repeat(barWidth - full)}]`;
}

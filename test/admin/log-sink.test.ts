import { expect, test } from 'vitest';
import { logSink, type Outlet } from '../../src/admin/log-sink.ts';

/** An outlet that takes bytes when the test says so. */
function anOutlet() {
  const written: string[] = [];
  let pending: { text: string; done: (error: Error | null) => void } | null = null;
  const outlet: Outlet = {
    write(bytes, done) {
      pending = { text: bytes.toString(), done };
    },
    writeNow: (bytes) => void written.push(bytes.toString()),
  };
  return {
    outlet,
    written,
    isBusy: () => pending !== null,
    /** Ends the write under way. */
    end(error: Error | null = null) {
      const now = pending;
      pending = null;
      if (now && !error) written.push(now.text);
      now?.done(error);
    },
  };
}

const options = { maxBytes: 100, batchBytes: 10, everyMs: 60_000 };
const full = new Error('ENOSPC');

test('lines are written together, in their order, one write at a time', () => {
  const { outlet, written, isBusy, end } = anOutlet();
  const sink = logSink({ ...options, outlet });
  sink.write('one\n');
  expect(isBusy()).toBe(false);
  sink.write('two\n');
  sink.write('three\n');
  expect(isBusy()).toBe(true);
  sink.write('while it is written\n');
  end();
  end();
  expect(written).toEqual(['one\ntwo\nthree\n', 'while it is written\n']);
});

test('when nobody takes them, lines wait up to the bound, and what is over it is counted', () => {
  const { outlet, written, end } = anOutlet();
  const sink = logSink({ ...options, outlet });
  sink.write('the first line\n');
  for (let i = 0; i < 1_000; i++) sink.write('123456789\n');
  end();
  end();
  const [first, second = ''] = written;
  expect(first).toBe('the first line\n');
  expect(second.match(/^123456789$/gm)).toHaveLength(10);
  expect(second).toContain('nobody took them: 990');
});

test('lines that met a full disk are missing, and the log goes on on a line of its own', () => {
  const { outlet, written, end } = anOutlet();
  const sink = logSink({ ...options, outlet });
  sink.write('this one is lost\n');
  end(full);
  sink.write('this one is not\n');
  end();
  expect(written).toHaveLength(1);
  const lines = written[0]?.split('\n') ?? [];
  expect(lines[0]).toBe('');
  expect(JSON.parse(lines[1] ?? '')).toMatchObject({
    level: 40,
    msg: expect.stringContaining('nobody took them: 1'),
  });
  expect(lines.slice(2)).toEqual(['this one is not', '']);
  sink.write('and no more is said\n');
  end();
  expect(written[1]).toBe('and no more is said\n');
});

test('a flush ends when all is written, when it cannot be, and when its patience is over', async () => {
  const { outlet, written, end } = anOutlet();
  const sink = logSink({ ...options, outlet });
  await sink.flush();
  sink.write('a\n');
  const flushed = sink.flush(60_000);
  sink.write('b\n');
  end();
  end();
  await flushed;
  expect(written).toEqual(['a\n', 'b\n']);

  sink.write('c\n');
  const refused = sink.flush(60_000);
  end(full);
  await refused;

  sink.write('d\n');
  await sink.flush(1);
});

test('what waits is written at the very end, unless a write is under way', () => {
  const { outlet, written } = anOutlet();
  const sink = logSink({ ...options, outlet });
  sink.write('last\n');
  sink.flushSync();
  expect(written).toEqual(['last\n']);
  sink.write('a longer line\n');
  sink.write('x\n');
  sink.flushSync();
  expect(written).toEqual(['last\n']);
});

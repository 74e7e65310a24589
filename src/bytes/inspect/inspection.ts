/**
 * Looks at a stream as its bytes go by, and says which formats it is in and what speaks against them. One pass; what is
 * seen does not depend on how the bytes are cut into chunks, since every inspector is handed bytes by their place.
 */
import {
  type Finding,
  headBytes,
  type Inspector,
  lastBytesMost,
  type Reading,
  type Want,
} from './finding.ts';
import { diskInspectors } from './formats.ts';
import { moreBytes, type Room, roomOf, usualBytes } from './room.ts';
import { tar } from './tar.ts';

export interface Inspection {
  /** The formats that match, sorted; none: the bytes may be anything. */
  findings: readonly Finding[];
  /** Those of them for which the first `headBytes` are enough: what is certain by them is so whatever follows. */
  early: readonly Finding[];
  /** Bytes that were seen. */
  size: number;
}

export interface StreamInspector {
  /** The next bytes; they are not kept, but for what an inspector waits for. */
  update(chunk: Uint8Array): void;
  /** What the first bytes have said; null: they are not all here yet. */
  readonly early: readonly Finding[] | null;
  /** Ends it: once. */
  finish(): Inspection;
  /** Gives back what it holds; harmless twice, and after the end. */
  close(): void;
}

interface Running {
  reading: Reading;
  /** The bytes that it waits for, as they come; null: it waits for the last ones. */
  waiting: { at: number; end: number; parts: Buffer[] } | null;
  last: number;
  /** It was given all bytes before this place. */
  readTo: number;
}

const inspectors: readonly Inspector[] = [...diskInspectors, tar];

/** @throws UnavailableError `room` has none left: here, or where more has to be waited for */
export function inspectStream(room: Room = roomOf(Infinity, '')): StreamInspector {
  let held = 0;
  hold(usualBytes);
  const head = Buffer.allocUnsafe(headBytes);
  const tail = Buffer.alloc(lastBytesMost);
  const findings: Finding[] = [];
  let running: Running[] = [];
  let seen = 0;
  let hasBegun = false;
  let early: Finding[] | null = null;

  function hold(bytes: number): void {
    if (bytes > held) room.take(bytes - held);
    else room.give(held - bytes);
    held = bytes;
  }

  function holdWhatIsNeeded(): void {
    hold(running.some(({ waiting }) => waiting) ? usualBytes + moreBytes : usualBytes);
  }

  function begin(): void {
    hasBegun = true;
    const first = head.subarray(0, Math.min(seen, headBytes));
    for (const inspector of inspectors) {
      step({ reading: inspector(first), waiting: null, last: 0, readTo: first.length }, undefined);
    }
    early = sorted(findings);
    holdWhatIsNeeded();
  }

  /** Hands an inspector what it waited for, and notes what it wants next, or says. */
  function step(one: Running, bytes: Buffer | undefined): void {
    const next = bytes === undefined ? one.reading.next() : one.reading.next(bytes);
    if (next.done) {
      if (next.value) findings.push(next.value);
      return;
    }
    if ('last' in next.value) {
      one.waiting = null;
      one.last = Math.min(next.value.last, lastBytesMost);
    } else {
      const { at, length } = next.value;
      if (at < one.readTo) throw new Error(`an inspector wants byte ${at} after byte ${one.readTo}`);
      one.waiting = { at, end: at + length, parts: [] };
      one.readTo = at + length;
    }
    running.push(one);
  }

  /** `at` is where the chunk begins. */
  function feed(chunk: Buffer, at: number): void {
    const end = at + chunk.length;
    if (!running.some(({ waiting }) => waiting && waiting.at < end)) return;
    let open = running;
    running = [];
    // One that was handed its bytes may want more of the same chunk.
    for (; open.length > 0; ) {
      for (const one of open) {
        const { waiting } = one;
        const from = waiting && Math.max(waiting.at, at);
        if (!waiting || from === null || from >= end) {
          running.push(one);
          continue;
        }
        waiting.parts.push(Buffer.from(chunk.subarray(from - at, Math.min(waiting.end, end) - at)));
        if (waiting.end <= end) step(one, Buffer.concat(waiting.parts));
        else running.push(one);
      }
      open = running.filter((one) => one.waiting && one.waiting.parts.length === 0 && one.waiting.at < end);
      if (open.length > 0) running = running.filter((one) => !open.includes(one));
    }
    holdWhatIsNeeded();
  }

  function keepTail(chunk: Uint8Array): void {
    if (chunk.length >= lastBytesMost) {
      tail.set(chunk.subarray(-lastBytesMost));
      return;
    }
    tail.copyWithin(0, chunk.length);
    tail.set(chunk, lastBytesMost - chunk.length);
  }

  return {
    update(chunk) {
      const at = seen;
      const view = Buffer.from(chunk.buffer, chunk.byteOffset, chunk.byteLength);
      seen += chunk.length;
      keepTail(chunk);
      if (hasBegun) return feed(view, at);
      view.copy(head, at);
      if (seen < headBytes) return;
      begin();
      const rest = view.subarray(headBytes - at);
      if (rest.length > 0) feed(rest, headBytes);
    },
    finish() {
      if (!hasBegun) begin();
      for (; running.length > 0; ) {
        const open = running;
        running = [];
        for (const one of open) {
          const last = tail.subarray(lastBytesMost - Math.min(one.last, seen, lastBytesMost));
          step(one, one.waiting ? Buffer.concat(one.waiting.parts) : last);
        }
      }
      hold(0);
      return { findings: sorted(findings), early: early ?? [], size: seen };
    },
    get early() {
      return early;
    },
    close: () => hold(0),
  };
}

/** The same of bytes that lie somewhere: `read` gives those from `start` to before `end`, which are there. */
export async function inspectStored(
  size: number,
  read: (start: number, end: number) => Promise<Buffer>,
): Promise<Inspection> {
  const head = await read(0, Math.min(size, headBytes));
  const findings: Finding[] = [];
  const early: Finding[] = [];
  for (const inspector of inspectors) {
    const reading = inspector(head);
    let step = reading.next();
    if (step.done && step.value) early.push(step.value);
    while (!step.done) {
      const [start, end] = placeOf(step.value, size);
      step = reading.next(start < end ? await read(start, end) : Buffer.alloc(0));
    }
    if (step.value) findings.push(step.value);
  }
  return { findings: sorted(findings), early: sorted(early), size };
}

const sorted = (findings: Finding[]) => findings.toSorted((a, b) => (a.format < b.format ? -1 : 1));

function placeOf(want: Want, size: number): [start: number, end: number] {
  if ('last' in want) return [Math.max(0, size - Math.min(want.last, lastBytesMost)), size];
  return [want.at, Math.min(size, want.at + want.length)];
}

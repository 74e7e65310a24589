/**
 * A file of a multipart request passes through a file of the spool: graphql-upload-ts (2.2.0) writes it there, and
 * any number may read it. Its writer is mended here, for three things that it does when the disk is full or the
 * client leaves: it tells its readers nothing, so that they wait for ever; it takes a part of a chunk for all of
 * it, so that they read a hole; and it closes the file under a write that is still to come, which then goes into
 * whatever file has that number by then.
 */
import { write } from 'node:fs';
import { type FileUpload, WriteStream } from 'graphql-upload-ts';
import { errnoOf } from '../cloud/outage.ts';

/** The spool could not take the file in. */
export class SpoolError extends Error {}

type Done = (error?: Error | null) => void;

/** What the library's writer has, as far as it matters here. */
interface Writer extends NodeJS.EventEmitter {
  /** Null before the file is open. */
  _fd: number | null;
  /** Bytes written. */
  _pos: number;
  readonly destroyed: boolean;
  readonly errored: Error | null;
  _write(chunk: Buffer, encoding: string, done: Done): void;
  _destroy(error: Error | null, done: Done): void;
  destroy(error: Error): void;
}

let isMended = false;

/** Once for the process, before the first multipart request. */
export function mendSpool(): void {
  if (isMended) return;
  isMended = true;
  const writer = WriteStream.prototype as unknown as Writer;
  const destroy = writer._destroy;
  const underWay = new WeakMap<Writer, Promise<void>>();

  writer._write = function (chunk, encoding, done) {
    if (this.destroyed) {
      done();
      return;
    }
    if (this._fd === null) {
      this.once('ready', () => this._write(chunk, encoding, done));
      return;
    }
    const writing = writeAll(this._fd, chunk, this._pos).then(
      () => {
        this._pos += chunk.length;
        this.emit('write');
        done();
      },
      (error: Error) => {
        done(error);
        this.destroy(error);
      },
    );
    underWay.set(this, writing);
  };

  writer._destroy = function (error, done) {
    const shown = errnoOf(error) === null ? error : new SpoolError('The spool failed.', { cause: error });
    const settled = underWay.get(this) ?? Promise.resolve();
    void settled.then(() => destroy.call(this, shown, done));
  };
}

async function writeAll(fd: number, chunk: Buffer, position: number): Promise<void> {
  for (let done = 0; done < chunk.length; ) {
    const { promise, resolve, reject } = Promise.withResolvers<number>();
    write(fd, chunk, done, chunk.length - done, position + done, (error, n) =>
      error ? reject(error) : resolve(n),
    );
    done += await promise;
  }
}

/** @throws SpoolError, or what else has ended the writing of this file */
export function requireSpooled(upload: FileUpload): void {
  const { errored } = (upload as unknown as { capacitor: Writer }).capacitor;
  if (errored) throw errored;
}

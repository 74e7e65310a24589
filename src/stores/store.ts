/**
 * The contract between the registry and the places that keep bytes. A store knows keys and bytes: no images,
 * no HTTP, no other stores. What a store cannot do is missing from its type.
 */

/** First and last byte, both included, both inside the object. */
export interface ByteRange {
  start: number;
  end: number;
}

/** Can be read from. Keys are made by the registry: `[0-9a-z.-]{1,100}`, never taken from a user. */
export interface Store {
  /** As the settings name it. */
  readonly id: string;
  /** The driver: file, memory. */
  readonly type: string;
  /** Size in bytes. @throws NotFoundError nothing was committed under this key */
  stat(key: string, signal?: AbortSignal): Promise<{ size: number }>;
  /**
   * Bytes start..end, both included; all of them without a range. A chunk is only valid until the next one is
   * asked for: who keeps it copies it. The iteration ends early, without an error, when the object is shorter
   * than it was: the reader counts. Who is given the iterable iterates it, calls return() on its iterator or
   * gives the signal: until then a driver may hold a file or a connection.
   * @throws NotFoundError nothing was committed under this key
   * @throws UnavailableError the store refuses
   */
  read(key: string, range?: ByteRange, signal?: AbortSignal): Promise<AsyncIterable<Uint8Array>>;
  /** Resolves when the store answers. @throws UnavailableError it does not */
  probe(signal?: AbortSignal): Promise<void>;
}

/** Can be written to as well. */
export interface WritableStore extends Store {
  /**
   * Begins an object. `hint.size` is the number of bytes that will come, null when it is not known;
   * `hint.pausable` that the writer will be paused and the write resumed, `hint.onlyWhereUsed` that a place which
   * holds nothing at all is refused: where something was lost, that may be a disk that is not mounted.
   * @throws ConflictError ALREADY_EXISTS: an object or an unfinished write has this key
   * @throws UnavailableError the store refuses, or has no room for hint.size
   */
  create(key: string, hint: WriteHint, signal?: AbortSignal): Promise<PausableWriter>;
  /**
   * Goes on with a write that was begun as pausable, on this machine or another: after `paused.offset` bytes,
   * whatever came after them. Nobody else may be writing it; nothing changes before the first write.
   * @throws NotFoundError what was written is gone, or was committed already
   * @throws UnavailableError the store refuses
   */
  resume(key: string, paused: PausedWrite, signal?: AbortSignal): Promise<PausableWriter>;
  /** Takes away the object and what an unfinished write left under its key. Succeeds when there is nothing. */
  remove(key: string): Promise<void>;
  /** All keys that hold something, unfinished writes included; in no order. */
  keys(signal?: AbortSignal): AsyncIterable<string>;
}

export interface WriteHint {
  size: number | null;
  pausable?: boolean;
  onlyWhereUsed?: boolean;
}

/** A write that is interrupted: all that is needed to go on, kept by the caller. */
export interface PausedWrite {
  /** Bytes that are durable, those of `tail` included once the caller has it in a safe place. */
  offset: number;
  /** Of the driver; can be written as JSON. */
  state: unknown;
  /** The last bytes, which the store does not take in so small a piece: less than 5 MiB. */
  tail: Uint8Array;
}

/** One object being written. Not for use by two at a time. */
export interface StoreWriter {
  /**
   * Resolves when the next chunk is welcome. The chunk belongs to the writer until the call after this one
   * (write, commit or cancel) has resolved: the caller must not change it before.
   * @throws UnavailableError no room (reason full) or the store refuses; only cancel makes sense after it
   */
  write(chunk: Uint8Array): Promise<void>;
  /** Durable and readable from here on, not before. @throws UnavailableError nothing is there; cancel it */
  commit(): Promise<void>;
  /** Leaves nothing behind, of what was paused neither; harmless after commit, and twice. */
  cancel(): Promise<void>;
}

/** One that can be interrupted, where it was begun as pausable. */
export interface PausableWriter extends StoreWriter {
  /**
   * Lets go of what is held here; what came stays for resume(). When it fails, what an earlier pause left still does.
   * Only cancel may be called after it.
   * @throws UnavailableError what came since the last pause is lost
   */
  pause(): Promise<PausedWrite>;
  /**
   * Lets go of what is held here and writes nothing more, whatever is under way: for one who may write no longer. What
   * the last pause left stays, and may be in use by another already. At any time; only cancel may be called after it.
   */
  leave(): Promise<void>;
}

export function isWritable(store: Store): store is WritableStore {
  return 'create' in store;
}

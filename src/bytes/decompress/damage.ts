/** What is wrong with compressed bytes, in the words of the contract: the format, where, and the way out. */
import { invalid, type ValidationError } from '../../domain/errors.ts';

export type Compression = 'gzip' | 'zstd' | 'xz' | 'bzip2';

/** `offset` counts compressed bytes: the mistake is there, or little before. */
export function damaged(format: Compression, offset: number, what: string): ValidationError {
  const message = `The ${format} data is damaged near byte ${offset}: ${what}; compress it again and send all of it`;
  return invalid(['bytes'], 'BAD_COMPRESSION', message);
}

/** The bytes end at `offset`, and should not. */
export function truncated(format: Compression, offset: number): ValidationError {
  const message = `The ${format} data ends at byte ${offset}, in the middle; send all of it`;
  return invalid(['bytes'], 'BAD_COMPRESSION', message);
}

/** Sound as it may be, it is not read here. */
export function unsupported(format: Compression, offset: number, what: string): ValidationError {
  const message = `The ${format} data at byte ${offset} ${what}, which is not read here; compress it with the usual settings`;
  return invalid(['bytes'], 'BAD_COMPRESSION', message);
}

/** What is kept of an upload or an import that failed, for those who were not there. */
import { DomainError, ValidationError } from './errors.ts';
import type { ImageFailure, Instant } from './image.ts';

/** What is not an expected failure says nothing of the inside: a client that went, or a bug that the log has. */
export function failureOf(error: unknown, at: Instant): ImageFailure {
  if (error instanceof ValidationError) {
    return { code: error.issues[0]?.code ?? error.code, message: error.message, at };
  }
  if (error instanceof DomainError) return { code: error.code, message: error.message, at };
  return {
    code: 'BROKEN_OFF',
    message: 'The transfer broke off before all bytes were here; send them again.',
    at,
  };
}

/** A resumable upload that nobody went on with. */
export const uploadExpired = (at: Instant): ImageFailure => ({
  code: 'UPLOAD_EXPIRED',
  message: 'The upload was not gone on with in time; begin a new one.',
  at,
});

/** A server that took the bytes and was not heard of again. */
export const writerSilent = (at: Instant): ImageFailure => ({
  code: 'WRITER_SILENT',
  message: 'The server that took the bytes stopped in the middle; send them again.',
  at,
});

/** How long staged data waits for an import. */
export const stagedDays = 7;

/** Data that was staged, and no import came. */
export const stageForgotten = (at: Instant): ImageFailure => ({
  code: 'STAGE_EXPIRED',
  message: `The data was staged ${stagedDays} days ago and never imported; stage it again.`,
  at,
});

/** So long the machine that holds staged data may be away before its imports fail. */
export const machineLostHours = 24;

/** Only that machine has the staged data, and it does not come back. */
export const machineLost = (at: Instant): ImageFailure => ({
  code: 'MACHINE_LOST',
  message: `The machine that has the staged data was not heard of for ${machineLostHours} hours; stage it again.`,
  at,
});

/** The same for an import, which nobody has to send again. */
export function importFailureOf(error: unknown, taskId: string, at: Instant): ImageFailure {
  if (error instanceof DomainError) return failureOf(error, at);
  return {
    code: 'IMPORT_BROKEN_OFF',
    message: `The import broke off for a reason of this service; its log has it under task ${taskId}.`,
    at,
  };
}

/** Which entries of the audit log are asked for: all that is given must hold. */
import type { AuditObjectType, AuditResult } from '../domain/audit.ts';
import type { Instant } from '../domain/image.ts';

export interface AuditFilter {
  objectType?: AuditObjectType;
  objectId?: string;
  /** Of who acted. */
  user?: string;
  project?: string;
  /** One of these. */
  actions?: string[];
  result?: AuditResult;
  requestId?: string;
  /** From this moment on, and before that one. */
  from?: Instant;
  until?: Instant;
}

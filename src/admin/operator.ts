/** Who runs a command here, for the audit log. */
import { userInfo } from 'node:os';
import { type Actor, operator } from '../domain/audit.ts';

export function thisOperator(): Actor {
  try {
    return operator(userInfo().username);
  } catch {
    return operator(null); // a user id that has no name, as containers have them
  }
}

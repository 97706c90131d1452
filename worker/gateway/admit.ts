import type { Call } from '../core/call.ts';
import { ApiError } from '../core/errors.ts';

/** The firewall's word, before anything is spent on the caller: its rules travel in the revocation feed. */
export function admit(call: Call): void {
  if (call.snapshot.banned(call.ip, call.request)) {
    throw new ApiError('banned');
  }
}

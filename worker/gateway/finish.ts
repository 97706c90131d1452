import type { Call } from '../core/call.ts';
import type { ApiError } from '../core/errors.ts';
import { countError } from './count-error.ts';
import { observeCall } from './observe-call.ts';

/** The last step of every call, whatever its fate: one observation, a mark against who was refused, then the answer. */
export function finish(call: Call, response: Response, error: ApiError | null): Response {
  observeCall(call, response.status, error);
  countError(call, response.status, error);
  return response;
}

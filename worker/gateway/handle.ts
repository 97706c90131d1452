import type { Call } from '../core/call.ts';
import { ApiError } from '../core/errors.ts';
import type { Runtime } from '../core/runtime.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { soon } from '../lib/soon.ts';
import { admit } from './admit.ts';
import { authenticate } from './authenticate.ts';
import { authorize } from './authorize.ts';
import { checkResponse } from './check-response.ts';
import { finish } from './finish.ts';
import { matchOperation } from './match-operation.ts';
import { once } from './once.ts';
import { openCall } from './open-call.ts';
import { preflight } from './preflight.ts';
import { readInput } from './read-input.ts';
import { render, renderError } from './render.ts';
import { reserveCredits } from './reserve-credits.ts';
import { runOperation } from './run-operation.ts';
import { takeRate } from './take-rate.ts';

/** One API call. Each line yields what the next one needs, or throws an ApiError. */
export async function handle(request: Request, snapshot: Snapshot, runtime: Runtime): Promise<Response> {
  const call = openCall(request, snapshot, runtime);
  try {
    call.operation = await matchOperation(call); // 400, 404, 405, 410, 414, 431
    if (call.method === 'OPTIONS') {
      return finish(call, preflight(call), null);
    }
    admit(call); // 403 firewall
    call.caller = await authenticate(call); // 401
    authorize(call); // 403
    await takeRate(call); // 429, before a body is read
    const input = await readInput(call); // 400, 413, 415
    const run = () => soon(reserveCredits(call), (credits) => runOperation(call, input, credits)); // 402, after validation
    const result = await once(call, input, run); // 400, 409, 422
    const response = render(call, result);
    return finish(call, await checkResponse(call, response), null);
  } catch (thrown) {
    const error = ApiError.from(thrown);
    return finish(call, renderError(call as Call, error), error);
  }
}

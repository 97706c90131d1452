import type { ActionInput } from '../actions/define.ts';
import { actionInput, runContext } from '../actions/from-call.ts';
import { runAction } from '../actions/run.ts';
import type { OpenSecret } from '../connections/open.ts';
import { baseUrlOf } from '../core/base-url.ts';
import type { Call, Input } from '../core/call.ts';
import { secretsOf } from '../lib/derive.ts';
import { open } from '../lib/seal.ts';
import type { Credits } from './reserve-credits.ts';

/** Runs what answers the operation: compiled code of the platform, or the configured action. Failures give points back. */
export async function runOperation(call: Call, input: Input, credits: Credits): Promise<unknown> {
  const operation = call.operation!;
  if (operation.native !== null) {
    return operation.native.run(call, input);
  }
  try {
    const response = await executeAction(call, operation.action, actionInput(call, input));
    if (response.status >= 500) {
      await credits.release();
    }
    return response;
  } catch (thrown) {
    await credits.release();
    // Who broke off the body is told why, not that the upstream was not reached.
    throw call.bodyBroken?.aborted ? call.bodyBroken.reason : thrown;
  }
}

/** Runs an action for a call: the operation's own, or one that is tried by hand (never in the background). */
export function executeAction(call: Call, reference: string, input: ActionInput): Promise<Response> {
  const { runtime, tenant, url } = call;
  const openSecret: OpenSecret = (envelope, place) => open(envelope, `${tenant}/${place}`, secretsOf(runtime.env));
  const background = call.operation?.native === null;
  return runAction(reference, input, runContext(call, baseUrlOf(runtime.env, url), openSecret, background));
}

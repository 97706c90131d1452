import type { ActionInput } from '../actions/define.ts';
import { actionInput, runContext } from '../actions/from-call.ts';
import { runAction } from '../actions/run.ts';
import type { OpenSecret } from '../connections/open.ts';
import { baseUrlOf } from '../core/base-url.ts';
import type { Call, Input } from '../core/call.ts';
import { secretsOf } from '../lib/derive.ts';
import { open } from '../lib/seal.ts';
import type { Soon } from '../lib/soon.ts';
import { type Credits, noCredits } from './reserve-credits.ts';

/** Runs what answers the operation: compiled code of the platform, or the configured action. Failures give points back. */
export function runOperation(call: Call, input: Input, credits: Credits): Soon<unknown> {
  const operation = call.operation!;
  if (operation.native !== null) {
    return operation.native.run(call, input);
  }
  const run = () => executeAction(call, operation.action, actionInput(call, input));
  // Nothing to give back and nothing to break off: nothing has to stand by.
  return credits === noCredits && call.bodyBroken === undefined ? run() : standBy(call, credits, run);
}

async function standBy(call: Call, credits: Credits, run: () => Promise<Response>): Promise<Response> {
  try {
    const response = await run();
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
  return runAction(reference, input, runContext(call, baseUrlOf(runtime.env, url, tenant), openSecret, background));
}

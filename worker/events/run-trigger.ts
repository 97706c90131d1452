import type { ActionInput } from '../actions/define.ts';
import { defaultTimeout } from '../actions/from-call.ts';
import { runAction } from '../actions/run.ts';
import { anonymous } from '../core/call.ts';
import { ApiError } from '../core/errors.ts';
import type { Attempt, LaneJob, LaneSettings } from '../core/events.ts';
import type { Runtime } from '../core/runtime.ts';
import { secretsOf } from '../lib/derive.ts';
import { open } from '../lib/seal.ts';
import { currentSnapshot } from '../snapshot/current.ts';

/** Bytes of an action's answer that are kept. */
const keptAnswer = 1_024;

/** Runs a trigger's action with the event's payload, once, as nobody. An answer below 400 is success. */
export async function runTrigger(lane: LaneSettings, job: LaneJob, runtime: Runtime): Promise<Attempt> {
  const { tenant } = lane;
  const { env, now } = runtime;
  try {
    const snapshot = await currentSnapshot({ ...runtime, tenant, now: now() });
    const response = await runAction(String(lane.target.action), inputOf(job), {
      snapshot,
      runtime,
      dispatch: (dispatch) => runtime.dispatcher.dispatch(snapshot, dispatch),
      openSecret: (envelope, place) => open(envelope, `${tenant}/${place}`, secretsOf(env)),
      tenant,
      requestId: job.id,
      operationId: null,
      baseUrl: (env.PUBLIC_URL ?? '').replace(/\/+$/, ''),
      caller: anonymous,
      ip: '',
      timeout: defaultTimeout,
      background: false,
      event: { id: job.id, name: job.name, time: job.time, depth: job.depth },
      waited: () => {},
    });
    const answer = (await response.text()).slice(0, keptAnswer);
    const ok = response.status < 400;
    return { ok, code: response.status, error: ok ? null : `The action answered ${response.status}`, answer };
  } catch (thrown) {
    const error = ApiError.from(thrown);
    if (error.code === 'internal') {
      runtime.report(`trigger.${lane.id}`, thrown);
    }
    return { ok: false, code: error.status, error: error.message, answer: null };
  }
}

function inputOf({ payload }: LaneJob): ActionInput {
  return {
    arguments: {},
    uriFragments: {},
    payload: JSON.parse(payload),
    http: {
      method: 'POST',
      path: '/',
      query: new URLSearchParams(),
      headers: new Headers({ 'content-type': 'application/json' }),
      stream: null,
      bytes: new TextEncoder().encode(payload),
      request: null,
    },
  };
}

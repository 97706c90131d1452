import type { ActionInput } from '../actions/define.ts';
import { defaultTimeout } from '../actions/from-call.ts';
import { type QueuedRun, thawInput } from '../actions/queued-run.ts';
import { type RunContext, runAction } from '../actions/run.ts';
import { anonymous } from '../core/call.ts';
import { ApiError } from '../core/errors.ts';
import type { Attempt, LaneJob, LaneSettings } from '../core/events.ts';
import type { Runtime } from '../core/runtime.ts';
import { secretsOf } from '../lib/derive.ts';
import { open } from '../lib/seal.ts';
import { currentSnapshot, homeOf } from '../snapshot/current.ts';

/** Characters of an action's answer that are kept. */
const keptAnswer = { trigger: 1_024, run: 65_536 };

/** Runs a trigger's action with the event's payload, once, as nobody. An answer below 400 is success. */
export async function runTrigger(lane: LaneSettings, job: LaneJob, runtime: Runtime): Promise<Attempt> {
  const event = { id: job.id, name: job.name, time: job.time, depth: job.depth };
  const baseUrl = await homeOf({ ...runtime, tenant: lane.tenant });
  return attempt(lane, String(lane.target.action), payloadInput(job), runtime, keptAnswer.trigger, {
    ...{ requestId: job.id, operationId: null, baseUrl, caller: anonymous, ip: '', timeout: defaultTimeout, event },
  });
}

/** Runs an async action as its caller, once. An answer below 400 is success. */
export function runQueued(lane: LaneSettings, job: LaneJob, runtime: Runtime): Promise<Attempt> {
  const { reference, input, ...context } = JSON.parse(job.payload) as QueuedRun;
  return attempt(lane, reference, thawInput(input), runtime, keptAnswer.run, context);
}

type Around = Pick<RunContext, 'requestId' | 'operationId' | 'baseUrl' | 'caller' | 'ip' | 'timeout' | 'event'>;

async function attempt(
  { tenant, kind, id }: LaneSettings,
  reference: string,
  input: ActionInput,
  runtime: Runtime,
  kept: number,
  around: Around,
): Promise<Attempt> {
  try {
    const snapshot = await currentSnapshot({ ...runtime, tenant, now: runtime.now() });
    const response = await runAction(reference, input, {
      ...around,
      snapshot,
      runtime,
      dispatch: (dispatch) => runtime.dispatcher.dispatch(snapshot, dispatch),
      openSecret: (envelope, place) => open(envelope, `${tenant}/${place}`, secretsOf(runtime.env)),
      tenant,
      queue: null,
      waited: () => {},
    });
    const answer = (await response.text()).slice(0, kept);
    const ok = response.status < 400;
    return { ok, code: response.status, error: ok ? null : `The action answered ${response.status}`, answer };
  } catch (thrown) {
    const error = ApiError.from(thrown);
    if (error.code === 'internal') {
      runtime.report(`events.${kind}.${id}`, thrown);
    }
    return { ok: false, code: error.status, error: error.message, answer: null };
  }
}

function payloadInput({ payload }: LaneJob): ActionInput {
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

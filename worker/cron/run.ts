import { runAction } from '../actions/run.ts';
import { anonymous } from '../core/call.ts';
import { ApiError } from '../core/errors.ts';
import type { Attempt, LaneJob, LaneSettings } from '../core/events.ts';
import type { Runtime } from '../core/runtime.ts';
import { secretsOf } from '../lib/derive.ts';
import { open } from '../lib/seal.ts';
import { currentSnapshot, homeOf } from '../snapshot/current.ts';

/** Characters of an action's answer that are kept. */
const keptAnswer = 1_024;
/** From the end of a run's time until it is held for lost, milliseconds: for writing its end down. */
const grace = 60_000;
/** Waits between attempts to write an end down, milliseconds; after them the lane comes again. */
const pauses = [100, 1_000, 0];

interface Started {
  name: string;
  action: string;
  timeout: number;
  /** Of the cronjob; 0 when it is gone. */
  active: number;
}

interface Outcome {
  ended: number;
  code: number;
  error: string | null;
  answer: string | null;
}

/**
 * What a cronjob's lane does: begins a run in the database, by which it is begun at most once, runs the action and writes its
 * end down. A run that was begun by a former life of the lane is lost.
 */
export function createCronWork(): (lane: LaneSettings, job: LaneJob, runtime: Runtime) => Promise<Attempt> {
  /** Of this life: starts whose reply did not come, and ends that could not be written. */
  const tokens = new Map<number, string>();
  const ends = new Map<number, Outcome>();

  async function attempt({ tenant, id: lane }: LaneSettings, { payload }: LaneJob, runtime: Runtime): Promise<Attempt> {
    const { DB: db } = runtime.env;
    const id = Number(payload);
    let outcome = ends.get(id);
    if (outcome === undefined) {
      const token = tokens.get(id) ?? crypto.randomUUID();
      tokens.set(id, token);
      const started = await start(db, id, token, runtime.now());
      tokens.delete(id);
      if (started === null) {
        return { ok: false, final: true, code: null, error: 'Begun before, or cancelled', answer: null };
      }
      outcome = await perform(started, { tenant, id, cronjob: Math.floor(lane / 16) }, runtime);
      ends.set(id, outcome);
    }
    await finish(db, id, outcome);
    ends.delete(id);
    const { code, error, answer } = outcome;
    return { ok: error === null, final: true, code, error, answer };
  }
  return attempt;
}

/** Begins a run. Null: it is not to be run; if it was under way, it is lost. */
async function start(db: D1Database, id: number, token: string, now: number): Promise<Started | null> {
  const [begun] = await db.batch<Started>([
    db
      .prepare(
        `UPDATE cronjob_run SET status = 'running', token = ?2, started = ?3,
           deadline = ?3 + ${grace} + (SELECT timeout FROM cronjob WHERE cronjob.id = cronjob_id)
         WHERE id = ?1 AND (status = 'pending' OR (status = 'running' AND token = ?2))
           AND EXISTS (SELECT 1 FROM cronjob WHERE cronjob.id = cronjob_id AND cronjob.status = 1)
         RETURNING (SELECT name FROM cronjob WHERE cronjob.id = cronjob_id) AS name,
           (SELECT action FROM cronjob WHERE cronjob.id = cronjob_id) AS action,
           (SELECT timeout FROM cronjob WHERE cronjob.id = cronjob_id) AS timeout`,
      )
      .bind(id, token, now),
    db
      .prepare(
        `UPDATE cronjob_run SET status = 'lost', ended = ?3, error = 'The run was interrupted'
         WHERE id = ?1 AND status = 'running' AND token <> ?2`,
      )
      .bind(id, token, now),
    db
      .prepare(`UPDATE cronjob_run SET status = 'cancelled', settled = 1 WHERE id = ?1 AND status = 'pending'`)
      .bind(id),
  ]);
  return begun!.results[0] ?? null;
}

async function perform(
  { name, action, timeout }: Started,
  { tenant, id, cronjob }: { tenant: string; id: number; cronjob: number },
  runtime: Runtime,
): Promise<Outcome> {
  const { env, now } = runtime;
  const began = now();
  let upstream = 0;
  let [code, error, answer]: [number, string | null, string | null] = [0, null, null];
  try {
    const snapshot = await currentSnapshot({ ...runtime, tenant, now: now() });
    const response = await runAction(action, emptyInput(), {
      snapshot,
      runtime,
      dispatch: (dispatch) => runtime.dispatcher.dispatch(snapshot, dispatch),
      openSecret: (envelope, place) => open(envelope, `${tenant}/${place}`, secretsOf(env)),
      tenant,
      requestId: `run_${id}`,
      operationId: null,
      baseUrl: await homeOf({ ...runtime, tenant }),
      caller: anonymous,
      ip: '',
      timeout,
      queue: null,
      waited: (milliseconds) => {
        upstream += milliseconds;
      },
    });
    code = response.status;
    answer = await beginning(response, timeout - (now() - began));
    error = code < 400 ? null : `The action answered ${code}`;
  } catch (thrown) {
    const failure = ApiError.from(thrown);
    [code, error] = [failure.status, failure.message];
    if (failure.code === 'internal') {
      runtime.report(`cronjob.${name}`, thrown);
    }
  }
  const ended = now();
  runtime.observer.observe({
    ...{ kind: 'run', tenant, at: began, id: cronjob, name },
    ...{ outcome: error === null ? 'done' : 'failed', status: code, duration: ended - began, upstream },
  });
  return { ended, code, error, answer };
}

/** The first kilobyte of an answer. Its end is waited for, since the work may last as long as the answer does. */
async function beginning(response: Response, patience: number): Promise<string> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(
    () => {
      late.reject(new ApiError('upstream_timeout', 'The answer of the action did not end in time'));
      response.body?.cancel().catch(() => {});
    },
    Math.max(0, patience),
  );
  try {
    return (await Promise.race([response.text(), late.promise])).slice(0, keptAnswer);
  } finally {
    clearTimeout(timer);
  }
}

/** Throws when the database did not take it: the lane comes again, and this life still knows it. */
async function finish(db: D1Database, id: number, { ended, code, error, answer }: Outcome): Promise<void> {
  const statement = db
    .prepare(
      `UPDATE cronjob_run SET status = ?2, settled = 1, ended = ?3, exit_code = ?4, code = ?5, error = ?6, answer = ?7
       WHERE id = ?1 AND status IN ('running', 'lost')`,
    )
    .bind(id, error === null ? 'done' : 'failed', ended, error === null ? 0 : 1, code, error, answer);
  for (const pause of pauses) {
    try {
      await statement.run();
      return;
    } catch (thrown) {
      if (pause === 0) {
        throw thrown;
      }
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

/** Nobody calls, with nothing. */
function emptyInput() {
  return {
    arguments: {},
    uriFragments: {},
    payload: {},
    http: {
      method: 'POST',
      path: '/',
      query: new URLSearchParams(),
      headers: new Headers(),
      stream: null,
      bytes: null,
      request: null,
    },
  };
}

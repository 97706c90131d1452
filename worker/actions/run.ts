import { type OpenSecret, openConnection } from '../connections/open.ts';
import type { Caller } from '../core/call.ts';
import { ApiError } from '../core/errors.ts';
import type { Dispatch } from '../core/events.ts';
import type { ActionRecord } from '../core/records.ts';
import type { Runtime } from '../core/runtime.ts';
import type { Snapshot } from '../core/snapshot.ts';
import { type Soon, soon } from '../lib/soon.ts';
import type { ActionContext, ActionInput, ActionType } from './define.ts';
import { httpProcessor } from './http-processor.ts';
import { actionType } from './index.ts';
import { withBody } from './payload.ts';
import { freezeInput, type QueuedRun } from './queued-run.ts';

/** What a run needs of the world around it; from-call.ts makes it of a call. */
export interface RunContext {
  snapshot: Pick<Snapshot, 'action' | 'connection'>;
  runtime: Pick<Runtime, 'env' | 'egress' | 'now' | 'defer'>;
  /** The way into the outbox, with the configuration that the run sees. */
  dispatch(dispatch: Dispatch): Promise<{ id: string }>;
  openSecret: OpenSecret;
  tenant: string;
  requestId: string;
  operationId: number | null;
  /** Without a trailing slash. */
  baseUrl: string;
  caller: Caller;
  ip: string;
  /** Milliseconds the run may take until it gives an answer. */
  timeout: number;
  /** Keeps the run of an action that is marked as async until it is done; null runs it like any other. */
  queue: ((action: string, retries: number, run: QueuedRun) => Promise<{ id: string }>) | null;
  /** The event that a trigger answers; `depth` as in core/events.ts. */
  event?: { id: string; name: string; time: number; depth: number };
  /** Adds to the time spent waiting for others, milliseconds. */
  waited: ActionContext['waited'];
  random?(): number;
}

/** Actions that run each other may be so many levels deep. */
const maximumDepth = 16;

/**
 * Runs an action by reference: `Name`, `action://Name@commit`, an url (passed on to as HTTP-Processor does) or
 * `php+class://` and the name of a class that needs no configuration. Throws `unavailable` when there is no such action,
 * `not_configured` when its class is not here, `upstream_timeout` when it takes too long, and whatever the action throws.
 */
export function runAction(reference: string, input: ActionInput, run: RunContext): Promise<Response> {
  try {
    // The action's own promise: one made around it would be three turns of the microtask queue.
    return Promise.resolve(
      soon(find(reference, run.snapshot), (action) =>
        action.async && run.queue !== null
          ? enqueue(reference, action, input, run, run.queue)
          : execute(action, input, run, 0),
      ),
    );
  } catch (thrown) {
    return Promise.reject(thrown);
  }
}

async function enqueue(
  reference: string,
  action: Found,
  input: ActionInput,
  run: RunContext,
  queue: NonNullable<RunContext['queue']>,
): Promise<Response> {
  const { caller, ip, requestId, operationId, baseUrl, timeout } = run;
  const kept = freezeInput(await withBody(input));
  const queued = { reference, input: kept, caller, ip, requestId, operationId, baseUrl, timeout };
  const { id } = await queue(action.name, action.retries, queued);
  return Response.json(
    { success: true, message: 'Request was queued for execution', id },
    { status: 202, headers: { location: `${baseUrl}/system/run/${id}` } },
  );
}

interface Found {
  name: string;
  type: ActionType;
  config: Record<string, unknown>;
  async: boolean;
  /** How often a queued run that failed is tried again. */
  retries: number;
}

function find(reference: string, snapshot: Pick<Snapshot, 'action'>): Soon<Found> {
  if (reference.startsWith('action://')) {
    return findAction(reference.slice(9), snapshot);
  }
  if (/^https?:\/\//i.test(reference)) {
    return { name: reference, type: httpProcessor, config: implicitConfig(reference), async: false, retries: 0 };
  }
  const [, scheme = 'action', name = ''] = /^(?:([a-z][a-z0-9+.-]*):\/\/)?(.*)$/is.exec(reference)!;
  if (scheme === 'php+class') {
    return { name, type: known(name, name), config: {}, async: false, retries: 0 };
  }
  return scheme.toLowerCase() === 'action' ? findAction(name, snapshot) : found(name, undefined);
}

function findAction(name: string, snapshot: Pick<Snapshot, 'action'>): Soon<Found> {
  return soon(snapshot.action(name), (record) => found(name, record));
}

function found(name: string, record: ActionRecord | undefined): Found {
  if (record === undefined) {
    throw new ApiError('unavailable', `The action "${name}" that this operation needs does not exist`);
  }
  const { config, async } = record;
  const retries = Number(record.metadata?.retries ?? 0);
  return { name: record.name, type: known(record.class, record.name), config, async, retries };
}

function known(className: string, action: string): ActionType {
  const type = actionType(className);
  if (type === undefined) {
    throw new ApiError(
      'not_configured',
      `The action "${action}" has the class "${className}", which is not available here`,
    );
  }
  return type;
}

const implicit = new Map<string, Record<string, unknown>>();

/** One configuration object per url, because compiled urls are kept beside it. */
function implicitConfig(url: string): Record<string, unknown> {
  let config = implicit.get(url);
  if (config === undefined) {
    if (implicit.size >= 1_000) {
      implicit.clear();
    }
    implicit.set(url, (config = { url }));
  }
  return config;
}

function execute(action: Found, input: ActionInput, run: RunContext, depth: number): Promise<Response> {
  if (depth > maximumDepth) {
    throw new ApiError('loop_detected', `Actions run each other more than ${maximumDepth} levels deep`);
  }
  const work = action.type.run(input, action.config, new Run(action.name, run, depth));
  return action.type.punctual ? work : withTimeout(work, run.timeout, action.name);
}

/** What an action sees of its run. A class, because an object with as many functions would make them anew for each call. */
class Run implements ActionContext {
  readonly tenant: string;
  readonly requestId: string;
  readonly operationId: number | null;
  readonly baseUrl: string;
  readonly action: string;
  readonly caller: Caller;
  readonly ip: string;
  readonly timeout: number;
  readonly egress: ActionContext['egress'];
  readonly event: ActionContext['event'];
  readonly #run: RunContext;
  readonly #depth: number;
  readonly #deadline: number;

  constructor(action: string, run: RunContext, depth: number) {
    this.tenant = run.tenant;
    this.requestId = run.requestId;
    this.operationId = run.operationId;
    this.baseUrl = run.baseUrl;
    this.action = action;
    this.caller = run.caller;
    this.ip = run.ip;
    this.timeout = run.timeout;
    this.egress = run.runtime.egress;
    this.event = run.event ?? null;
    this.#run = run;
    this.#depth = depth;
    this.#deadline = run.runtime.now() + run.timeout;
  }

  now(): number {
    return this.#run.runtime.now();
  }

  random(): number {
    return this.#run.random?.() ?? Math.random();
  }

  defer(work: Promise<unknown>): void {
    this.#run.runtime.defer(work);
  }

  waited(milliseconds: number, asked?: { target: string; status?: number }): void {
    this.#run.waited(milliseconds, asked);
  }

  dispatch(event: string, payload: unknown, options?: Pick<Dispatch, 'userId' | 'id'>): Promise<{ id: string }> {
    const depth = this.#run.event === undefined ? 0 : this.#run.event.depth + 1;
    return this.#run.dispatch({ ...options, event, payload, depth });
  }

  connection(name: string): Promise<unknown> {
    const { runtime, snapshot, openSecret, tenant } = this.#run;
    const { env, egress } = runtime;
    return openConnection(snapshot, name, openSecret, { env, tenant, egress, timeout: this.#left });
  }

  async execute(reference: string, inner: ActionInput): Promise<Response> {
    const next = await find(reference, this.#run.snapshot);
    return execute(next, inner, { ...this.#run, timeout: Math.max(0, this.#left) }, this.#depth + 1);
  }

  get #left(): number {
    return this.#deadline - this.now();
  }
}

/** Most actions watch their own time; this is for those that wait for something without a clock. */
const grace = 250;

async function withTimeout(work: Promise<Response>, timeout: number, name: string): Promise<Response> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => {
    late.reject(new ApiError('upstream_timeout', `The action "${name}" gave no answer in time`));
    work.then((response) => response.body?.cancel()).catch(() => {});
  }, timeout + grace);
  try {
    return await Promise.race([work, late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

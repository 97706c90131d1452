import { and, eq } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { Type } from 'typebox';
import type { Call, Input } from '../core/call.ts';
import { ApiError } from '../core/errors.ts';
import { type JobFilter, type JobRecord, jobStatus, type LaneRpc } from '../core/events.ts';
import { laneOf, runShards } from '../core/lane-of.ts';
import type { ParameterRecord } from '../core/records.ts';
import type { SystemOperation } from '../core/system-operation.ts';
import { action, actions } from '../resources/action.ts';
import { visibleTo } from '../resources/authority-read.ts';
import { callerId } from './consumer/own.ts';
import { periodMembers, periodOf } from './job-filter.ts';
import { reach } from './lane.ts';

const states = {
  pending: jobStatus.waiting,
  done: jobStatus.done,
  failed: jobStatus.dead,
  cancelled: jobStatus.cancelled,
} as const;
const names = Object.fromEntries(Object.entries(states).map(([name, status]) => [status, name]));

/** Runs that a list reaches back to: each of the sixteen lanes is asked for so many. */
const deepest = 1_024;

const members = {
  id: Type.String(),
  action: Type.String(),
  status: Type.Unsafe<keyof typeof states>({
    type: 'string',
    enum: Object.keys(states),
    description: 'pending: waits or is under way; failed: given up',
  }),
  userId: Type.Optional(Type.Integer({ description: 'Who asked for it' })),
  attempts: Type.Integer({ description: 'Attempts that ended' }),
  date: Type.String({ description: 'When it was asked for' }),
  executeDate: Type.Optional(Type.String({ description: 'When the last attempt began' })),
  nextDate: Type.Optional(Type.String({ description: 'When the next attempt begins' })),
  code: Type.Optional(Type.Integer({ description: 'Status of the last answer' })),
  error: Type.Optional(Type.String()),
};

const page = Type.Object({
  totalResults: Type.Integer(),
  startIndex: Type.Integer(),
  itemsPerPage: Type.Integer(),
  entry: Type.Array(Type.Object(members)),
});

const filters: Record<string, ParameterRecord> = {
  startIndex: { type: 'integer', minimum: 0, maximum: deepest, description: 'How many entries to skip' },
  count: { type: 'integer', minimum: 1, maximum: deepest, description: 'How many entries to return, 16 unless given' },
  status: { type: 'string', enum: Object.keys(states), description: 'Only runs of this kind' },
  action: { type: 'string', description: 'Only runs of this action' },
  ...periodMembers('runs that were asked for'),
};

/** Runs of async actions: those of everybody for the backend, and for a caller his own, who may be anonymous where he has an id. */
export const runOperations: readonly SystemOperation[] = [
  {
    name: 'backend.run.getAll',
    method: 'GET',
    path: '/backend/run',
    description: 'Lists runs of async actions of the last 30 days, newest first',
    scope: 'backend.action',
    query: { ...filters, userId: { type: 'integer', description: 'Only runs that this user asked for' } },
    outgoing: page,
    run: async (call, { query }) =>
      listRuns(call, query, { owner: query.userId as number | undefined, names: await visibleActions(call) }),
  },
  {
    name: 'backend.run.get',
    method: 'GET',
    path: '/backend/run/:run_id',
    description: 'Returns a run of an async action, with its answer and all attempts',
    scope: 'backend.action',
    async run(call, input) {
      const { job } = await findVisible(call, input);
      return { ...runOf(job), ...answerOf(job), history: job.history.map(attemptOf) };
    },
  },
  {
    name: 'backend.run.delete',
    method: 'DELETE',
    path: '/backend/run/:run_id',
    description: 'Cancels a run of an async action that waits; 409 when it is under way or has ended',
    scope: 'backend.action',
    run: async (call, input) => cancel(await findVisible(call, input)),
  },
  {
    name: 'system.run.getAll',
    method: 'GET',
    path: '/system/run',
    description: 'Lists the own requests that were queued for execution (202) in the last 30 days, newest first',
    scope: null,
    query: filters,
    outgoing: page,
    run: (call, { query }) => listRuns(call, query, { owner: callerId(call) }),
  },
  {
    name: 'system.run.get',
    method: 'GET',
    path: '/system/run/:run_id',
    description: 'Returns how a request that was queued for execution (202) is going, and its answer',
    scope: null,
    async run(call, input) {
      const { job } = await findOwn(call, input);
      return { ...runOf(job), ...answerOf(job) };
    },
  },
  {
    name: 'system.run.delete',
    method: 'DELETE',
    path: '/system/run/:run_id',
    description: 'Cancels an own request that was queued and waits; 409 when it is under way or has ended',
    scope: null,
    run: async (call, input) => cancel(await findOwn(call, input)),
  },
];

async function listRuns(call: Call, query: Record<string, unknown>, whose: Pick<JobFilter, 'owner' | 'names'>) {
  const { startIndex = 0, count = 16, status, action } = query as Record<string, any>;
  const filter: JobFilter = {
    ...whose,
    status: status === undefined ? undefined : states[status as keyof typeof states],
    name: action,
    ...periodOf(query),
  };
  const wanted = Math.min(startIndex + count, deepest);
  const lanes = Array.from({ length: runShards }, (_, id) => laneOf(call.runtime.env, { ...place(call), id }));
  const pages = await reach(Promise.all(lanes.map((lane) => lane.outline(filter, wanted))));
  const jobs = pages.flatMap((found) => found.jobs).sort((one, other) => other.time - one.time);
  return {
    totalResults: pages.reduce((sum, { total }) => sum + total, 0),
    startIndex,
    itemsPerPage: count,
    entry: jobs.slice(startIndex, wanted).map((job) => runOf(job)),
  };
}

function place({ tenant }: Call) {
  return { tenant, kind: 'run' } as const;
}

interface Found {
  job: JobRecord;
  lane: LaneRpc;
}

/** Names of the async actions that the caller's category has. */
async function visibleActions(call: Call): Promise<string[]> {
  const rows = await drizzle(call.runtime.env.DB)
    .selectDistinct({ name: actions.name })
    .from(actions)
    .where(and(eq(actions.tenant_id, call.tenant), eq(actions.async, true), visibleTo(call, action)));
  return rows.map(({ name }) => name);
}

async function findVisible(call: Call, input: Input): Promise<Found> {
  const names = await visibleActions(call);
  return findRun(call, input, (job) => names.includes(job.name));
}

function findOwn(call: Call, input: Input): Promise<Found> {
  return findRun(call, input, ({ payload }) => JSON.parse(payload).caller.userId === call.caller.userId);
}

async function findRun(call: Call, input: Input, allowed: (job: JobRecord) => boolean): Promise<Found> {
  const id = String(input.path.run_id);
  const [, shard] = /^run_(\d{1,2})_[0-9a-f]{32}$/.exec(id) ?? [];
  if (shard !== undefined && Number(shard) < runShards) {
    const lane = laneOf(call.runtime.env, { ...place(call), id: Number(shard) });
    const { jobs } = await reach(lane.list({ ids: [id] }, 0, 1));
    const [job] = jobs;
    if (job !== undefined && allowed(job)) {
      return { job, lane };
    }
  }
  throw new ApiError('not_found', 'Could not find run');
}

async function cancel({ job, lane }: Found) {
  const count = await reach(lane.cancel({ ids: [job.id] }));
  if (count === 0) {
    throw new ApiError('conflict', 'The run is under way or has ended: it cannot be cancelled');
  }
  return { success: true, message: 'Run successfully cancelled', id: job.id };
}

function runOf(job: Omit<JobRecord, 'payload' | 'history'> & { owner?: number | null }) {
  const { id, name, status, attempts, time, executed, next, code, error, owner } = job;
  return {
    ...{ id, action: name, status: names[status], attempts, date: new Date(time).toISOString() },
    ...(owner == null ? {} : { userId: owner }),
    ...(executed === null ? {} : { executeDate: new Date(executed).toISOString() }),
    ...(next === null ? {} : { nextDate: new Date(next).toISOString() }),
    ...(code === null ? {} : { code }),
    ...(error === null ? {} : { error }),
  };
}

function answerOf({ history }: JobRecord) {
  const text = history.at(-1)?.answer;
  return text == null ? {} : { answer: parsed(text) };
}

function attemptOf({ at, duration, code, error }: JobRecord['history'][number]) {
  return {
    ...{ date: new Date(at).toISOString(), duration },
    ...(code === null ? {} : { code }),
    ...(error === null ? {} : { error }),
  };
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return text;
  }
}

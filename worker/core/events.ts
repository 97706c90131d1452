import type { Snapshot } from './snapshot.ts';

// Events, and what is owed because of them: the words that the dispatcher, the objects `Outbox` and `Lane` and the room
// worker/events/ share.

/** Something that happened, kept until everybody who waits for it has it. */
export interface EventMessage {
  /** The same over all attempts and replays: `webhook-id`, CloudEvents' `id`. */
  id: string;
  /** `contract_created`. */
  name: string;
  /** JSON text. */
  payload: string;
  /** Milliseconds since the epoch. */
  time: number;
  /** Only the webhooks of this user hear it; null: everybody's, and the triggers. */
  userId: number | null;
  /** How many triggers stand between it and what began it all: they must not run in circles. */
  depth: number;
}

export interface Dispatch {
  /** Name of an active event. */
  event: string;
  payload: unknown;
  /** Only the webhooks of this user hear it. */
  userId?: number;
  /** Dispatching the same id twice is dispatching once; at most 100 of `A-Z a-z 0-9 . _ -`. */
  id?: string;
  depth?: number;
}

/** The way into the outbox. It needs no database. */
export interface Dispatcher {
  /**
   * The event is durable when this resolves, and reaches every webhook and trigger that waits for it. Throws ApiError: `not_found` for an
   * unknown event, `invalid_body` when the payload breaks the event's schema, `body_too_large` above 1 MB, `unavailable`
   * when it could not be kept (dispatch again, with the same id if you gave one).
   */
  dispatch(snapshot: Snapshot, dispatch: Dispatch): Promise<{ id: string }>;
  /** Keeps the run of an async action until it is done. Durable when it resolves; throws `unavailable`, `body_too_large`. */
  queue(tenant: string, work: AsyncWork): Promise<{ id: string }>;
}

/** What runs after its answer. */
export interface AsyncWork {
  action: string;
  /** How often a failed run is tried again, at most seven times. */
  retries: number;
  /** Who asked for it. */
  userId: number | null;
  /** Plain JSON, which worker/actions/queued-run.ts describes. */
  run: object;
}

/** What the queue carries: where something waits to be fanned out, never the thing itself. */
export type WakeUp = { tenant: string; outbox: number } | { tenant: string; outbox: 'database' };

/** An event on its way out of an outbox; `after` is the last webhook that has it already. */
export interface OutboxItem extends EventMessage {
  after: number;
}

/** RPC surface of the Outbox object (one per tenant and shard). */
export interface OutboxRpc {
  /** Durable when it resolves. What is there already stays as it is. */
  accept(address: { tenant: string; shard: number }, messages: EventMessage[]): Promise<void>;
  /** The oldest events that are to be fanned out; none while another consumer is at it. `lease` names this consumer. */
  take(lease: string): Promise<OutboxItem[]>;
  /** Forgets what everybody has, and notes how far the rest went. */
  done(lease: string, done: string[], reached: { id: string; after: number }[]): Promise<void>;
  /** This consumer could not go on: another one may. */
  release(lease: string): Promise<void>;
}

/** What a lane stands for: a webhook, a trigger, a cronjob, or one of the shards that run async actions. */
export interface LaneAddress {
  tenant: string;
  kind: 'webhook' | 'trigger' | 'cronjob' | 'run';
  /** Of the webhook or trigger; the shard's number; of a cronjob's lane (worker/cron/lane.ts). */
  id: number;
}

export interface LaneSettings extends LaneAddress {
  /** The newest settings hold: milliseconds of the change that made them. */
  version: number;
  /** Nothing is tried while false; what waits goes on waiting. */
  active: boolean;
  /** `pull`: nothing is tried, jobs are fetched and acknowledged. */
  mode: 'push' | 'pull';
  /** Attempts at a time, 1 to 6. */
  concurrency: number;
  /** Attempts that may begin in a second; null: any number. */
  rate: number | null;
  /** Milliseconds from a failed attempt to the next; after the last one the job is dead. */
  schedule: readonly number[];
  /** JSON Pointer into the payload: jobs with the same value there go one after the other. `*`: all do. Null: no order. */
  order: string | null;
  /** Milliseconds of nothing but failures after which the lane is closed; null: never. */
  patience: number | null;
  /** What the work needs to know of its target; secrets are sealed. */
  target: Record<string, unknown>;
}

export interface LaneJob {
  /** An event's id, or a run's. A lane takes an id once. */
  id: string;
  /** The event's name, or the action's. */
  name: string;
  payload: string;
  time: number;
  depth: number;
  /** Attempts after the first; as many as the lane's schedule has unless given. */
  retries?: number;
  /** Of a run: the user who asked for it. */
  owner?: number;
}

/** How an attempt went. */
export interface Attempt {
  ok: boolean;
  /** The status of the answer; null without one. */
  code: number | null;
  error: string | null;
  /** The first kilobyte of the answer. */
  answer: string | null;
  /** Milliseconds that the target wants to be left alone. */
  retryAfter?: number;
  /** The target is gone for good: the lane closes. */
  gone?: boolean;
  /** Trying again is of no use: the job is dead. */
  final?: boolean;
}

/** What a lane asks of the room that knows how to deliver and run (worker/events/). */
export interface LaneWork {
  /** One attempt, counted from 1. Does not throw for what the target does. */
  attempt(lane: LaneSettings, job: LaneJob, attempt: number): Promise<Attempt>;
  /** The lane closed itself. Asked again until it resolves. */
  closed(lane: LaneSettings, reason: string, since: number): Promise<void>;
  /** Jobs of the lane died or were brought back. Asked again until it resolves. */
  letters(lane: LaneSettings, letters: Letters): Promise<void>;
}

export const jobStatus = { waiting: 1, done: 2, dead: 3, cancelled: 4 } as const;

/** What changed in the list of dead letters. */
export interface Letters {
  dead: DeadLetter[];
  /** Ids of jobs that are tried again. */
  revived: string[];
}

/** A job whose last attempt failed. */
export type DeadLetter = Pick<
  JobRecord,
  'number' | 'id' | 'name' | 'time' | 'attempts' | 'code' | 'error' | 'executed'
>;

/** An attempt as it is remembered. */
export interface AttemptRecord {
  /** Milliseconds since the epoch. */
  at: number;
  /** Milliseconds. */
  duration: number;
  code: number | null;
  error: string | null;
  answer: string | null;
}

/** A job as callers see it. */
export interface JobRecord {
  /** Grows; replaying gives a new one. */
  number: number;
  id: string;
  name: string;
  /** See `jobStatus`. */
  status: number;
  payload: string;
  time: number;
  attempts: number;
  code: number | null;
  error: string | null;
  /** Of the last attempt; null before the first. */
  executed: number | null;
  /** Of the next attempt; null when there is none. */
  next: number | null;
  /** Oldest first. */
  history: AttemptRecord[];
}

/** Which jobs of a lane are meant. */
export interface JobFilter {
  ids?: string[];
  status?: number;
  /** Milliseconds since the epoch: jobs of events since then. */
  since?: number;
  until?: number;
  name?: string;
  /** Only jobs with one of these names. */
  names?: string[];
  /** Of a run: only those of this user. */
  owner?: number;
}

/** How a lane is doing. Times are milliseconds since the epoch. */
export interface LaneHealth {
  /** Jobs that are not ended. */
  waiting: number;
  /** Of the oldest event that waits. */
  oldest: number | null;
  /** Jobs whose last attempt failed. */
  dead: number;
  /** Attempts under way. */
  running: number;
  /** The last one that went well. */
  succeeded: number | null;
  /** Since when every attempt fails. */
  failing: number | null;
  /** `open`: after five failures in a row nothing is sent for ten seconds; then, `half-open`, one message tries. */
  breaker: 'closed' | 'open' | 'half-open';
}

export interface JobPage {
  total: number;
  jobs: JobRecord[];
}

export interface JobOutline {
  total: number;
  jobs: (Omit<JobRecord, 'payload' | 'history'> & { owner: number | null })[];
}

/** RPC surface of the Lane object (one per webhook, trigger, and shard of async runs). */
export interface LaneRpc {
  /** Takes jobs over that it does not have yet; durable when it resolves. */
  add(settings: LaneSettings, jobs: LaneJob[]): Promise<void>;
  /** Takes newer settings over. */
  configure(settings: LaneSettings): Promise<void>;
  /** Forgets everything. */
  clear(): Promise<void>;
  /** Newest first. */
  list(filter: JobFilter, offset: number, count: number): Promise<JobPage>;
  /** The newest ones, without payload and attempts. */
  outline(filter: JobFilter, count: number): Promise<JobOutline>;
  /** Tries jobs again from the start, behind what waits. Gives their number. */
  replay(filter: JobFilter): Promise<number>;
  /** Of a lane in `pull` mode: the oldest jobs after a number that are not acknowledged. */
  pull(after: number, count: number): Promise<JobRecord[]>;
  /** Ends the waiting jobs up to a number; gives how many. */
  acknowledge(upTo: number): Promise<number>;
  /** Ends jobs that wait and are not under way; gives how many. */
  cancel(filter: JobFilter): Promise<number>;
  health(): Promise<LaneHealth>;
  /** Makes sure that what is due is tried. */
  nudge(): Promise<void>;
}

import { latestTimes, parseCron } from '../lib/cron.ts';

// What a trigger of the platform means for a cronjob, without a clock or a database. Times are milliseconds since the epoch.

export interface JobRule {
  /** As lib/cron.ts reads it. */
  cron: string;
  timezone: string;
  /** What becomes of times at which no trigger came, of those that fell into another run where overlaps are forbidden, and of lost runs. */
  missed: 'skip' | 'one' | 'all';
  /** Runs that `all` makes up for at most. */
  missedLimit: number;
  overlap: 'forbid' | 'allow';
}

export interface JobState {
  version: number;
  schedule: string;
  cursor: number;
  next: number | null;
}

/** A run that is not settled. */
export interface OpenRun {
  id: number;
  minute: number | null;
  attempt: number;
  status: 'pending' | 'running' | 'lost';
}

export interface PlannedRun {
  minute: number;
  attempt: number;
  cause: 'schedule' | 'missed' | 'lost';
  status: 'pending' | 'missed';
  error: string | null;
}

export interface Plan {
  /** Holds if the state still has the version that the plan was made from. */
  state: JobState;
  runs: PlannedRun[];
  /** Ids of lost runs whose consequence this plan is. */
  settled: number[];
}

/** How often one run may get lost until it is not made again. */
const mostAttempts = 3;
const step = 60_000;

/**
 * Decides what runs at a trigger for `minute`. A job's times count from the first trigger that sees it with its schedule. Null: there is
 * nothing to decide now, because everything was decided or because a run is under way that must end first.
 */
export function planJob(rule: JobRule, known: JobState | null, open: readonly OpenRun[], minute: number): Plan | null {
  const schedule = `${rule.timezone} ${rule.cron}`;
  const fresh = known === null || known.schedule !== schedule;
  const cursor = fresh ? minute - step : known.cursor;
  const lost = open.filter(({ status }) => status === 'lost');
  const until = Math.max(cursor, minute);
  if (until === cursor && lost.length === 0) {
    return null;
  }
  const occupied = rule.overlap === 'forbid' && lost.length < open.length;
  if (occupied && rule.missed !== 'skip' && !fresh) {
    return null;
  }
  const times = parseCron(rule.cron, rule.timezone);
  const waits = occupied && rule.missed !== 'skip';
  const runs = waits ? [] : decide(rule, latestTimes(times, cursor, until, mostTimes(rule)), lost, minute, occupied);
  // What waits is decided when the way is free.
  const decided = waits ? cursor : until;
  return {
    state: { version: (known?.version ?? 0) + 1, schedule, cursor: decided, next: times.next(decided) },
    runs,
    settled: waits ? [] : lost.map(({ id }) => id),
  };
}

/** One more than may run, so that it is known when some must not. */
function mostTimes({ missed, missedLimit }: JobRule): number {
  return missed === 'skip' ? 2 : missed === 'one' ? 1 : missedLimit + 1;
}

function decide(rule: JobRule, due: number[], lost: OpenRun[], minute: number, occupied: boolean): PlannedRun[] {
  if (rule.missed === 'skip') {
    return due.map((time) =>
      time < minute
        ? omitted(time, 'No trigger came at this time')
        : occupied
          ? omitted(time, overlapping)
          : made(time, minute),
    );
  }
  const again = lost
    .filter((run): run is OpenRun & { minute: number } => run.minute !== null && run.attempt + 1 < mostAttempts)
    .map(
      (run): PlannedRun => ({
        ...{ minute: run.minute, attempt: run.attempt + 1 },
        ...{ cause: 'lost', status: 'pending', error: null },
      }),
    );
  if (rule.missed === 'one') {
    return due.length > 0 ? due.map((time) => made(time, minute)) : again.slice(-1);
  }
  const beyond = due.length > rule.missedLimit ? [omitted(due[0]!, `More than ${rule.missedLimit} were missed`)] : [];
  return [...beyond, ...again, ...due.slice(-rule.missedLimit).map((time) => made(time, minute))];
}

const overlapping = 'The run before was still under way';

function made(time: number, minute: number): PlannedRun {
  return { minute: time, attempt: 0, cause: time < minute ? 'missed' : 'schedule', status: 'pending', error: null };
}

function omitted(time: number, error: string): PlannedRun {
  return { minute: time, attempt: 0, cause: 'schedule', status: 'missed', error };
}

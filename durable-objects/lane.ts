import { DurableObject } from 'cloudflare:workers';
import {
  type Attempt,
  type AttemptRecord,
  type JobFilter,
  type JobPage,
  type JobRecord,
  jobStatus,
  type LaneJob,
  type LaneRpc,
  type LaneSettings,
  type LaneWork,
} from '../worker/core/events.ts';
import type { Env } from '../worker/env.ts';
import { admit, type BreakerState, breakerRules, closed, fail, succeed } from '../worker/lib/breaker.ts';
import { valueAt } from '../worker/lib/json-pointer.ts';

/** One alarm begins attempts for so long, and ends them within so much more; then the next alarm goes on. Milliseconds. */
const shift = 30_000;
const overtime = 60_000;
/** Attempts of one alarm: an invocation may make so many requests. */
const mostAttempts = 900;
/** How long ended jobs are remembered and can be replayed, and how often the old ones are looked for, milliseconds. */
const remembered = 30 * 86_400_000;
const cleaning = 86_400_000;
/** A retry comes up to a tenth later, so that those who failed together do not come back together. */
const jitter = 0.1;
/** What a target may ask for at most by Retry-After, milliseconds. */
const longestRest = 86_400_000;

interface JobRow extends Record<string, SqlStorageValue> {
  number: number;
  id: string;
  name: string;
  payload: string;
  time: number;
  depth: number;
  retries: number | null;
  ordered: string | null;
  status: number;
  attempts: number;
  next: number | null;
  code: number | null;
  error: string | null;
  executed: number | null;
}

/**
 * Everything that one receiver is owed: a webhook, a trigger, or a shard of async runs. It tries jobs by its alarm, with its own
 * concurrency, rate and breaker, so that a dead or slow receiver delays nobody else. What is under way is in memory
 * only: an attempt whose outcome a crash swallowed never was, and is made again. The class is completed by
 * `worker/index.ts` with the work.
 *
 * Storage: `lane` (one row: settings, since when everything fails, why it closed and whether that was told), `job`,
 * `attempt`.
 */
export abstract class LaneObject extends DurableObject<Env> implements LaneRpc {
  protected abstract readonly work: LaneWork;
  readonly #sql: SqlStorage;
  #settings: LaneSettings | null = null;
  #failing: number | null = null;
  /** Why and since when the lane is closed, until that was told. */
  #closing: { reason: string; since: number } | null = null;
  #breaker: BreakerState = closed;
  #lastStart = 0;
  readonly #running = new Map<number, Promise<void>>();
  #called: PromiseWithResolvers<void> | null = null;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#sql = state.storage.sql;
    this.#prepare();
  }

  #prepare(): void {
    this.#sql.exec(
      'CREATE TABLE IF NOT EXISTS lane (one INTEGER PRIMARY KEY CHECK (one = 1), settings TEXT NOT NULL, failing INTEGER, closing TEXT, cleaned INTEGER NOT NULL DEFAULT 0)',
    );
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS job (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
       payload TEXT NOT NULL, time INTEGER NOT NULL, depth INTEGER NOT NULL, retries INTEGER, ordered TEXT, status INTEGER NOT NULL DEFAULT 1,
       attempts INTEGER NOT NULL DEFAULT 0, next INTEGER, code INTEGER, error TEXT, executed INTEGER)`,
    );
    this.#sql.exec('CREATE INDEX IF NOT EXISTS job_due ON job (next) WHERE status = 1');
    this.#sql.exec('CREATE INDEX IF NOT EXISTS job_order ON job (ordered, number) WHERE status = 1');
    this.#sql.exec('CREATE INDEX IF NOT EXISTS job_time ON job (time)');
    this.#sql.exec(
      `CREATE TABLE IF NOT EXISTS attempt (job TEXT NOT NULL, at INTEGER NOT NULL, duration INTEGER NOT NULL, code INTEGER,
       error TEXT, answer TEXT)`,
    );
    this.#sql.exec('CREATE INDEX IF NOT EXISTS attempt_job ON attempt (job)');
    const [row] = this.#sql.exec('SELECT settings, failing, closing FROM lane').toArray();
    this.#settings = row === undefined ? null : JSON.parse(String(row.settings));
    this.#failing = row === undefined ? null : (row.failing as number | null);
    this.#closing = row === undefined || row.closing === null ? null : JSON.parse(String(row.closing));
  }

  async add(settings: LaneSettings, jobs: LaneJob[]): Promise<void> {
    const now = Date.now();
    this.ctx.storage.transactionSync(() => {
      this.#take(settings);
      for (const { id, name, payload, time, depth, retries = null } of jobs) {
        this.#sql.exec(
          'INSERT OR IGNORE INTO job (id, name, payload, time, depth, retries, ordered, next) VALUES (?, ?, ?, ?, ?, ?, ?, ?)',
          id,
          name,
          payload,
          time,
          depth,
          retries,
          orderOf(settings.order, payload),
          now,
        );
      }
    });
    await this.#call(now);
  }

  async configure(settings: LaneSettings): Promise<void> {
    this.#take(settings);
    await this.#call(Date.now());
  }

  async clear(): Promise<void> {
    this.#settings = null;
    await this.ctx.storage.deleteAlarm();
    await this.ctx.storage.deleteAll();
    this.#prepare();
  }

  async list(filter: JobFilter, offset: number, count: number): Promise<JobPage> {
    const { condition, values } = conditionOf(filter);
    const [{ total }] = this.#sql
      .exec(`SELECT count(*) AS total FROM job WHERE ${condition}`, ...values)
      .toArray() as unknown as [{ total: number }];
    const rows = this.#sql
      .exec<JobRow>(
        `SELECT * FROM job WHERE ${condition} ORDER BY number DESC LIMIT ? OFFSET ?`,
        ...values,
        count,
        offset,
      )
      .toArray();
    return { total, jobs: rows.map((row) => this.#record(row)) };
  }

  async replay(filter: JobFilter): Promise<number> {
    const { condition, values } = conditionOf(filter);
    const now = Date.now();
    const rows = this.#sql
      .exec<{ number: number }>(`SELECT number FROM job WHERE ${condition} ORDER BY number`, ...values)
      .toArray()
      .filter(({ number }) => !this.#running.has(number));
    this.ctx.storage.transactionSync(() => {
      for (const { number } of rows) {
        this.#sql.exec(
          `UPDATE job SET number = (SELECT max(number) + 1 FROM job), status = ${jobStatus.waiting}, attempts = 0, next = ? WHERE number = ?`,
          now,
          number,
        );
      }
    });
    // Who asks for it says that the target is well again.
    this.#breaker = closed;
    await this.#call(now);
    return rows.length;
  }

  async pull(after: number, count: number): Promise<JobRecord[]> {
    return this.#sql
      .exec<JobRow>(
        `SELECT * FROM job WHERE status = ${jobStatus.waiting} AND number > ? ORDER BY number LIMIT ?`,
        after,
        count,
      )
      .toArray()
      .map((row) => this.#record(row));
  }

  async acknowledge(upTo: number): Promise<number> {
    return this.#sql.exec(
      `UPDATE job SET status = ${jobStatus.done}, next = NULL, executed = ? WHERE status = ${jobStatus.waiting} AND number <= ?`,
      Date.now(),
      upTo,
    ).rowsWritten;
  }

  async nudge(): Promise<void> {
    await this.#rearm();
  }

  /** Never throws: after six failures the platform would forget the alarm. */
  override async alarm(): Promise<void> {
    // Should this life end in between, the next one goes on.
    await this.ctx.storage.setAlarm(Date.now() + shift + overtime);
    try {
      await this.#shift();
      this.#clean();
      await this.#tellClosing();
    } catch (thrown) {
      console.error(JSON.stringify({ kind: 'fault', place: 'lane', message: String(thrown) }));
    } finally {
      this.#called = null;
      await this.#rearm();
    }
  }

  /** Keeps as many attempts under way as the settings allow, until nothing is due or the shift is over. */
  async #shift(): Promise<void> {
    const ends = Date.now() + shift;
    let begun = 0;
    for (;;) {
      this.#called = Promise.withResolvers();
      const now = Date.now();
      let pause: number | null = null;
      while (now < ends && begun < mostAttempts) {
        const found = this.#nextJob(now);
        if (typeof found !== 'object') {
          pause = found ?? null;
          break;
        }
        begun += 1;
        this.#lastStart = now;
        const { number } = found;
        this.#running.set(
          number,
          this.#attempt(found).finally(() => this.#running.delete(number)),
        );
      }
      const over = now >= ends || begun >= mostAttempts;
      if (this.#running.size === 0 && (over || pause === null)) {
        return;
      }
      const waits: Promise<unknown>[] = [...this.#running.values()];
      if (!over) {
        waits.push(this.#called.promise, ...(pause === null ? [] : [scheduler.wait(pause)]));
      }
      await Promise.race(waits);
    }
  }

  /** The job to try now; or the milliseconds after which there may be one, if that is soon; or undefined. */
  #nextJob(now: number): JobRow | number | undefined {
    const settings = this.#settings;
    if (settings === null || !settings.active || settings.mode === 'pull') {
      return undefined;
    }
    if (this.#running.size >= settings.concurrency) {
      return undefined;
    }
    const job = this.#dueJob(now);
    if (job === undefined) {
      return undefined;
    }
    const free = settings.rate === null ? now : this.#lastStart + 1_000 / settings.rate;
    if (free > now) {
      return Math.ceil(free - now);
    }
    if (settings.kind !== 'webhook') {
      return job;
    }
    const admission = admit(this.#breaker, now);
    this.#breaker = admission.state;
    return admission.admitted ? job : undefined;
  }

  /** Due, not under way, and the first of its key. */
  #dueJob(now: number): JobRow | undefined {
    const running = JSON.stringify([...this.#running.keys()]);
    const [job] = this.#sql
      .exec<JobRow>(
        `SELECT * FROM job AS one WHERE status = ${jobStatus.waiting} AND next <= ? AND number NOT IN (SELECT value FROM json_each(?))
         AND (ordered IS NULL OR NOT EXISTS
           (SELECT 1 FROM job AS earlier WHERE earlier.status = ${jobStatus.waiting} AND earlier.ordered = one.ordered AND earlier.number < one.number))
         ORDER BY next, number LIMIT 1`,
        now,
        running,
      )
      .toArray();
    return job;
  }

  async #attempt(job: JobRow): Promise<void> {
    const settings = this.#settings!;
    const at = Date.now();
    let outcome: Attempt;
    try {
      outcome = await this.work.attempt(settings, { ...job, retries: job.retries ?? undefined }, job.attempts + 1);
    } catch (thrown) {
      console.error(JSON.stringify({ kind: 'fault', place: 'lane.attempt', message: String(thrown) }));
      outcome = { ok: false, code: null, error: 'The attempt could not be made', answer: null };
    }
    this.#conclude(settings, job, at, outcome);
  }

  /** Synchronous: an outcome is recorded whole or not at all. */
  #conclude(settings: LaneSettings, job: JobRow, at: number, outcome: Attempt): void {
    const now = Date.now();
    const { ok, code, error, answer } = outcome;
    if (settings.kind === 'webhook') {
      this.#breaker = ok ? succeed(this.#breaker) : fail(this.#breaker, now);
    }
    const status = ok
      ? jobStatus.done
      : outcome.gone ||
          outcome.final ||
          job.attempts >= Math.min(settings.schedule.length, job.retries ?? settings.schedule.length)
        ? jobStatus.dead
        : jobStatus.waiting;
    const next = status === jobStatus.waiting ? now + delayOf(settings, job.attempts, outcome) : null;
    this.ctx.storage.transactionSync(() => {
      this.#sql.exec(
        'INSERT INTO attempt (job, at, duration, code, error, answer) VALUES (?, ?, ?, ?, ?, ?)',
        job.id,
        at,
        now - at,
        code,
        error,
        answer,
      );
      this.#sql.exec(
        'UPDATE job SET status = ?, attempts = attempts + 1, next = ?, code = ?, error = ?, executed = ? WHERE number = ?',
        status,
        next,
        code,
        error,
        at,
        job.number,
      );
      this.#judge(settings, outcome, now);
    });
  }

  /** Remembers since when everything fails, and closes the lane when that is too long, or its target gone. */
  #judge(settings: LaneSettings, outcome: Attempt, now: number): void {
    if (outcome.ok) {
      if (this.#failing !== null) {
        this.#failing = null;
        this.#sql.exec('UPDATE lane SET failing = NULL');
      }
      return;
    }
    if (this.#failing === null) {
      this.#failing = now;
      this.#sql.exec('UPDATE lane SET failing = ?', now);
    }
    const tooLong = settings.patience !== null && now - this.#failing >= settings.patience;
    if ((outcome.gone || tooLong) && this.#settings?.active && this.#settings.version === settings.version) {
      const reason = outcome.gone ? 'The endpoint answered 410 Gone' : 'Every attempt failed for too long';
      this.#closing = { reason, since: this.#failing };
      this.#settings = { ...this.#settings, active: false };
      this.#sql.exec(
        'UPDATE lane SET settings = ?, closing = ?',
        JSON.stringify(this.#settings),
        JSON.stringify(this.#closing),
      );
    }
  }

  async #tellClosing(): Promise<void> {
    if (this.#closing !== null && this.#settings !== null) {
      await this.work.closed(this.#settings, this.#closing.reason, this.#closing.since);
      this.#closing = null;
      this.#sql.exec('UPDATE lane SET closing = NULL');
    }
  }

  #take(settings: LaneSettings): void {
    if (this.#settings !== null && settings.version <= this.#settings.version) {
      return;
    }
    const reopened = this.#settings !== null && !this.#settings.active && settings.active;
    if (reopened || this.#settings?.target.endpoint !== settings.target.endpoint) {
      this.#failing = null;
      this.#breaker = closed;
    }
    this.#settings = settings;
    this.#closing = null;
    this.#sql.exec(
      'INSERT INTO lane (one, settings, failing) VALUES (1, ?, ?) ON CONFLICT (one) DO UPDATE SET settings = excluded.settings, failing = excluded.failing, closing = NULL',
      JSON.stringify(settings),
      this.#failing,
    );
  }

  /** Something may be due at that time: the shift under way sees to it, or an alarm. */
  async #call(time: number): Promise<void> {
    if (this.#called !== null) {
      this.#called.resolve();
      return;
    }
    const alarm = await this.ctx.storage.getAlarm();
    if (alarm === null || alarm > time) {
      await this.ctx.storage.setAlarm(time);
    }
  }

  async #rearm(): Promise<void> {
    const now = Date.now();
    const time = this.#nextTime(now);
    if (time === null) {
      await this.ctx.storage.deleteAlarm();
    } else {
      await this.ctx.storage.setAlarm(time);
    }
  }

  #nextTime(now: number): number | null {
    if (this.#settings === null) {
      return null;
    }
    if (this.#closing !== null) {
      return now + 5_000;
    }
    const { active, mode } = this.#settings;
    const [row] = this.#sql.exec(`SELECT min(next) AS next FROM job WHERE status = ${jobStatus.waiting}`).toArray();
    const due = active && mode === 'push' ? (row?.next as number | null) : null;
    if (due === null) {
      const any = this.#sql.exec('SELECT number FROM job LIMIT 1').toArray().length > 0;
      return any ? now + cleaning : null;
    }
    const { opened } = this.#breaker;
    return Math.max(due, opened === null ? now : opened + breakerRules.cooldown);
  }

  #clean(): void {
    const now = Date.now();
    const [row] = this.#sql.exec('SELECT cleaned FROM lane').toArray();
    if (row === undefined || now - Number(row.cleaned) < cleaning) {
      return;
    }
    this.#sql.exec('UPDATE lane SET cleaned = ?', now);
    const old = `SELECT id FROM job WHERE time < ? AND status <> ${jobStatus.waiting} LIMIT 10000`;
    this.#sql.exec(`DELETE FROM attempt WHERE job IN (${old})`, now - remembered);
    this.#sql.exec(`DELETE FROM job WHERE id IN (${old})`, now - remembered);
  }

  #record(row: JobRow): JobRecord {
    const history = this.#sql
      .exec('SELECT at, duration, code, error, answer FROM attempt WHERE job = ? ORDER BY at, rowid', row.id)
      .toArray() as unknown as AttemptRecord[];
    const { number, id, name, status, payload, time, attempts, code, error, executed, next } = row;
    return { number, id, name, status, payload, time, attempts, code, error, executed, next, history };
  }
}

/** What jobs that go one after the other have in common; null: nothing. */
function orderOf(pointer: string | null, payload: string): string | null {
  if (pointer === null || pointer === '*') {
    return pointer;
  }
  const value = valueAt(JSON.parse(payload), pointer);
  return value === undefined ? null : JSON.stringify(value);
}

function delayOf(settings: LaneSettings, attempts: number, outcome: Attempt): number {
  const delay = settings.schedule[attempts]! * (1 + Math.random() * jitter);
  return Math.round(Math.max(delay, Math.min(outcome.retryAfter ?? 0, longestRest)));
}

function conditionOf({ ids, status, since, until, name }: JobFilter): {
  condition: string;
  values: (string | number)[];
} {
  const parts: [string, string | number | undefined][] = [
    ['id IN (SELECT value FROM json_each(?))', ids === undefined ? undefined : JSON.stringify(ids)],
    ['status = ?', status],
    ['time >= ?', since],
    ['time <= ?', until],
    ['name = ?', name],
  ];
  const given = parts.filter((part): part is [string, string | number] => part[1] !== undefined);
  return {
    condition: given.length === 0 ? 'true' : given.map(([sql]) => sql).join(' AND '),
    values: given.map(([, value]) => value),
  };
}

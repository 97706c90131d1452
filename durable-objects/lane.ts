import { DurableObject } from 'cloudflare:workers';
import {
  type Attempt,
  type JobFilter,
  type JobOutline,
  type JobPage,
  type JobRecord,
  jobStatus,
  type LaneHealth,
  type LaneJob,
  type LaneRpc,
  type LaneSettings,
  type LaneWork,
} from '../worker/core/events.ts';
import type { Env } from '../worker/env.ts';
import { admit, type BreakerState, breakerRules, closed, fail, succeed } from '../worker/lib/breaker.ts';
import { cleaning, type JobRow, LaneStore } from './lane-store.ts';
import type { LaneState } from './lane-tables.ts';

/** A shift begins attempts for so long; then an alarm begins the next one. Milliseconds. */
const shiftTime = 30_000;
/** Attempts of one shift: an invocation may make so many requests. */
const mostAttempts = 900;
/** An alarm that comes so long after work began goes on with it, should this life have ended. Milliseconds. */
const guard = 10_000;
/** An alarm that did not come for so long after its time is asked for anew, milliseconds. */
const overdue = 60_000;
/** What could not be told is told again after so long, milliseconds. */
const tellAgain = 5_000;
/** A retry comes up to a tenth later, so that those who failed together do not come back together. */
const jitter = 0.1;
/** What a target may ask for at most by Retry-After, milliseconds. */
const longestRest = 86_400_000;

/**
 * Everything that one receiver is owed: a webhook, a trigger, or a shard of async runs. It tries jobs as they come and by its
 * alarm, with its own concurrency, rate and breaker, so that a dead or slow receiver delays nobody else. What is under way is in
 * memory only: an attempt whose outcome a crash swallowed never was, and is made again. The class is completed by
 * `worker/index.ts` with the work; its memory is lane-store.ts.
 *
 * A delivery is two writes: the job with, if none comes soon anyway, an alarm; and the outcome with the next time.
 */
export abstract class LaneObject extends DurableObject<Env> implements LaneRpc {
  protected abstract readonly work: LaneWork;
  readonly #store: LaneStore;
  #state: LaneState;
  #breaker: BreakerState = closed;
  #lastStart = 0;
  readonly #running = new Map<number, Promise<void>>();
  /** What is under way, and how it is told that there is more to do. */
  #shift: Promise<void> | null = null;
  #called = Promise.withResolvers<void>();
  #telling: Promise<void> = Promise.resolve();
  /** When the alarm will come; undefined: not known in this life. */
  #alarm: number | null | undefined;

  constructor(state: DurableObjectState, env: Env) {
    super(state, env);
    this.#store = new LaneStore(state.storage);
    this.#state = this.#store.state();
  }

  async add(settings: LaneSettings, jobs: LaneJob[]): Promise<void> {
    this.ctx.storage.transactionSync(() => {
      this.#take(settings);
      this.#store.add(jobs, settings.order, Date.now());
    });
    await this.#call();
  }

  async configure(settings: LaneSettings): Promise<void> {
    this.#take(settings);
    await this.#call();
  }

  async clear(): Promise<void> {
    this.#state = { settings: null, failing: null, closing: null };
    this.#alarm = null;
    await this.ctx.storage.deleteAlarm();
    await this.#store.clear();
  }

  async list(filter: JobFilter, offset: number, count: number): Promise<JobPage> {
    return this.#store.list(filter, offset, count);
  }

  async outline(filter: JobFilter, count: number): Promise<JobOutline> {
    return this.#store.outline(filter, count);
  }

  async replay(filter: JobFilter): Promise<number> {
    const count = this.#store.replay(filter, new Set(this.#running.keys()), Date.now());
    // So that the next look at the dead letters is without them; what cannot be told now is told later.
    await this.#tell().catch((thrown) => complain('lane', thrown));
    // Who asks for it says that the target is well again.
    this.#breaker = closed;
    await this.#call();
    return count;
  }

  async cancel(filter: JobFilter): Promise<number> {
    return this.#store.cancel(filter, new Set(this.#running.keys()), Date.now());
  }

  async pull(after: number, count: number): Promise<JobRecord[]> {
    return this.#store.pull(after, count);
  }

  async acknowledge(upTo: number): Promise<number> {
    return this.#store.acknowledge(upTo, Date.now());
  }

  async health(): Promise<LaneHealth> {
    const { opened } = this.#breaker;
    const breaker =
      opened === null ? 'closed' : Date.now() < opened + breakerRules.cooldown ? 'open' : ('half-open' as const);
    return { ...this.#store.counts(), running: this.#running.size, breaker, failing: this.#state.failing };
  }

  async nudge(): Promise<void> {
    this.#alarm = undefined;
    await this.#call();
  }

  /** Never throws: after six failures the platform would forget the alarm. It comes again if this life ends before it does. */
  override async alarm(): Promise<void> {
    this.#alarm = null;
    await this.#begin();
  }

  /** Something may be due: a shift sees to it now, or an alarm later. */
  async #call(): Promise<void> {
    const now = Date.now();
    const time = this.#nextTime(now);
    if (time !== null) {
      await this.#wakeBy(time > now ? time : now + guard);
      if (time <= now) {
        void this.#begin();
      }
    }
  }

  /** An earlier alarm stays as it is: it finds nothing to do and asks for the next one. */
  async #wakeBy(time: number): Promise<void> {
    if (this.#alarm === undefined || (this.#alarm !== null && this.#alarm < Date.now() - overdue)) {
      this.#alarm = await this.ctx.storage.getAlarm();
    }
    if (this.#alarm === null || this.#alarm > time) {
      this.#alarm = time;
      await this.ctx.storage.setAlarm(time);
    }
  }

  /** Goes on with the shift under way, or begins one. */
  #begin(): Promise<void> {
    if (this.#shift === null) {
      this.#shift = this.#work();
      this.ctx.waitUntil(this.#shift);
    } else {
      this.#called.resolve();
    }
    return this.#shift;
  }

  async #work(): Promise<void> {
    try {
      await this.#makeAttempts();
    } catch (thrown) {
      complain('lane', thrown);
    }
    // From here on who has something to do begins a shift of his own.
    this.#shift = null;
    try {
      this.#store.clean(Date.now());
      await this.#tell();
    } catch (thrown) {
      complain('lane', thrown);
    }
    const time = this.#shift === null ? this.#nextTime(Date.now()) : null;
    if (time !== null) {
      await this.#wakeBy(time).catch((thrown) => complain('lane', thrown));
    }
  }

  /** Keeps as many attempts under way as the settings allow, until nothing is due or the shift is over. */
  async #makeAttempts(): Promise<void> {
    const ends = Date.now() + shiftTime;
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
    const { settings } = this.#state;
    if (settings === null || !settings.active || settings.mode === 'pull') {
      return undefined;
    }
    if (this.#running.size >= settings.concurrency) {
      return undefined;
    }
    const job = this.#store.due(now, [...this.#running.keys()]);
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

  async #attempt(job: JobRow): Promise<void> {
    const settings = this.#state.settings!;
    const at = Date.now();
    const { retries, owner, ...rest } = job;
    let outcome: Attempt;
    try {
      const due: LaneJob = { ...rest, retries: retries ?? undefined, owner: owner ?? undefined };
      outcome = await this.work.attempt(settings, due, job.attempts + 1);
    } catch (thrown) {
      complain('lane.attempt', thrown);
      outcome = { ok: false, code: null, error: 'The attempt could not be made', answer: null };
    }
    this.#conclude(settings, job, at, outcome);
  }

  /** Synchronous: an outcome is recorded whole or not at all. */
  #conclude(settings: LaneSettings, job: JobRow, at: number, outcome: Attempt): void {
    const now = Date.now();
    if (settings.kind === 'webhook') {
      this.#breaker = outcome.ok ? succeed(this.#breaker) : fail(this.#breaker, now);
    }
    const { done, dead, waiting } = jobStatus;
    const mostRetries = Math.min(settings.schedule.length, job.retries ?? settings.schedule.length);
    const hopeless = outcome.gone || outcome.final || job.attempts >= mostRetries;
    const status = outcome.ok ? done : hopeless ? dead : waiting;
    const next = status === waiting ? now + delayOf(settings, job.attempts, outcome) : null;
    this.ctx.storage.transactionSync(() => {
      this.#store.conclude(settings, job, { at, ended: now }, outcome, status, next);
      this.#judge(settings, outcome, now);
    });
  }

  /** Remembers since when everything fails, and closes the lane when that is too long, or its target gone. */
  #judge(version: LaneSettings, outcome: Attempt, now: number): void {
    const failing = outcome.ok ? null : (this.#state.failing ?? now);
    if (failing !== this.#state.failing) {
      this.#state = { ...this.#state, failing };
      this.#store.keepFailing(failing);
    }
    const { settings } = this.#state;
    if (failing === null || !settings?.active || settings.version !== version.version) {
      return;
    }
    const tooLong = settings.patience !== null && now - failing >= settings.patience;
    if (outcome.gone || tooLong) {
      const reason = outcome.gone ? 'The endpoint answered 410 Gone' : 'Every attempt failed for too long';
      this.#state = { settings: { ...settings, active: false }, failing, closing: { reason, since: failing } };
      this.#store.keep(this.#state);
    }
  }

  /** Tells the outside that the lane closed itself, and which jobs died or were brought back. */
  #tell(): Promise<void> {
    // One after the other: what died and was brought back must not be told the other way round.
    this.#telling = this.#telling.catch(() => undefined).then(() => this.#tellAll());
    return this.#telling;
  }

  async #tellAll(): Promise<void> {
    const { closing, settings } = this.#state;
    if (settings === null) {
      return;
    }
    if (closing !== null) {
      await this.work.closed(settings, closing.reason, closing.since);
      if (this.#state.closing === closing) {
        this.#state = { ...this.#state, closing: null };
        this.#store.keepToldClosing();
      }
    }
    const { letters } = this.#store;
    for (let told = letters.owed(); told !== null; told = letters.owed()) {
      await this.work.letters(settings, told);
      letters.keepTold(told);
    }
  }

  #take(settings: LaneSettings): void {
    const { settings: former, failing } = this.#state;
    if (former !== null && settings.version <= former.version) {
      return;
    }
    const reopened = former !== null && !former.active && settings.active;
    const fresh = reopened || former?.target.endpoint !== settings.target.endpoint;
    if (fresh) {
      this.#breaker = closed;
    }
    this.#state = { settings, failing: fresh ? null : failing, closing: null };
    this.#store.keep(this.#state);
  }

  /** When there is something to do again; null: never, as far as is known. */
  #nextTime(now: number): number | null {
    const { settings, closing } = this.#state;
    if (settings === null) {
      return null;
    }
    const works = settings.active && settings.mode === 'push';
    const due = works ? this.#store.nextDue() : null;
    const { opened } = this.#breaker;
    const attempt = due === null ? null : Math.max(due, opened === null ? now : opened + breakerRules.cooldown);
    const told = closing !== null || this.#store.letters.owed() !== null ? now + tellAgain : null;
    if (attempt === null && told === null) {
      return this.#store.any() ? now + cleaning : null;
    }
    return Math.min(attempt ?? Number.POSITIVE_INFINITY, told ?? Number.POSITIVE_INFINITY);
  }
}

function delayOf(settings: LaneSettings, attempts: number, outcome: Attempt): number {
  const delay = settings.schedule[attempts]! * (1 + Math.random() * jitter);
  return Math.round(Math.max(delay, Math.min(outcome.retryAfter ?? 0, longestRest)));
}

function complain(place: string, thrown: unknown): void {
  console.error(JSON.stringify({ kind: 'fault', place, message: String(thrown) }));
}

import { DurableObject } from 'cloudflare:workers';
import type {
  AttemptPolicy,
  AttemptVerdict,
  LeaseGrant,
  LeaseRequest,
  LimiterReport,
  LimiterRpc,
} from '../worker/core/ports.ts';
import type { Env } from '../worker/env.ts';
import { attempted, type Failures } from '../worker/lib/backoff.ts';
import { emptyWindow, recovered, spentAt, take, type WindowState } from '../worker/lib/window.ts';

/** Windows kept in memory; the others wait in storage. */
const mostWindows = 2_000;
/** Spent state is looked for at most this often, milliseconds. */
const cleaning = 60_000;

/**
 * Counts the calls of a rate: one object per tenant, rate and user, or one of 64 shards of the anonymous callers of a rate,
 * with a window per address. The arithmetic, and why it is never over, is in worker/lib/window.ts.
 *
 * Storage: tables `windows` (`key`, `state` as JSON with its reserve apart, `spent` in milliseconds) and `failures` (one row, for
 * objects that guard a login instead: worker/lib/backoff.ts). A write precedes the
 * answer that needs it (the platform holds answers back until writes are durable), and what is stored always counts at
 * least what memory counts; so a crash can forfeit calls but never admit one too many.
 */
export class Limiter extends DurableObject<Env> implements LimiterRpc {
  /** Least recently used first. */
  readonly #windows = new Map<string, WindowState>();
  /** Ids of leases never repeat across lives of the object, or a settlement could name a foreign lease. */
  #lease = Math.floor(Math.random() * 2 ** 50);
  #alarm: number | null = null;
  #prepared = false;
  readonly #report = { asked: 0, admitted: 0, refused: 0, returned: 0, forfeited: 0, writes: 0 };

  constructor(ctx: DurableObjectState, env: Env) {
    super(ctx, env);
    void ctx.blockConcurrencyWhile(async () => {
      this.#alarm = await ctx.storage.getAlarm();
    });
  }

  /** Grants calls. Runs without a pause from reading to writing, so that questions cannot interleave. */
  async take(request: LeaseRequest): Promise<LeaseGrant> {
    const now = Date.now();
    const known = this.#windows.get(request.key) ?? this.#load(request.key) ?? emptyWindow(request.timespan);
    const { state, answer, persist, returned } = take(known, request, now, ++this.#lease);
    if (persist) {
      this.#save(request.key, state, now);
    }
    this.#keep(request.key, state, now);
    this.#report.asked += 1;
    this.#report.admitted += answer.granted;
    this.#report.refused += answer.granted === 0 && !request.ahead ? 1 : 0;
    this.#report.returned += returned;
    return answer;
  }

  /** Slows down guesses at the door that this object stands for; such an object counts no calls. */
  async attempt(policy: AttemptPolicy): Promise<AttemptVerdict> {
    const now = Date.now();
    const verdict = attempted(this.#failures(), policy, now);
    if (!verdict.allowed) {
      return verdict;
    }
    const { count, last } = verdict.failures;
    const spent = last + policy.memory * 1000;
    this.#sql.exec('INSERT OR REPLACE INTO failures VALUES (0, ?, ?, ?)', count, last, spent);
    this.#expect(spent, now);
    return { allowed: true };
  }

  async succeed(forget: 'one' | 'all'): Promise<void> {
    this.#sql.exec(forget === 'all' ? 'DELETE FROM failures' : 'UPDATE failures SET count = max(0, count - 1)');
  }

  async report(): Promise<LimiterReport> {
    return { callers: this.#windows.size, ...this.#report };
  }

  /** Deletes what no window can reach any more, and everything when nothing is left. Safe to run any number of times. */
  override async alarm(): Promise<void> {
    const now = Date.now();
    const sql = this.#sql;
    sql.exec('DELETE FROM windows WHERE spent <= ?', now);
    sql.exec('DELETE FROM failures WHERE spent <= ?', now);
    for (const [key, state] of this.#windows) {
      if (spentAt(state) <= now) {
        this.#windows.delete(key);
      }
    }
    this.#alarm = null;
    const left = 'SELECT min(spent) AS next FROM (SELECT spent FROM windows UNION ALL SELECT spent FROM failures)';
    const { next } = sql.exec<{ next: number | null }>(left).one();
    if (next !== null) {
      this.#expect(next, now);
      return;
    }
    await this.ctx.blockConcurrencyWhile(async () => {
      await this.ctx.storage.deleteAll();
      this.#prepared = false;
    });
  }

  /** The database with its tables, which are made at first use: an object that was emptied shall occupy nothing. */
  get #sql(): SqlStorage {
    const { sql } = this.ctx.storage;
    if (!this.#prepared) {
      const windows = 'key TEXT PRIMARY KEY, state TEXT NOT NULL, spent INTEGER NOT NULL';
      const failures = 'id INTEGER PRIMARY KEY, count INTEGER NOT NULL, last INTEGER NOT NULL, spent INTEGER NOT NULL';
      sql.exec(`CREATE TABLE IF NOT EXISTS windows (${windows}) WITHOUT ROWID`);
      sql.exec(`CREATE TABLE IF NOT EXISTS failures (${failures})`);
      this.#prepared = true;
    }
    return sql;
  }

  #failures(): Failures {
    const rows = this.#sql.exec<{ count: number; last: number }>('SELECT count, last FROM failures');
    return rows.toArray()[0] ?? { count: 0, last: 0 };
  }

  #load(key: string): WindowState | undefined {
    const row = this.#sql.exec<{ state: string }>('SELECT state FROM windows WHERE key = ?', key).toArray()[0];
    if (row === undefined) {
      return undefined;
    }
    const { timespan, slices, reserve } = JSON.parse(row.state) as Omit<WindowState, 'leases'>;
    this.#report.forfeited += reserve.calls;
    return recovered({ timespan, slices, reserve, leases: [] });
  }

  #save(key: string, { timespan, slices, reserve, leases }: WindowState, now: number): void {
    const spent = spentAt({ timespan, slices, reserve, leases });
    this.#sql.exec(
      'INSERT INTO windows (key, state, spent) VALUES (?, ?, ?) ON CONFLICT (key) DO UPDATE SET state = excluded.state, spent = excluded.spent',
      key,
      JSON.stringify({ timespan, slices, reserve }),
      spent,
    );
    this.#report.writes += 1;
    this.#expect(spent, now);
  }

  /** Sees to it that an alarm comes when something is spent; one that is set already comes first and looks again. */
  #expect(spent: number, now: number): void {
    if (this.#alarm !== null && this.#alarm >= now - cleaning) {
      return;
    }
    this.#alarm = Math.max(spent, now + cleaning);
    void this.ctx.storage.setAlarm(this.#alarm);
  }

  /** Puts the window last; beyond the bound the first leaves memory, written without a reserve so that nothing is forfeited. */
  #keep(key: string, state: WindowState, now: number): void {
    this.#windows.delete(key);
    this.#windows.set(key, state);
    if (this.#windows.size <= mostWindows) {
      return;
    }
    const [oldest, left] = this.#windows.entries().next().value!;
    this.#windows.delete(oldest);
    if (left.reserve.calls > 0 && spentAt(left) > now) {
      this.#save(oldest, { ...left, reserve: { calls: 0, end: 0 } }, now);
    }
  }
}

import {
  type Attempt,
  type AttemptRecord,
  type JobFilter,
  type JobOutline,
  type JobPage,
  type JobRecord,
  jobStatus,
  type LaneJob,
  type LaneSettings,
} from '../worker/core/events.ts';
import { valueAt } from '../worker/lib/json-pointer.ts';
import { hasLetters, LaneLetters, letter } from './lane-letters.ts';
import { type LaneState, prepareTables, readState } from './lane-tables.ts';

/** How long ended jobs are remembered and can be replayed, and how often the old ones are looked for, milliseconds. */
const remembered = 30 * 86_400_000;
export const cleaning = 86_400_000;

export interface JobRow extends Record<string, SqlStorageValue> {
  number: number;
  id: string;
  name: string;
  payload: string;
  time: number;
  depth: number;
  retries: number | null;
  owner: number | null;
  ordered: string | null;
  status: number;
  attempts: number;
  next: number | null;
  code: number | null;
  error: string | null;
  executed: number | null;
}

/**
 * A lane's memory: what is owed, how each attempt went, and the settings. A call is one transaction at most; nothing here
 * waits.
 */
export class LaneStore {
  readonly #storage: DurableObjectStorage;
  readonly #sql: SqlStorage;
  readonly letters: LaneLetters;
  /** When what ended long ago was last forgotten; saves queries. */
  #cleaned: number | undefined;

  constructor(storage: DurableObjectStorage) {
    this.#storage = storage;
    this.#sql = storage.sql;
    this.letters = new LaneLetters(storage.sql);
    prepareTables(storage);
  }

  state(): LaneState {
    return readState(this.#sql);
  }

  keep({ settings, failing, closing }: LaneState): void {
    this.#sql.exec(
      `INSERT INTO lane (one, settings, failing, closing) VALUES (1, ?, ?, ?)
       ON CONFLICT (one) DO UPDATE SET settings = excluded.settings, failing = excluded.failing, closing = excluded.closing`,
      JSON.stringify(settings),
      failing,
      closing === null ? null : JSON.stringify(closing),
    );
  }

  keepFailing(since: number | null): void {
    this.#sql.exec('UPDATE lane SET failing = ?', since);
  }

  keepToldClosing(): void {
    this.#sql.exec('UPDATE lane SET closing = NULL');
  }

  async clear(): Promise<void> {
    await this.#storage.deleteAll();
    prepareTables(this.#storage);
  }

  /** What is there already stays as it is. */
  add(jobs: readonly LaneJob[], order: string | null, now: number): void {
    for (const { id, name, payload, time, depth, retries = null, owner = null } of jobs) {
      const key = orderOf(order, payload);
      const next = key === null || this.#head(key) === null ? now : null;
      this.#sql.exec(
        'INSERT OR IGNORE INTO job (id, name, payload, time, depth, retries, owner, ordered, next) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
        ...[id, name, payload, time, depth, retries, owner, key, next],
      );
    }
  }

  /** The first waiting job of a key. */
  #head(key: string): number | null {
    const [row] = this.#sql
      .exec(`SELECT min(number) AS number FROM job WHERE status = ${jobStatus.waiting} AND ordered = ?`, key)
      .toArray();
    return row!.number as number | null;
  }

  /** Calls the next job of a key when the one before it has ended. */
  #follow(key: string | null, now: number): void {
    if (key !== null) {
      this.#sql.exec('UPDATE job SET next = ? WHERE number = ? AND next IS NULL', now, this.#head(key));
    }
  }

  /** Calls the first job of every key, when many may have ended or moved. */
  #followAll(now: number): void {
    this.#sql.exec(
      `UPDATE job SET next = ? WHERE status = ${jobStatus.waiting} AND next IS NULL AND number =
       (SELECT min(number) FROM job AS first WHERE first.status = ${jobStatus.waiting} AND first.ordered = job.ordered)`,
      now,
    );
  }

  /** Due and not under way. */
  due(now: number, running: readonly number[]): JobRow | undefined {
    const [job] = this.#sql
      .exec<JobRow>(
        `SELECT * FROM job WHERE status = ${jobStatus.waiting} AND next <= ? AND number NOT IN (SELECT value FROM json_each(?))
         ORDER BY next, number LIMIT 1`,
        now,
        JSON.stringify(running),
      )
      .toArray();
    return job;
  }

  /** When the next job is due; null: none is. */
  nextDue(): number | null {
    const [row] = this.#sql.exec(`SELECT min(next) AS next FROM job WHERE status = ${jobStatus.waiting}`).toArray();
    return row!.next as number | null;
  }

  any(): boolean {
    return this.#sql.exec('SELECT number FROM job LIMIT 1').toArray().length > 0;
  }

  /** An attempt is over. `next`: when the job comes again, if it does. */
  conclude(
    settings: LaneSettings,
    job: JobRow,
    { at, ended }: { at: number; ended: number },
    outcome: Attempt,
    status: number,
    next: number | null,
  ): void {
    const { code, error, answer } = outcome;
    this.#sql.exec(
      'INSERT INTO attempt (job, at, duration, code, error, answer) VALUES (?, ?, ?, ?, ?, ?)',
      ...[job.id, at, ended - at, code, error, answer],
    );
    this.#sql.exec(
      `UPDATE job SET status = ?, attempts = attempts + 1, next = ?, code = ?, error = ?, executed = ?,
       letter = iif(?, ${letter.untold}, letter) WHERE number = ?`,
      ...[status, next, code, error, at, status === jobStatus.dead && hasLetters(settings) ? 1 : 0, job.number],
    );
    if (status === jobStatus.dead) {
      this.letters.changed();
    }
    if (status !== jobStatus.waiting) {
      this.#follow(job.ordered, ended);
    }
  }

  list(filter: JobFilter, offset: number, count: number): JobPage {
    const { condition, values } = conditionOf(filter);
    const rows = this.#sql
      .exec<JobRow>(
        `SELECT * FROM job WHERE ${condition} ORDER BY number DESC LIMIT ? OFFSET ?`,
        ...values,
        count,
        offset,
      )
      .toArray();
    return { total: this.#count(filter), jobs: rows.map((row) => this.#record(row)) };
  }

  outline(filter: JobFilter, count: number): JobOutline {
    const { condition, values } = conditionOf(filter);
    const columns = 'number, id, name, status, time, attempts, code, error, executed, next, owner';
    const jobs = this.#sql
      .exec(`SELECT ${columns} FROM job WHERE ${condition} ORDER BY number DESC LIMIT ?`, ...values, count)
      .toArray() as unknown as JobOutline['jobs'];
    return { total: this.#count(filter), jobs };
  }

  #count(filter: JobFilter): number {
    const { condition, values } = conditionOf(filter);
    const [row] = this.#sql.exec(`SELECT count(*) AS total FROM job WHERE ${condition}`, ...values).toArray();
    return Number(row!.total);
  }

  /** From the first attempt on, behind what waits; those under way go on as they are. Gives how many. */
  replay(filter: JobFilter, running: ReadonlySet<number>, now: number): number {
    const numbers = this.#numbers(filter).filter((number) => !running.has(number));
    this.#storage.transactionSync(() => {
      for (const number of numbers) {
        this.#sql.exec(
          `UPDATE job SET number = (SELECT max(number) + 1 FROM job), status = ${jobStatus.waiting}, attempts = 0,
           next = iif(ordered IS NULL, ?, NULL),
           letter = iif(letter = ${letter.none}, letter, ${letter.leaving})
           WHERE number = ?`,
          now,
          number,
        );
      }
      this.#followAll(now);
    });
    this.letters.changed();
    return numbers.length;
  }

  /** Ends jobs that wait and are not under way; gives how many. */
  cancel(filter: JobFilter, running: ReadonlySet<number>, now: number): number {
    const numbers = this.#numbers({ ...filter, status: jobStatus.waiting }).filter((number) => !running.has(number));
    this.#sql.exec(
      `UPDATE job SET status = ${jobStatus.cancelled}, next = NULL WHERE number IN (SELECT value FROM json_each(?))`,
      JSON.stringify(numbers),
    );
    this.#followAll(now);
    return numbers.length;
  }

  #numbers(filter: JobFilter): number[] {
    const { condition, values } = conditionOf(filter);
    return this.#sql
      .exec<{ number: number }>(`SELECT number FROM job WHERE ${condition} ORDER BY number`, ...values)
      .toArray()
      .map(({ number }) => number);
  }

  pull(after: number, count: number): JobRecord[] {
    return this.#sql
      .exec<JobRow>(
        `SELECT * FROM job WHERE status = ${jobStatus.waiting} AND number > ? ORDER BY number LIMIT ?`,
        after,
        count,
      )
      .toArray()
      .map((row) => this.#record(row));
  }

  acknowledge(upTo: number, now: number): number {
    const acknowledged = this.#sql.exec(
      `UPDATE job SET status = ${jobStatus.done}, next = NULL, executed = ? WHERE status = ${jobStatus.waiting} AND number <= ? RETURNING number`,
      now,
      upTo,
    );
    const { length } = acknowledged.toArray();
    this.#followAll(now);
    return length;
  }

  /** How many jobs wait, since when the oldest does, how many are dead, and when an attempt last succeeded. */
  counts(): { waiting: number; oldest: number | null; dead: number; succeeded: number | null } {
    const [row] = this.#sql
      .exec(
        `SELECT (SELECT count(*) FROM job WHERE status = ${jobStatus.waiting}) AS waiting,
         (SELECT min(time) FROM job WHERE status = ${jobStatus.waiting}) AS oldest,
         (SELECT count(*) FROM job WHERE status = ${jobStatus.dead}) AS dead,
         (SELECT executed FROM job WHERE status = ${jobStatus.done} ORDER BY number DESC LIMIT 1) AS succeeded`,
      )
      .toArray();
    return row as ReturnType<LaneStore['counts']>;
  }

  /** Forgets what ended long ago, once a day. */
  clean(now: number): void {
    this.#cleaned ??= Number(this.#sql.exec('SELECT cleaned FROM lane').toArray()[0]?.cleaned ?? now);
    if (now - this.#cleaned < cleaning) {
      return;
    }
    this.#cleaned = now;
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

function conditionOf({ ids, status, since, until, name, names, owner }: JobFilter): {
  condition: string;
  values: (string | number)[];
} {
  const parts: [string, string | number | undefined][] = [
    ['id IN (SELECT value FROM json_each(?))', ids === undefined ? undefined : JSON.stringify(ids)],
    ['status = ?', status],
    ['time >= ?', since],
    ['time <= ?', until],
    ['name = ?', name],
    ['name IN (SELECT value FROM json_each(?))', names === undefined ? undefined : JSON.stringify(names)],
    ['owner = ?', owner],
  ];
  const given = parts.filter((part): part is [string, string | number] => part[1] !== undefined);
  return {
    condition: given.length === 0 ? 'true' : given.map(([sql]) => sql).join(' AND '),
    values: given.map(([, value]) => value),
  };
}

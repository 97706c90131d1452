import { jobStatus, type LaneSettings } from '../worker/core/events.ts';
import { hasLetters, letter } from './lane-letters.ts';

// The tables of a lane's memory: `lane` (one row), `job`, `attempt`. Indexes hold few jobs each (what waits, what has a key, what is to be
// told), for each row of an index is one more row to write.

/** What a lane knows of itself, beside its jobs. */
export interface LaneState {
  settings: LaneSettings | null;
  /** Since when every attempt fails, milliseconds since the epoch. */
  failing: number | null;
  /** Why and since when the lane is closed, until that was told. */
  closing: { reason: string; since: number } | null;
}

export function readState(sql: SqlStorage): LaneState {
  const [row] = sql.exec('SELECT settings, failing, closing FROM lane').toArray();
  return {
    settings: row === undefined ? null : JSON.parse(String(row.settings)),
    failing: row === undefined ? null : (row.failing as number | null),
    closing: row === undefined || row.closing === null ? null : JSON.parse(String(row.closing)),
  };
}

/** Makes the tables, or brings those of the first release up to date; nothing where they are. */
export function prepareTables(storage: DurableObjectStorage): void {
  const { sql } = storage;
  const names = new Set(
    sql
      .exec('SELECT name FROM sqlite_master')
      .toArray()
      .map(({ name }) => name),
  );
  if (names.has('job_letter')) {
    return;
  }
  const statements = [
    'CREATE TABLE IF NOT EXISTS lane (one INTEGER PRIMARY KEY CHECK (one = 1), settings TEXT NOT NULL, failing INTEGER, closing TEXT, cleaned INTEGER NOT NULL DEFAULT 0)',
    `CREATE TABLE IF NOT EXISTS job (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL,
     payload TEXT NOT NULL, time INTEGER NOT NULL, depth INTEGER NOT NULL, retries INTEGER, ordered TEXT, status INTEGER NOT NULL DEFAULT 1,
     attempts INTEGER NOT NULL DEFAULT 0, next INTEGER, code INTEGER, error TEXT, executed INTEGER)`,
    'ALTER TABLE job ADD COLUMN owner INTEGER',
    `ALTER TABLE job ADD COLUMN letter INTEGER NOT NULL DEFAULT ${letter.none}`,
    'CREATE TABLE IF NOT EXISTS attempt (job TEXT NOT NULL, at INTEGER NOT NULL, duration INTEGER NOT NULL, code INTEGER, error TEXT, answer TEXT)',
    'CREATE INDEX IF NOT EXISTS attempt_job ON attempt (job)',
    `CREATE INDEX IF NOT EXISTS job_due ON job (next) WHERE status = ${jobStatus.waiting}`,
    `CREATE INDEX job_key ON job (ordered, number) WHERE status = ${jobStatus.waiting} AND ordered IS NOT NULL`,
    'CREATE INDEX job_owner ON job (owner, number) WHERE owner IS NOT NULL',
    `CREATE INDEX job_dead ON job (number) WHERE status = ${jobStatus.dead}`,
    `CREATE INDEX job_letter ON job (letter) WHERE letter IN (${letter.untold}, ${letter.leaving})`,
  ];
  storage.transactionSync(() => {
    for (const statement of statements) {
      sql.exec(statement);
    }
    if (names.has('job')) {
      upgrade(sql);
    }
  });
}

/** What the first release left: jobs that wait for others and have a time, jobs without their owner, and dead ones that nobody was told of. */
function upgrade(sql: SqlStorage): void {
  sql.exec('DROP INDEX IF EXISTS job_order');
  sql.exec('DROP INDEX IF EXISTS job_time');
  sql.exec(
    `UPDATE job SET next = NULL WHERE status = ${jobStatus.waiting} AND number >
     (SELECT min(number) FROM job AS first WHERE first.status = ${jobStatus.waiting} AND first.ordered = job.ordered)`,
  );
  const { settings } = readState(sql);
  if (settings?.kind === 'run') {
    sql.exec(`UPDATE job SET owner = payload ->> '$.caller.userId'`);
  }
  if (settings !== null && hasLetters(settings)) {
    sql.exec(`UPDATE job SET letter = ${letter.untold} WHERE status = ${jobStatus.dead}`);
  }
}

import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { beforeEach, describe, expect, it } from 'vitest';
import { LaneStore } from '../../durable-objects/lane-store.ts';
import { type Attempt, jobStatus, type LaneSettings } from '../../worker/core/events.ts';

// The memory of a lane, without the object around it: who is due, in which order, and what is told of the dead.

let sqlite: DatabaseSync;
beforeEach(() => {
  sqlite = new DatabaseSync(':memory:');
});

/** As much of a Durable Object's storage as the lane asks for. */
function storage() {
  return {
    sql: {
      exec: (sql: string, ...values: SQLInputValue[]) => {
        const rows = sqlite.prepare(sql).all(...values);
        return { toArray: () => rows };
      },
    },
    transactionSync: <T>(work: () => T) => work(),
  } as unknown as DurableObjectStorage;
}

const settings = { kind: 'webhook', schedule: [1], version: 1, target: {} } as unknown as LaneSettings;
const job = (id: string, key = id) => ({ id, name: 'e', payload: JSON.stringify({ key }), time: 1, depth: 0 });
const failed: Attempt = { ok: false, code: 500, error: 'no', answer: null };
const none: ReadonlySet<number> = new Set();

function openStore() {
  const store = new LaneStore(storage());
  const due = (now = 100) => store.due(now, []);
  return {
    store,
    due,
    end(status: number, next: number | null = null) {
      store.conclude(settings, due()!, { at: 5, ended: 6 }, failed, status, next);
    },
  };
}

describe('order per key', () => {
  it('lets one job of a key be due, and the next one when that has ended', () => {
    const { store, due, end } = openStore();
    store.add([job('a1', 'a'), job('a2', 'a'), job('b1', 'b'), job('a3', 'a')], '/key', 10);
    expect(due()!.id).toBe('a1');
    end(jobStatus.waiting, 500);
    expect(due()!.id).toBe('b1');
    end(jobStatus.done);
    expect(due()).toBeUndefined();
    // Nothing is due before the one that failed is: nobody looks in vain for those behind it.
    expect(store.nextDue()).toBe(500);
    expect(due(500)!.id).toBe('a1');
    store.conclude(settings, due(500)!, { at: 500, ended: 501 }, failed, jobStatus.dead, null);
    expect(due(501)!.id).toBe('a2');
  });

  it('holds when jobs are tried again, cancelled or acknowledged', () => {
    const { store, due, end } = openStore();
    store.add([job('a1', 'a'), job('a2', 'a'), job('a3', 'a'), job('a4', 'a')], '/key', 10);
    // Behind all others of its key.
    expect(store.replay({ ids: ['a1'] }, none, 20)).toBe(1);
    expect(due()!.id).toBe('a2');
    expect(store.cancel({ ids: ['a2'] }, none, 20)).toBe(1);
    expect(due()!.id).toBe('a3');
    expect(store.acknowledge(due()!.number, 20)).toBe(1);
    expect(due()!.id).toBe('a4');
    end(jobStatus.done);
    expect(due()!.id).toBe('a1');
    end(jobStatus.done);
    expect([due(), store.nextDue()]).toEqual([undefined, null]);
    expect(store.counts()).toEqual({ waiting: 0, oldest: null, dead: 0, succeeded: 5 });
  });
});

describe('dead letters', () => {
  it('are told once, and again when the job was brought back meanwhile', () => {
    const { store, due, end } = openStore();
    expect(store.letters.owed()).toBeNull();
    store.add([job('x'), job('y')], null, 10);
    end(jobStatus.dead);
    const told = store.letters.owed()!;
    expect([told.dead.map(({ id }) => id), told.revived]).toEqual([['x'], []]);
    // It is brought back while that is on its way: whoever learns of the death learns of the return afterwards.
    store.replay({ ids: ['x'] }, none, 20);
    store.letters.keepTold(told);
    expect(store.letters.owed()).toEqual({ dead: [], revived: ['x'] });
    store.letters.keepTold(store.letters.owed()!);
    expect(store.letters.owed()).toBeNull();
    expect(store.counts()).toMatchObject({ waiting: 2, dead: 0 });
    end(jobStatus.dead);
    expect(due()!.id).toBe('x');
    end(jobStatus.dead);
    expect(store.letters.owed()!.dead.map(({ id }) => id)).toEqual(['y', 'x']);
  });
});

describe('what the first release left', () => {
  it('goes on: the first of each key is due, dead jobs are told, and runs have their owner', () => {
    sqlite.exec(`CREATE TABLE lane (one INTEGER PRIMARY KEY CHECK (one = 1), settings TEXT NOT NULL, failing INTEGER, closing TEXT, cleaned INTEGER NOT NULL DEFAULT 0);
      CREATE TABLE job (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, name TEXT NOT NULL, payload TEXT NOT NULL, time INTEGER NOT NULL,
        depth INTEGER NOT NULL, retries INTEGER, ordered TEXT, status INTEGER NOT NULL DEFAULT 1, attempts INTEGER NOT NULL DEFAULT 0, next INTEGER,
        code INTEGER, error TEXT, executed INTEGER);
      CREATE INDEX job_due ON job (next) WHERE status = 1;
      CREATE INDEX job_order ON job (ordered, number) WHERE status = 1;
      CREATE INDEX job_time ON job (time);
      CREATE TABLE attempt (job TEXT NOT NULL, at INTEGER NOT NULL, duration INTEGER NOT NULL, code INTEGER, error TEXT, answer TEXT);
      CREATE INDEX attempt_job ON attempt (job);
      INSERT INTO lane (one, settings) VALUES (1, '{"kind":"webhook"}');
      INSERT INTO job (id, name, payload, time, depth, ordered, status, next) VALUES ('d', 'e', '{}', 1, 0, NULL, 3, NULL),
        ('a1', 'e', '{}', 1, 0, '"a"', 1, 900), ('a2', 'e', '{}', 1, 0, '"a"', 1, 10), ('b1', 'e', '{}', 1, 0, NULL, 1, 20);`);
    const { store, due, end } = openStore();
    expect(due()!.id).toBe('b1');
    end(jobStatus.done);
    expect([due(), store.nextDue()]).toEqual([undefined, 900]);
    expect(store.letters.owed()!.dead.map(({ id }) => id)).toEqual(['d']);
    // Opening it once more changes nothing.
    expect(openStore().store.list({}, 0, 10).total).toBe(4);

    sqlite.exec(`UPDATE lane SET settings = '{"kind":"run"}'; DROP INDEX job_letter; DROP INDEX job_owner; DROP INDEX job_dead; DROP INDEX job_key;
      ALTER TABLE job DROP COLUMN letter; ALTER TABLE job DROP COLUMN owner;
      UPDATE job SET payload = '{"caller":{"userId":7}}' WHERE id = 'd'`);
    expect(openStore().store.outline({ owner: 7 }, 5)).toMatchObject({ total: 1, jobs: [{ id: 'd', owner: 7 }] });
  });
});

import type { DatabaseSync } from 'node:sqlite';
import { describe, expect, it } from 'vitest';
import { cronLane } from '../../worker/cron/lane.ts';
import { runCronjobs } from '../../worker/cron/tick.ts';
import { smallD1 } from './small-d1.ts';

// Minutes pass as fast as they can: the trigger comes twice, late, in pairs or not at all, runs take their time or are cut off. Which runs there
// must be is worked out again, minute by minute and with other means, from what happened.

const minutes = process.env.POSTERN_FULL === undefined ? 500 : 10_000;
const minute = 60_000;
const begin = Date.parse('2026-10-20T00:00:00Z');

/** Small expressions, and whether they hold at a minute, told without a library. */
const times: [cron: string, holds: (date: Date) => boolean][] = [
  ['* * * * *', () => true],
  ['*/5 * * * *', (date) => date.getUTCMinutes() % 5 === 0],
  ['1-59/7 * * * *', (date) => date.getUTCMinutes() % 7 === 1],
  ['0,20,21 * * * *', (date) => [0, 20, 21].includes(date.getUTCMinutes())],
  ['@hourly', (date) => date.getUTCMinutes() === 0],
  [
    '15 */3 * * TUE-thu',
    (date) => date.getUTCMinutes() === 15 && date.getUTCHours() % 3 === 0 && [2, 3, 4].includes(date.getUTCDay()),
  ],
];
const policies = (['skip', 'one', 'all'] as const).flatMap((missed) =>
  (['forbid', 'allow'] as const).map((overlap) => ({ missed, overlap })),
);

interface Job {
  id: number;
  holds(date: Date): boolean;
  missed: 'skip' | 'one' | 'all';
  overlap: 'forbid' | 'allow';
  missedLimit: number;
}

interface Run {
  id: number;
  cronjob_id: number;
  minute: number;
  attempt: number;
  status: string;
  started: number | null;
  ended: number | null;
}

/** The same numbers in each run of the test. */
function draw(seed: number): () => number {
  let state = seed;
  return () => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return state / 2 ** 32;
  };
}

function makeJobs(sqlite: DatabaseSync): Job[] {
  return Array.from({ length: 50 }, (_, index) => {
    const [cron, holds] = times[index % times.length]!;
    const { missed, overlap } = policies[Math.floor(index / times.length) % policies.length]!;
    const missedLimit = index % 3 === 0 ? 2 : 10;
    sqlite
      .prepare(
        `INSERT INTO cronjob (id, status, name, cron, action, timezone, missed, missed_limit, overlap) VALUES (?, 1, ?, ?, 'a', 'UTC', ?, ?, ?)`,
      )
      .run(index + 1, `job-${index}`, cron, missed, missedLimit, overlap);
    return { id: index + 1, holds, missed, overlap, missedLimit };
  });
}

/** When the trigger came, by true minute: the times that it was for. */
function drawTriggers(random: () => number): number[][] {
  const triggers: number[][] = [];
  let silent = 0;
  const late: number[] = [];
  for (let at = 0; at < minutes; at += 1) {
    silent = silent > 0 ? silent - 1 : random() < 0.01 ? Math.ceil(random() * 40) : 0;
    const times = silent > 0 || random() < 0.05 ? [] : [at];
    if (times.length === 0 && silent === 0) {
      late.push(at);
    }
    if (random() < 0.1) {
      times.push(...times);
    }
    if (late.length > 0 && random() < 0.3) {
      times.push(late.shift()!);
    }
    triggers.push(random() < 0.5 ? times : times.reverse());
  }
  return triggers;
}

/** Lanes that do nothing. */
const lanes = { getByName: () => ({ add: async () => {}, replay: async () => 0 }) };

describe('50 cronjobs', () => {
  it(`run as their policies say in ${minutes} minutes of broken triggers`, { timeout: 540_000 }, async () => {
    const random = draw(7);
    const { db, sqlite } = smallD1(() => new Promise((resolve) => setImmediate(resolve)));
    const jobs = makeJobs(sqlite);
    const waiting = new Map<number, number[]>();
    const handed = new Set<string>();
    const env = {
      DB: db,
      LANE: {
        getByName: (name: string) => ({
          async add(_settings: unknown, added: { id: string; payload: string }[]) {
            const fresh = added.filter(({ id }) => !handed.has(`${name} ${id}`));
            for (const { id, payload } of fresh) {
              handed.add(`${name} ${id}`);
              const lane = Number(name.split(':').at(-1));
              waiting.set(lane, [...(waiting.get(lane) ?? []), Number(payload)]);
            }
          },
          // What waits here is not dead.
          replay: async () => 0,
        }),
      },
    } as unknown as Parameters<typeof runCronjobs>[0];
    expect(cronLane('', 5)).toMatchObject({ kind: 'cronjob', id: 5 });

    const busy = new Map<number, { run: number; until: number }>();
    const faults: unknown[] = [];
    const model = new Model(jobs);
    for (const [at, triggers] of drawTriggers(random).entries()) {
      const now = begin + at * minute;
      for (const [lane, { run, until }] of busy) {
        if (until <= at) {
          sqlite.prepare(`UPDATE cronjob_run SET status = 'done', settled = 1, ended = ? WHERE id = ?`).run(now, run);
          busy.delete(lane);
        }
      }
      for (const time of new Set(triggers)) {
        const again = triggers.filter((other) => other === time);
        const open = sqlite
          .prepare(`SELECT DISTINCT +cronjob_id AS id FROM cronjob_run WHERE tenant_id = '' AND settled = 0`)
          .all();
        // Those for the same minute are under way together.
        await Promise.all(
          again.map(() => runCronjobs(env, '', begin + time * minute + 1_234, now, (_, thrown) => faults.push(thrown))),
        );
        model.trigger(begin + time * minute, new Set(open.map(({ id }) => Number(id))));
      }
      for (const [lane, runs] of waiting) {
        if (!busy.has(lane) && runs.length > 0) {
          const run = runs.shift()!;
          const changed = sqlite
            .prepare(
              `UPDATE cronjob_run SET status = 'running', started = ?, deadline = ? WHERE id = ? AND status = 'pending'`,
            )
            .run(now, now + 1_000 * minute, run);
          expect(changed.changes).toBe(1);
          busy.set(lane, { run, until: at + Math.ceil(random() * random() * 4) });
        }
      }
    }
    expect(faults).toEqual([]);

    const runs = sqlite.prepare('SELECT * FROM cronjob_run ORDER BY id').all() as unknown as Run[];
    for (const job of jobs) {
      const own = runs.filter(({ cronjob_id }) => cronjob_id === job.id);
      const ran = own.filter(({ status }) => status !== 'missed').map(({ minute }) => at(minute));
      expect([job, [...ran].sort()]).toEqual([job, [...model.expected.get(job.id)!].map(at).sort()]);
      expect(new Set(ran).size).toBe(ran.length);
      if (job.overlap === 'forbid') {
        const spans = own.filter(({ started }) => started !== null).sort((a, b) => a.started! - b.started!);
        spans.forEach((span, index) => {
          expect(index === 0 || spans[index - 1]!.ended! <= span.started!, `${job.id} overlaps`).toBe(true);
        });
      }
    }
    expect(runs.filter(({ status }) => status === 'missed').length).toBeGreaterThan(10);
    expect(runs.length).toBeGreaterThan(minutes * 2);
  });

  it('run once each when triggers of several minutes are under way together', async () => {
    const { db, sqlite } = smallD1(() => new Promise((resolve) => setImmediate(resolve)));
    const env = { DB: db, LANE: lanes } as unknown as Parameters<typeof runCronjobs>[0];
    const job = `INSERT INTO cronjob (id, status, name, cron, action, missed, overlap) VALUES (?, 1, ?, '* * * * *', 'a', 'all', 'allow')`;
    [1, 2, 3].forEach((id) => void sqlite.prepare(job).run(id, `job-${id}`));
    await runCronjobs(env, '', begin, begin, () => {});
    for (let at = 1; at < 60; at += 5) {
      const together = [4, 0, 2, 3, 1].map((more) => begin + (at + more) * minute);
      await Promise.all(together.map((time) => runCronjobs(env, '', time, time, () => {})));
    }
    const runs = sqlite.prepare('SELECT cronjob_id, minute FROM cronjob_run ORDER BY cronjob_id, minute').all();
    const each = (cronjob_id: number) =>
      Array.from({ length: 61 }, (_, at) => ({ cronjob_id, minute: begin + at * minute }));
    expect(runs).toEqual([...each(1), ...each(2), ...each(3)]);
  });

  it('that got lost are made again as the policy says, and no more than three times', async () => {
    const { db, sqlite } = smallD1(async () => {});
    const env = { DB: db, LANE: lanes } as unknown as Parameters<typeof runCronjobs>[0];
    for (const [index, missed] of ['skip', 'one', 'all'].entries()) {
      sqlite
        .prepare(`INSERT INTO cronjob (id, status, name, cron, action, missed) VALUES (?, 1, ?, '0 0 * * *', 'a', ?)`)
        .run(index + 1, missed, missed);
    }
    for (let at = 0; at < 20; at += 1) {
      const now = begin + at * minute;
      await runCronjobs(env, '', now, now, () => {});
      sqlite
        .prepare(`UPDATE cronjob_run SET status = 'running', started = ?, deadline = ? WHERE status = 'pending'`)
        .run(now, now + 90_000);
    }
    const runs = sqlite
      .prepare('SELECT cronjob_id, minute, attempt, cause, status, settled FROM cronjob_run ORDER BY cronjob_id, id')
      .all();
    const lost = (cronjob_id: number, attempt: number) => ({
      ...{ cronjob_id, minute: begin, attempt, cause: attempt === 0 ? 'schedule' : 'lost', status: 'lost', settled: 1 },
    });
    expect(runs).toEqual([lost(1, 0), lost(2, 0), lost(2, 1), lost(2, 2), lost(3, 0), lost(3, 1), lost(3, 2)]);
  });
});

function at(time: number): string {
  return new Date(time).toISOString().slice(0, 16);
}

/** What must run, by lists of minutes. */
class Model {
  readonly expected = new Map<number, number[]>();
  readonly #jobs: Job[];
  readonly #decided = new Map<number, number>();

  constructor(jobs: Job[]) {
    this.#jobs = jobs;
    for (const { id } of jobs) {
      this.expected.set(id, []);
    }
  }

  /** `busy`: jobs with a run under way. */
  trigger(last: number, busy: Set<number>): void {
    for (const job of this.#jobs) {
      const decided = this.#decided.get(job.id) ?? last - minute;
      const occupied = job.overlap === 'forbid' && busy.has(job.id);
      if (last <= decided || (occupied && job.missed !== 'skip' && this.#decided.has(job.id))) {
        continue;
      }
      this.#decided.set(job.id, last);
      const due: number[] = [];
      for (let time = decided + minute; time <= last; time += minute) {
        if (job.holds(new Date(time))) {
          due.push(time);
        }
      }
      const expected = this.expected.get(job.id)!;
      if (job.missed === 'skip') {
        expected.push(...due.filter((time) => time === last && !occupied));
      } else {
        expected.push(...due.slice(job.missed === 'one' ? -1 : -job.missedLimit));
      }
    }
  }
}

import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { Type } from 'typebox';
import { invalidAt } from '../core/errors.ts';
import { normalCron, parseCron } from '../lib/cron.ts';
import { identity, json, uniqueActive } from './columns.ts';
import { runErrorOf } from './cronjob-run.ts';
import {
  defineResource,
  metadataField,
  nameField,
  type Reading,
  type Row,
  statusField,
  taxonomyField,
  toSeconds,
} from './define.ts';
import { checkAction, nameIn } from './operation-references.ts';

export const cronjobs = sqliteTable(
  'cronjob',
  {
    ...identity,
    category_id: integer().notNull().default(1),
    taxonomy_id: integer(),
    name: text().notNull(),
    cron: text().notNull(),
    action: text().notNull(),
    timezone: text().notNull().default('UTC'),
    missed: text().notNull().default('one'),
    missed_limit: integer().notNull().default(10),
    overlap: text().notNull().default('forbid'),
    timeout: integer().notNull().default(30_000),
    metadata: json(),
  },
  (table) => [uniqueActive('cronjob_name', table, 'name')],
);

const choice = (values: readonly string[], description: string) =>
  Type.Unsafe<string>({ type: 'string', enum: [...values], description });

/** Runs that are coming, as many as an entity shows. */
const shownTimes = 5;

/** An action that runs at times. How its runs went is no configuration, so it is kept apart. */
export const cronjob = defineResource({
  name: 'cronjob',
  title: 'Cronjob',
  description: 'An action and the times at which it runs.',
  table: cronjobs,
  versioned: true,
  categorised: 'shared',
  seeded: ['Renew_Token'],
  fields: {
    status: statusField,
    name: nameField('a-zA-Z0-9_-', 3, 255),
    cron: {
      schema: Type.String({
        description: 'Minute, hour, day, month, weekday, with L, W and #; or @hourly, @daily …',
        maxLength: 255,
      }),
      list: true,
      required: 'Cronjob expression must not be empty',
    },
    action: {
      schema: Type.String({ description: 'Action that runs', maxLength: 255 }),
      list: true,
      required: 'Action must not be empty',
    },
    timezone: {
      schema: Type.String({ description: 'Whose clock counts, as in Europe/Berlin; UTC unless given', maxLength: 64 }),
      list: true,
      initial: 'UTC',
    },
    missed: {
      schema: choice(
        ['skip', 'one', 'all'],
        'What becomes of times that were missed and of lost runs: nothing, one run for all of them, or a run for each',
      ),
      initial: 'one',
    },
    missedLimit: {
      schema: Type.Integer({ description: 'Missed runs that "all" makes up for at most', minimum: 1, maximum: 100 }),
      initial: 10,
    },
    overlap: {
      schema: choice(['forbid', 'allow'], 'Whether a run may begin while one is under way; if not, its time is missed'),
      initial: 'forbid',
    },
    timeout: {
      schema: Type.Integer({ description: 'Milliseconds that a run may take', minimum: 1, maximum: 600_000 }),
      initial: 30_000,
    },
    executeDate: { schema: Type.String({ description: 'When it last ran' }), readonly: true, virtual: true },
    exitCode: { schema: Type.Integer({ description: '0 well, 1 failed' }), readonly: true, virtual: true },
    errors: { schema: Type.Array(Type.Unknown(), { description: 'Latest failures' }), readonly: true, virtual: true },
    nextDates: {
      schema: Type.Array(Type.String(), { description: 'When it runs next' }),
      readonly: true,
      virtual: true,
    },
    taxonomyId: taxonomyField,
    metadata: metadataField,
  },
  references: (data) => (nameIn(data.action, 'action') === null ? [] : [['action', nameIn(data.action, 'action')!]]),
  async prepare(change) {
    const { row } = change;
    row.cron = checkedCron(row.cron, checkedTimezone(row.timezone), change.view.now);
    row.action = await checkAction(change, row.action);
  },
  async extend(rows, entities, reading) {
    await showRuns(rows, entities, reading);
    const now = reading.now();
    rows.forEach(({ cron, timezone }, position) => {
      const schedule = parseCron(cron, timezone);
      const dates: string[] = [];
      for (let time = schedule.next(now); time !== null && dates.length < shownTimes; time = schedule.next(time)) {
        dates.push(toSeconds(new Date(time).toISOString()));
      }
      entities[position]!.nextDates = dates;
    });
  },
  extendList: showLastRuns,
});

/** How the last run went, and what went wrong lately. */
async function showRuns(rows: Row[], entities: Record<string, unknown>[], reading: Reading): Promise<void> {
  await showLastRuns(rows, entities, reading);
  await Promise.all(
    rows.map(async ({ id, action }, position) => {
      entities[position]!.errors = (await reading.failedRuns(id)).map((run) => runErrorOf(run, action));
    }),
  );
}

async function showLastRuns(rows: Row[], entities: Record<string, unknown>[], reading: Reading): Promise<void> {
  const last = new Map((await reading.lastRuns(rows.map(({ id }) => id))).map((run) => [run.cronjob_id, run]));
  rows.forEach(({ id }, position) => {
    const run = last.get(id);
    if (run !== undefined) {
      entities[position]!.executeDate = toSeconds(new Date(run.started!).toISOString());
      // Fusio knows no other end than these two.
      Object.assign(entities[position]!, run.status === 'running' ? {} : { exitCode: run.exit_code ?? 1 });
    }
  });
}

function checkedTimezone(timezone: string): string {
  try {
    return new Intl.DateTimeFormat('en', { timeZone: timezone }) && timezone;
  } catch {
    throw invalidAt('/timezone', 'Time zone does not exist');
  }
}

/** In its normal form. Throws ApiError for what never runs or is no expression. */
function checkedCron(expression: string, timezone: string, now: number): string {
  try {
    if (parseCron(expression, timezone).next(now) === null) {
      throw new RangeError('never');
    }
    return normalCron(expression);
  } catch {
    throw invalidAt('/cron', `${expression} is not a valid CRON expression`);
  }
}

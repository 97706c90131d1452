import { and, desc, eq, type SQL, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { Type } from 'typebox';
import type { Call, Input } from '../../core/call.ts';
import { ApiError } from '../../core/errors.ts';
import { laneOf } from '../../core/lane-of.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { cronLane, jobOf, laneNumber } from '../../cron/lane.ts';
import { cronjob } from '../../resources/cronjob.ts';
import { cronjobRuns, type RunRow, type RunStatus, runOf } from '../../resources/cronjob-run.ts';
import { findRow } from '../../resources/crud.ts';

const statuses: RunStatus[] = ['pending', 'running', 'done', 'failed', 'lost', 'missed', 'cancelled'];

const run = Type.Object({
  id: Type.Integer(),
  status: Type.Unsafe<RunStatus>({
    type: 'string',
    enum: statuses,
    description:
      'lost: begun, and interrupted; missed: not run, as the policy says; cancelled: the cronjob was deleted before',
  }),
  cause: Type.String({ description: 'schedule, missed (made up for), lost (made again) or manual' }),
  attempt: Type.Integer({ description: 'Above 1 when the run before was lost' }),
  date: Type.String({ description: 'The time that it is for' }),
  executeDate: Type.Optional(Type.String({ description: 'When it began' })),
  duration: Type.Optional(Type.Integer({ description: 'Milliseconds' })),
  exitCode: Type.Optional(Type.Integer({ description: '0 well, 1 failed' })),
  code: Type.Optional(Type.Integer({ description: "Status of the action's answer" })),
  error: Type.Optional(Type.String()),
  answer: Type.Optional(Type.String({ description: 'Beginning of the answer' })),
});

const one = '/backend/cronjob/$cronjob_id<[0-9]+|^~>/run';

/** The runs of a cronjob, and running it now. */
export const cronjobOperations: readonly SystemOperation[] = [
  {
    name: 'backend.cronjob.getRuns',
    method: 'GET',
    path: one,
    description: 'Lists the runs of a cronjob of the last 30 days, newest first',
    scope: 'backend.cronjob',
    query: {
      startIndex: { type: 'integer', minimum: 0, description: 'How many entries to skip' },
      count: { type: 'integer', minimum: 1, maximum: 1024, description: 'How many entries to return, 16 unless given' },
      status: { type: 'string', enum: statuses, description: 'Only runs of this kind' },
    },
    outgoing: Type.Object({
      totalResults: Type.Integer(),
      startIndex: Type.Integer(),
      itemsPerPage: Type.Integer(),
      entry: Type.Array(run),
    }),
    run: listRuns,
  },
  {
    name: 'backend.cronjob.run',
    method: 'POST',
    path: one,
    description: 'Runs a cronjob now, beside its times; 409 while a run is under way and overlaps are forbidden',
    scope: 'backend.cronjob',
    status: 202,
    outgoing: Type.Object({ success: Type.Boolean(), message: Type.String(), id: Type.String() }),
    run: runNow,
  },
];

async function listRuns(call: Call, { path, query }: Input) {
  const { id } = await findRow(call, cronjob, String(path.cronjob_id));
  const { startIndex = 0, count = 16, status } = query as { startIndex?: number; count?: number; status?: RunStatus };
  const condition: SQL | undefined = and(
    eq(cronjobRuns.cronjob_id, id),
    eq(cronjobRuns.tenant_id, call.tenant),
    status === undefined ? undefined : eq(cronjobRuns.status, status),
  );
  const db = drizzle(call.runtime.env.DB);
  const [counted, rows] = await db.batch([
    db.select({ total: sql<number>`count(*)` }).from(cronjobRuns).where(condition),
    db.select().from(cronjobRuns).where(condition).orderBy(desc(cronjobRuns.id)).limit(count).offset(startIndex),
  ]);
  return { totalResults: counted[0]?.total ?? 0, startIndex, itemsPerPage: count, entry: rows.map(runOf) };
}

async function runNow(call: Call, { path }: Input) {
  const { id, overlap } = await findRow(call, cronjob, String(path.cronjob_id));
  const { env, now } = call.runtime;
  const made = await env.DB.prepare(
    `INSERT INTO cronjob_run (tenant_id, cronjob_id, cause, status, lane, created)
     SELECT ?1, ?2, 'manual', 'pending', ?3, ?4 WHERE ?5 = 'allow' OR NOT EXISTS
       (SELECT 1 FROM cronjob_run WHERE tenant_id = ?1 AND settled = 0 AND +cronjob_id = ?2 AND status IN ('pending', 'running'))
     RETURNING *`,
  )
    .bind(call.tenant, id, laneNumber(id, overlap, now()), now(), overlap)
    .first<RunRow>();
  if (made === null) {
    throw new ApiError('conflict', 'A run of this cronjob is under way, and overlaps are forbidden');
  }
  const settings = cronLane(call.tenant, made.lane);
  // It is written down: should the lane be out of reach, the next trigger calls it.
  const handed = laneOf(env, settings).add(settings, [jobOf(made)]);
  await handed.catch((thrown) => call.runtime.report('cronjob.run', thrown));
  return { success: true, message: 'Cronjob is on its way', id: String(made.id) };
}

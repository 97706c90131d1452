import { and, asc, eq, inArray, ne, or, type SQL, sql } from 'drizzle-orm';
import { drizzle } from 'drizzle-orm/d1';
import { Type } from 'typebox';
import type { Call, CallOperation, Input } from '../../core/call.ts';
import { ApiError } from '../../core/errors.ts';
import type { ParameterRecord } from '../../core/records.ts';
import { categories, type SystemOperation } from '../../core/system-operation.ts';
import { visibleTo } from '../../resources/authority-read.ts';
import { collectionParameters, findRow, getEntity, listEntities, messageSchema } from '../../resources/crud.ts';
import { operation, operations } from '../../resources/operation.ts';
import { test, testStatus, tests } from '../../resources/test.ts';
import { mannerOf, runTest, type TestConfig, type TestResult } from './test-run.ts';

const scope = 'backend.test';
const one = '/backend/test/$test_id<[0-9]+>';
/** Tests of one run, and how many go at a time. */
const mostRun = 16;
const together = 4;

const categoryId: ParameterRecord = {
  ...{ type: 'integer', minimum: 1, maximum: 5 },
  description: '1 the own operations (unless given); of the platform: 2 backend, 3 consumer, 4 system, 5 authorization',
};

const text = Type.Union([Type.String(), Type.Null()]);

/** The test panel: one stored request per operation, run in-process through the real journey. */
export const testOperations: readonly SystemOperation[] = [
  {
    name: `${scope}.getAll`,
    method: 'GET',
    path: '/backend/test',
    description: 'Lists tests',
    scope,
    query: { ...collectionParameters },
    run: (call, { query }) => listEntities(call, test, query, visible(call)),
  },
  {
    name: `${scope}.get`,
    method: 'GET',
    path: one,
    description: 'Returns one test with its request and what was answered',
    scope,
    run: (call, input) => getEntity(call, test, String(input.path.test_id), visible(call)),
  },
  {
    name: `${scope}.refresh`,
    method: 'PUT',
    path: '/backend/test',
    description: 'Makes a test for every operation that has none, and forgets those of operations that are gone',
    scope,
    query: { categoryId },
    outgoing: messageSchema,
    run: refresh,
  },
  {
    name: `${scope}.run`,
    method: 'POST',
    path: '/backend/test',
    description:
      'Runs up to 16 tests that did not succeed yet: reads as they are, changes of the configuration as a plan; what may have effects outside only when confirmed, and then it is real',
    scope,
    query: {
      confirm: { type: 'boolean', description: 'Also what may have effects outside, or costs points' },
      testId: { type: 'integer', description: 'Only this test, whatever became of it before' },
    },
    outgoing: messageSchema,
    run,
  },
  {
    name: `${scope}.update`,
    method: 'PUT',
    path: one,
    description: 'Changes the request of a test, which is then pending; status 6 disables it, 1 enables it again',
    scope,
    incoming: Type.Object({
      status: Type.Optional(Type.Union([Type.Integer({ minimum: 1, maximum: 6 }), Type.Null()])),
      config: Type.Optional(
        Type.Union([
          Type.Object({
            method: Type.Optional(text),
            uriFragments: Type.Optional(text),
            parameters: Type.Optional(text),
            headers: Type.Optional(text),
            body: Type.Optional(Type.Unknown()),
          }),
          Type.Null(),
        ]),
      ),
    }),
    outgoing: messageSchema,
    run: update,
  },
];

/** Tests of the platform's operations are everybody's; others belong to a category, as their operations do. */
function visible(call: Call): SQL {
  const own = visibleTo(call, { ...test, categorised: true });
  return or(own, sql`${tests.operation_id} < 0`)!;
}

async function refresh(call: Call, { query }: Input) {
  const category = Number(query.categoryId ?? categories.default);
  const db = drizzle(call.runtime.env.DB);
  const native = call.runtime.system.operations.filter(({ category_id }) => category_id === category);
  const found =
    category === categories.default
      ? await db
          .select({
            id: operations.id,
            name: operations.name,
            category: operations.category_id,
            method: operations.http_method,
          })
          .from(operations)
          .where(and(eq(operations.tenant_id, call.tenant), eq(operations.status, 1), visibleTo(call, operation)))
      : native.map(({ id, name, category_id, http_method }) => ({
          id,
          name,
          category: category_id,
          method: http_method,
        }));
  const rows = JSON.stringify(
    found.map(({ id, name, category, method }) => [id, name, category, JSON.stringify({ method })]),
  );
  const { env } = call.runtime;
  await env.DB.batch([
    env.DB.prepare(
      `INSERT INTO test (tenant_id, status, operation_id, operation_name, category_id, config)
        SELECT ?1, 1, value ->> 0, value ->> 1, value ->> 2, value ->> 3 FROM json_each(?2) WHERE true
        ON CONFLICT (tenant_id, operation_id) DO UPDATE SET operation_name = excluded.operation_name, category_id = excluded.category_id`,
    ).bind(call.tenant, rows),
    env.DB.prepare(
      `DELETE FROM test WHERE tenant_id = ?1 AND operation_id > 0
        AND NOT EXISTS (SELECT 1 FROM operation WHERE operation.tenant_id = ?1 AND operation.id = test.operation_id AND operation.status = 1)`,
    ).bind(call.tenant),
  ]);
  return { success: true, message: 'Tests successfully refreshed' };
}

async function update(call: Call, input: Input) {
  const row = await findRow(call, test, String(input.path.test_id), visible(call));
  const { status, config } = (input.body ?? {}) as { status?: number | null; config?: TestConfig | null };
  const { pending, disabled } = testStatus;
  const next = status === disabled ? disabled : row.status === disabled && status !== pending ? disabled : pending;
  await drizzle(call.runtime.env.DB)
    .update(tests)
    .set({ status: next, message: null, response: null, ...(config == null ? {} : { config }) })
    .where(eq(tests.id, row.id));
  return { success: true, message: 'Test successfully updated', id: String(row.id) };
}

async function run(call: Call, { query }: Input) {
  const db = drizzle(call.runtime.env.DB);
  const { pending, error, skipped, disabled } = testStatus;
  const confirmed = query.confirm === true;
  const wanted =
    query.testId === undefined
      ? inArray(tests.status, confirmed ? [pending, error, skipped] : [pending, error])
      : and(eq(tests.id, Number(query.testId)), ne(tests.status, disabled));
  const rows = await db
    .select()
    .from(tests)
    .where(and(eq(tests.tenant_id, call.tenant), visible(call), wanted))
    .orderBy(asc(tests.status), asc(tests.id))
    .limit(mostRun);
  if (query.testId !== undefined && rows.length === 0) {
    throw new ApiError('not_found', 'Could not find test');
  }
  const results: TestResult[] = [];
  for (let first = 0; first < rows.length; first += together) {
    const part = rows.slice(first, first + together);
    results.push(...(await Promise.all(part.map((row) => runOne(call, row, confirmed)))));
  }
  const written = rows.map((row, index) => db.update(tests).set(results[index]!).where(eq(tests.id, row.id)));
  const [head, ...rest] = written;
  if (head !== undefined) {
    await db.batch([head, ...rest]);
  }
  return { success: true, message: 'Tests successfully executed' };
}

async function runOne(call: Call, row: typeof tests.$inferSelect, confirmed: boolean): Promise<TestResult> {
  const skip = (message: string) => ({ status: testStatus.skipped, message, response: null });
  const found = await operationOf(call, row.operation_id);
  if (found === undefined || !found.active) {
    return skip('The operation is not active');
  }
  const manner = mannerOf(found);
  if (manner === 'never') {
    return skip('The operation changes what cannot be planned; it is not run');
  }
  if (manner === 'confirm' && !confirmed) {
    return skip('The operation may have effects outside; it is run when that is confirmed');
  }
  return runTest(call, found, (row.config ?? {}) as TestConfig);
}

async function operationOf(call: Call, id: number): Promise<CallOperation | undefined> {
  if (id < 0) {
    return call.runtime.system.operations.find((one) => one.id === id);
  }
  const record = await call.snapshot.operation(id);
  return record === undefined ? undefined : { ...record, native: null, record };
}

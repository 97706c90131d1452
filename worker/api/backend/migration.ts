import { Type } from 'typebox';
import { forgetTables } from '../../connections/database.ts';
import type { Call, Input } from '../../core/call.ts';
import { ApiError, invalidAt } from '../../core/errors.ts';
import type { SystemOperation } from '../../core/system-operation.ts';
import { sha256 } from '../../lib/hash.ts';
import { isPlatformFailure } from '../../lib/platform-failure.ts';
import { splitStatements, tokenize } from '../../lib/sql/tokens.ts';
import { openDatabase } from './database.ts';

const path = '/backend/connection/:connection_id/migration';
const scope = 'backend.connection';
/** Largest request: all files of a project. */
const bodyLimit = 4_000_000;
/** Milliseconds that a run may hold the lock without a sign of life. */
const lockTime = 60_000;

/** Migrations of the users' own tables: numbered SQL files, each applied whole or not at all, once, in order. */
export const migrationOperations: readonly SystemOperation[] = [
  {
    name: 'backend.connection.database.getMigrations',
    method: 'GET',
    path,
    description: 'Lists the migrations that a database connection has applied',
    scope,
    async run(call, input) {
      const entry = await readApplied(await openDatabase(call, input));
      return { totalResults: entry.length, startIndex: 0, itemsPerPage: entry.length, entry };
    },
  },
  {
    name: 'backend.connection.database.migrate',
    method: 'POST',
    path,
    description: 'Applies the migrations that a database connection lacks, or shows which those are',
    scope,
    options: { bodyLimit },
    incoming: Type.Object({
      migrations: Type.Array(
        Type.Object({
          name: Type.String({ description: 'Number and name, 0001_tables.sql' }),
          sql: Type.String({ description: 'Statements, separated by semicolons' }),
        }),
        { maxItems: 1_000 },
      ),
      plan: Type.Optional(Type.Boolean({ description: 'Show what would be applied, change nothing' })),
      outOfOrder: Type.Optional(
        Type.Boolean({ description: 'Also apply what has a lower number than the last one applied' }),
      ),
    }),
    run: migrate,
  },
];

interface Applied {
  name: string;
  /** Hex SHA-256 of the text; line ends do not count. */
  checksum: string;
  statements: number;
  /** ISO 8601. */
  date: string;
}

interface Migration {
  name: string;
  checksum: string;
  statements: string[];
}

interface Order {
  migrations: { name: string; sql: string }[];
  plan?: boolean;
  outOfOrder?: boolean;
}

async function migrate(call: Call, input: Input) {
  const order = input.body as Order;
  const migrations = readMigrations(order.migrations);
  const database = await openDatabase(call, input);
  if (order.plan === true) {
    const { pending, missing } = compare(migrations, await readApplied(database), order);
    return { plan: true, pending: pending.map(shown), applied: [], missing };
  }
  await database.batch(bookkeeping.map((sql) => database.prepare(sql)));
  const holder = crypto.randomUUID();
  await takeLock(database, holder, call.runtime.now());
  try {
    // Read under the lock: nobody else applies anything meanwhile.
    const { pending, missing } = compare(migrations, await readApplied(database), order);
    const applied: ReturnType<typeof shown>[] = [];
    for (const migration of pending) {
      await apply(database, migration, holder, call.runtime.now(), applied);
      applied.push(shown(migration));
    }
    return { plan: false, pending: [], applied, missing };
  } finally {
    forgetTables();
    await database.prepare('DELETE FROM _postern_lock WHERE holder = ?').bind(holder).run();
  }
}

const bookkeeping = [
  'CREATE TABLE IF NOT EXISTS _postern_migration (name TEXT PRIMARY KEY, checksum TEXT NOT NULL, statements INTEGER NOT NULL, date TEXT NOT NULL)',
  'CREATE TABLE IF NOT EXISTS _postern_lock (name TEXT PRIMARY KEY, holder TEXT NOT NULL, until INTEGER NOT NULL)',
];

function shown({ name, checksum, statements }: Migration) {
  return { name, checksum, statements: statements.length };
}

/** In the order of their numbers. Throws 400 that points at a name, or at the statement that no migration may hold. */
function readMigrations(given: Order['migrations']): Migration[] {
  const numbers = new Map<number, string>();
  return given
    .map(({ name, sql }, index) => {
      const number = numberOf(name);
      const taken = number === null ? undefined : numbers.get(number);
      if (number === null || taken !== undefined) {
        const message =
          number === null
            ? `"${name.slice(0, 80)}" is no name of a migration: a number, then words, such as 0001_tables.sql`
            : `${name} has the same number as ${taken}`;
        throw invalidAt(`/body/migrations/${index}/name`, message);
      }
      numbers.set(number, name);
      const statements = splitStatements(sql);
      statements.forEach((statement, position) => {
        checkStatement(statement, `/migrations/${index}/sql`, `Statement ${position + 1} of ${name}`);
      });
      return { name, checksum: sha256(sql.replace(/\r\n?/g, '\n')), statements };
    })
    .sort((a, b) => numberOf(a.name)! - numberOf(b.name)!);
}

function numberOf(name: string): number | null {
  const digits = /^(\d{1,14})[-_][A-Za-z0-9._-]{1,200}$/.exec(name)?.[1];
  return digits === undefined ? null : Number(digits);
}

/** The run itself is the transaction, and the bookkeeping is not the migrations'. */
function checkStatement(statement: string, pointer: string, what: string): void {
  const tokens = tokenize(statement).filter(({ text }) => text.trim() !== '');
  const first = tokens[0]?.text.toUpperCase() ?? '';
  const harmless = first === 'PRAGMA' && /^(?:defer_foreign_keys|optimize)$/i.test(tokens[1]?.text ?? '');
  if (forbidden.has(first) && !harmless) {
    throw invalidAt(`/body${pointer}`, `${what} begins with ${first}: a migration is one transaction as it is`);
  }
  const own = tokens.find(({ kind, text }) => kind !== 'string' && /^["`[]?(?:_postern|_cf_)/i.test(text));
  if (own !== undefined) {
    throw invalidAt(`/body${pointer}`, `${what} names ${own.text}, which is not for migrations`);
  }
}

const forbidden = new Set([
  ...['BEGIN', 'COMMIT', 'END', 'ROLLBACK', 'SAVEPOINT', 'RELEASE'],
  ...['ATTACH', 'DETACH', 'VACUUM', 'PRAGMA'],
]);

async function readApplied(database: D1Database): Promise<Applied[]> {
  const known = await database.prepare("SELECT 1 FROM sqlite_master WHERE name = '_postern_migration'").first();
  if (known === null) {
    return [];
  }
  const { results } = await database
    .prepare('SELECT name, checksum, statements, date FROM _postern_migration ORDER BY name')
    .all<Applied>();
  return results.sort((a, b) => numberOf(a.name)! - numberOf(b.name)!);
}

/** What is to be applied, and what was applied and has no file any more. Throws 409 where files and history disagree. */
function compare(migrations: readonly Migration[], applied: readonly Applied[], { outOfOrder }: Order) {
  const history = new Map(applied.map((entry) => [entry.name, entry]));
  const changed = migrations.filter(({ name, checksum }) => (history.get(name)?.checksum ?? checksum) !== checksum);
  if (changed.length > 0) {
    const names = changed.map(({ name }) => name).join(', ');
    throw new ApiError('conflict', `${names} was applied with other contents: write a new migration instead`);
  }
  const pending = migrations.filter(({ name }) => !history.has(name));
  const last = applied.at(-1);
  const late = pending.find(({ name }) => last !== undefined && numberOf(name)! <= numberOf(last.name)!);
  if (late !== undefined && outOfOrder !== true) {
    throw new ApiError('conflict', `${late.name} comes before ${last!.name}, which is applied already`);
  }
  const names = new Set(migrations.map(({ name }) => name));
  return { pending, missing: applied.filter(({ name }) => !names.has(name)).map(({ name }) => name) };
}

async function takeLock(database: D1Database, holder: string, now: number): Promise<void> {
  const taken = await database
    .prepare(
      "INSERT INTO _postern_lock (name, holder, until) VALUES ('migration', ?1, ?2) ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until = excluded.until WHERE _postern_lock.until < ?3 RETURNING holder",
    )
    .bind(holder, now + lockTime, now)
    .first();
  if (taken === null) {
    throw new ApiError('conflict', 'Somebody else is migrating this database', { headers: { 'Retry-After': '5' } });
  }
}

/** One file in one batch, which is a transaction. It fails when the lock was lost, or when another run has applied it. */
async function apply(
  database: D1Database,
  { name, checksum, statements }: Migration,
  holder: string,
  now: number,
  before: readonly { name: string }[],
): Promise<void> {
  const date = new Date(now).toISOString().replace(/\.\d+Z$/, 'Z');
  const held = 'EXISTS (SELECT 1 FROM _postern_lock WHERE holder = ?)';
  try {
    await database.batch([
      // An overflow is the one way to end a batch by a condition.
      database.prepare(`SELECT CASE WHEN ${held} THEN 1 ELSE abs(-9223372036854775808) END`).bind(holder),
      database.prepare('UPDATE _postern_lock SET until = ? WHERE holder = ?').bind(now + lockTime, holder),
      database
        .prepare('INSERT INTO _postern_migration (name, checksum, statements, date) VALUES (?, ?, ?, ?)')
        .bind(name, checksum, statements.length, date),
      ...statements.map((sql) => database.prepare(sql)),
    ]);
  } catch (thrown) {
    if (!(thrown instanceof Error) || isPlatformFailure(thrown)) {
      throw thrown;
    }
    const reason = thrown.message.replace(/^D1_ERROR: /, '');
    const done = before.length === 0 ? '' : ` Applied before it: ${before.map((one) => one.name).join(', ')}.`;
    throw new ApiError('invalid_request', `${name} failed, and nothing of it was applied: ${reason}.${done}`, {
      cause: thrown,
    });
  }
}

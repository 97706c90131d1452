import { within } from './deadline.ts';

export interface Deadline {
  /** Longest wait for a statement, milliseconds. */
  statement: number;
  /** Longest wait for a batch of ten statements, milliseconds; each further one adds half a second. */
  batch: number;
}

/**
 * A database whose every call ends within its time: later it fails as the platform's own calls do (lib/platform-failure.ts). A
 * write that came too late may still take effect, as after any lost reply.
 */
export function withDeadline(database: D1Database, deadline: Deadline): D1Database {
  const limited = {
    prepare: (sql: string) => limitStatement(database.prepare(sql), deadline),
    batch: (statements: D1PreparedStatement[]) =>
      within(deadline.batch + Math.max(0, statements.length - 10) * 500, 'D1', () =>
        database.batch(statements.map((statement) => (statement as unknown as Limited)[inner])),
      ),
    exec: (sql: string) => within(deadline.batch, 'D1', () => database.exec(sql)),
    withSession: (constraint?: string) => database.withSession(constraint),
    dump: () => database.dump(),
  };
  return limited as unknown as D1Database;
}

/** The platform's statement, which a batch takes. */
const inner = Symbol('inner');

interface Limited {
  [inner]: D1PreparedStatement;
}

function limitStatement(statement: D1PreparedStatement, deadline: Deadline): D1PreparedStatement {
  const limit = <T>(run: () => Promise<T>) => within(deadline.statement, 'D1', run);
  const limited = {
    [inner]: statement,
    bind: (...values: unknown[]) => limitStatement(statement.bind(...values), deadline),
    first: (...columns: [string]) => limit(() => statement.first(...columns)),
    run: () => limit(() => statement.run()),
    all: () => limit(() => statement.all()),
    raw: (options?: { columnNames?: false }) => limit(() => statement.raw(options)),
  };
  return limited as unknown as D1PreparedStatement;
}

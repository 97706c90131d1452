export interface Deadline {
  /** Longest wait for a statement, milliseconds. */
  statement: number;
  /** Longest wait for a batch of ten statements, milliseconds; each further one adds half a second. */
  batch: number;
}

/** After its time, an answer that has only not been read yet by a busy isolate still counts. */
const grace = 100;

/**
 * A database whose every call ends within its time: later it fails as the platform's own calls do (lib/platform-failure.ts). A
 * write that came too late may still take effect, as after any lost reply.
 */
export function withDeadline(database: D1Database, deadline: Deadline): D1Database {
  const limited = {
    prepare: (sql: string) => limitStatement(database.prepare(sql), deadline),
    batch: (statements: D1PreparedStatement[]) =>
      within(
        () => database.batch(statements.map((statement) => (statement as unknown as Limited)[inner])),
        deadline.batch + Math.max(0, statements.length - 10) * 500,
      ),
    exec: (sql: string) => within(() => database.exec(sql), deadline.batch),
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
  const limit = <T>(run: () => Promise<T>) => within(run, deadline.statement);
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

async function within<T>(run: () => Promise<T>, milliseconds: number): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_resolve, reject) => {
    const give = () => reject(new Error(`D1 did not answer: the call exceeded timeout of ${milliseconds} ms`));
    timer = setTimeout(() => {
      timer = setTimeout(give, grace);
    }, milliseconds - grace);
  });
  const work = run();
  try {
    return await Promise.race([work, late]);
  } finally {
    clearTimeout(timer);
    work.catch(() => undefined);
  }
}

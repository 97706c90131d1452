import type { D1Database, D1PreparedStatement, KVNamespace } from '@cloudflare/workers-types';

/**
 * A database that is opened by the first statement that runs: Miniflare's stand-in for a binding costs a thread and a quarter of a
 * second, and most tests look at few of them. Has what tests use: `prepare`, `batch` and `exec`.
 */
export function lazyDatabase(open: () => Promise<unknown>): D1Database {
  let opened: Promise<D1Database> | undefined;
  const database = () => (opened ??= open() as Promise<D1Database>);
  const real = async ({ sql, values }: Planned): Promise<D1PreparedStatement> => {
    const statement = (await database()).prepare(sql);
    return values.length === 0 ? statement : statement.bind(...values);
  };
  const plans = new WeakMap<object, Planned>();
  const plan = (planned: Planned): D1PreparedStatement => {
    const statement = {
      bind: (...values: unknown[]) => plan({ ...planned, values }),
      first: async (column?: string) => {
        const statement = await real(planned);
        return column === undefined ? statement.first() : statement.first(column);
      },
      all: async () => (await real(planned)).all(),
      run: async () => (await real(planned)).run(),
      raw: async () => (await real(planned)).raw(),
    };
    plans.set(statement, planned);
    return statement as unknown as D1PreparedStatement;
  };
  const lazy: Pick<D1Database, 'prepare' | 'batch' | 'exec'> = {
    prepare: (sql) => plan({ sql, values: [] }),
    exec: async (sql) => (await database()).exec(sql),
    batch: async (statements) =>
      (await database()).batch(await Promise.all(statements.map((statement) => real(plans.get(statement)!)))),
  };
  return lazy as D1Database;
}

/** A content store that is opened by the first use, as `lazyDatabase`. All its methods are asynchronous. */
export function lazyStore(open: () => Promise<unknown>): KVNamespace {
  let opened: Promise<any> | undefined;
  const call =
    (method: PropertyKey) =>
    async (...values: unknown[]) =>
      (await (opened ??= open()))[method](...values);
  return new Proxy({} as KVNamespace, { get: (_, method) => call(method) });
}

interface Planned {
  sql: string;
  values: unknown[];
}

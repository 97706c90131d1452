import { noteOutbound } from './egress.ts';
import { checkDataPoint, checkValues, invoked, spendStatements } from './limits.ts';
import { cacheReading, kvReading, type Reading, statementReading } from './past.ts';
import { type BindingCall, guard, guardNow, setKind } from './plan.ts';

type Anything = Record<string, any>;

const wrapped = new WeakMap<object, Map<string, unknown>>();

/**
 * The environment with every binding wrapped: calls are noted, fail as the plan says (plan.ts) and keep to production's
 * limits (limits.ts). The same object each time for the same environment and caller, as the platform gives it.
 */
export function wrapEnv<Env extends object>(env: Env, from: string): Env {
  let made = wrapped.get(env);
  if (made === undefined) {
    wrapped.set(env, (made = new Map()));
  }
  if (!made.has(from)) {
    const entries = Object.entries(env).map(([name, value]) => [name, wrapBinding(name, value, from)]);
    made.set(from, Object.fromEntries(entries));
  }
  return made.get(from) as Env;
}

function wrapBinding(binding: string, value: unknown, from: string): unknown {
  if (typeof value !== 'object' || value === null || ArrayBuffer.isView(value)) {
    return value;
  }
  const target = value as Anything;
  if (typeof target.prepare === 'function') {
    setKind(binding, 'd1');
    return wrapD1(binding, target, from);
  }
  if (typeof target.idFromName === 'function') {
    setKind(binding, 'object');
    return wrapNamespace(binding, target, from);
  }
  if (typeof target.writeDataPoint === 'function') {
    return {
      writeDataPoint: (point: Anything = {}) =>
        guardNow({ binding, method: 'writeDataPoint', subject: String(point.indexes?.[0] ?? ''), from }, () => {
          checkDataPoint(point);
          target.writeDataPoint(point);
        }),
    };
  }
  const isKv = typeof target.getWithMetadata === 'function';
  setKind(binding, isKv ? 'kv' : 'other');
  return wrapMethods(
    target,
    (method, args) => ({ binding, method, subject: String(args[0] ?? ''), from }),
    (method, args, run) => (isKv ? kvReading(binding, method, args, run) : undefined),
  );
}

/** Every method of a thing whose methods all give promises; `reading` says which of them can be stale. */
function wrapMethods(
  target: Anything,
  describe: (method: string, args: unknown[]) => BindingCall,
  reading: (method: string, args: unknown[], run: () => Promise<unknown>) => Reading<unknown> | undefined,
): unknown {
  return new Proxy(target, {
    get: (_, name) => {
      const member = target[name as string];
      if (typeof member !== 'function' || typeof name !== 'string') {
        return member;
      }
      return (...args: unknown[]) => {
        const run = () => target[name](...args);
        return guard(describe(name, args), run, reading(name, args, run));
      };
    },
  });
}

function wrapNamespace(binding: string, namespace: Anything, from: string): unknown {
  const wrapStub = (stub: Anything) =>
    new Proxy(stub, {
      get: (_, method) => {
        // `then` must stay absent, or awaiting a stub would call it.
        if (typeof method !== 'string' || ['then', 'id', 'name'].includes(method)) {
          return method === 'then' ? undefined : stub[method as string];
        }
        const subject = String(stub.name ?? stub.id);
        return (...args: unknown[]) => guard({ binding, method, subject, from }, () => stub[method](...args));
      },
    });
  return new Proxy(namespace, {
    get: (_, name) => {
      if (name === 'get' || name === 'getByName') {
        return (...args: unknown[]) => wrapStub(namespace[name](...args));
      }
      const member = namespace[name as string];
      return typeof member === 'function' ? member.bind(namespace) : member;
    },
  });
}

function wrapD1(binding: string, database: Anything, from: string): Anything {
  const call = (method: string, subject: string): BindingCall => ({ binding, method, subject, from });
  return {
    prepare: (sql: string) => new Statement(database.prepare(sql), sql, [], call),
    batch: (statements: Statement[]) =>
      guard(call('batch', statements.map(({ sql }) => sql).join(';\n')), () => {
        spendStatements(statements.length);
        for (const { sql, values } of statements) {
          checkValues(sql, values);
        }
        return database.batch(statements.map(({ inner }) => inner));
      }),
    exec: (sql: string) =>
      guard(call('exec', sql), () => {
        spendStatements(sql.split('\n').filter((line) => line.trim() !== '').length);
        return database.exec(sql);
      }),
    withSession: (constraint?: string) => {
      const session = database.withSession(constraint);
      return { ...wrapD1(binding, session, from), getBookmark: () => session.getBookmark() };
    },
  };
}

/** A prepared statement, of which `inner` is the platform's. */
class Statement {
  readonly inner: Anything;
  readonly sql: string;
  readonly values: readonly unknown[];
  readonly #call: (method: string, subject: string) => BindingCall;

  constructor(
    inner: Anything,
    sql: string,
    values: readonly unknown[],
    call: (method: string, subject: string) => BindingCall,
  ) {
    this.inner = inner;
    this.sql = sql;
    this.values = values;
    this.#call = call;
  }

  bind(...values: unknown[]): Statement {
    return new Statement(this.inner.bind(...values), this.sql, values, this.#call);
  }

  first(...args: unknown[]): Promise<unknown> {
    return this.#run('first', args);
  }

  run(...args: unknown[]): Promise<unknown> {
    return this.#run('run', args);
  }

  all(...args: unknown[]): Promise<unknown> {
    return this.#run('all', args);
  }

  raw(...args: unknown[]): Promise<unknown> {
    return this.#run('raw', args);
  }

  #run(method: 'first' | 'run' | 'all' | 'raw', args: unknown[]): Promise<unknown> {
    const run = () => {
      spendStatements(1);
      checkValues(this.sql, this.values);
      return this.inner[method](...args);
    };
    const { binding } = this.#call(method, '');
    return guard(
      this.#call(method, this.sql),
      run,
      statementReading(binding, method, this.sql, [this.values, args], run),
    );
  }
}

/** Puts outbound HTTP and the Cache API of this isolate under the plan, and what goes out into the book (egress.ts). */
export function wrapGlobals(): void {
  const { fetch } = globalThis;
  globalThis.fetch = ((input: RequestInfo | URL, init?: RequestInit) => {
    const request = input instanceof Request ? input : null;
    const call = {
      binding: 'fetch',
      method: init?.method ?? request?.method ?? 'GET',
      subject: request?.url ?? String(input),
      from: invoked(),
    };
    return guard(call, () => fetch(...noteOutbound(input, init)));
  }) as typeof fetch;

  const real = caches;
  const urlOf = (key: unknown) => (key instanceof Request ? key.url : String(key));
  const wrapCache = (cache: unknown) =>
    wrapMethods(
      cache as Anything,
      (method, [key]) => ({ binding: 'caches', method, subject: urlOf(key), from: invoked() }),
      (method, [key], run) => cacheReading(method, urlOf(key), run),
    );
  // `default` is asked for in each request: what is kept beyond one must not hold anything of it.
  const value = {
    get default() {
      return wrapCache(real.default);
    },
    open: async (name: string) => wrapCache(await real.open(name)),
  };
  Object.defineProperty(globalThis, 'caches', { value, configurable: true });
}

import type { MigratableDatabase } from './migrations.ts';

/** What an account holds for a worker, each found by its name. */
export type Kind = 'database' | 'namespace' | 'queue';

export interface Named {
  name: string;
  id: string;
}

/** What deploying asks of the platform's REST API beside what wrangler asks itself. */
export interface Account {
  id: string;
  list(kind: Kind): Promise<Named[]>;
  /** Makes it; when it is there after all (another deploy was faster, or an answer got lost) gives that one. */
  create(kind: Kind, name: string): Promise<Named>;
  /** A batch is one request, and one transaction. */
  openDatabase(id: string): MigratableDatabase;
  /** Names of a worker's secrets; null when there is no such worker. */
  secrets(worker: string): Promise<string[] | null>;
}

export interface AccountOptions {
  id: string;
  token: string;
  /** Without a slash at the end. */
  baseUrl: string;
}

interface Shape {
  title: string;
  path: string;
  /** The members that hold a thing's name and id. */
  name: string;
  id: string;
}

/** How the API calls things, and where they are (developers.cloudflare.com/api). */
export const kinds: Record<Kind, Shape> = {
  database: { title: 'D1 database', path: '/d1/database', name: 'name', id: 'uuid' },
  namespace: { title: 'KV namespace', path: '/storage/kv/namespaces', name: 'title', id: 'id' },
  queue: { title: 'Queue', path: '/queues', name: 'queue_name', id: 'queue_id' },
};

/** The envelope of every answer. */
interface Answer<T> {
  success: boolean;
  result: T;
  errors?: { code: number; message: string }[];
  result_info?: { per_page?: number; total_count?: number };
}

/** What the platform calls a worker that is not there. */
const workerNotFound = [10007, 10090];
const pageSize = 100;
const patience = 60_000;

class Refusal extends Error {
  readonly codes: number[];
  constructor(message: string, codes: number[]) {
    super(message);
    this.codes = codes;
  }
}

/** Opens an account. Every call throws an Error with the platform's own words when it refuses; none holds the token. */
export function openAccount({ id, token, baseUrl }: AccountOptions): Account {
  async function call<T>(method: string, path: string, body?: unknown): Promise<Answer<T>> {
    const what = `${method} ${path.split('?')[0]}`;
    const response = await fetch(`${baseUrl}/accounts/${id}${path}`, {
      method,
      headers: { Authorization: `Bearer ${token}`, 'Content-Type': 'application/json' },
      body: body === undefined ? undefined : JSON.stringify(body),
      signal: AbortSignal.timeout(patience),
    }).catch((thrown: Error & { cause?: { code?: string } }) => {
      throw new Error(`${what}: ${baseUrl} cannot be reached: ${thrown.cause?.code ?? thrown.message}`);
    });
    const answer = (await response.json().catch(() => null)) as Answer<T> | null;
    if (response.ok && answer?.success === true) {
      return answer;
    }
    const errors = answer?.errors ?? [];
    const words = errors.map(({ code, message }) => `${message} [${code}]`).join('; ') || response.statusText;
    const denied = response.status === 401 || response.status === 403;
    throw new Refusal(
      `${what} answered ${response.status}: ${words}${denied ? `\n${permissions}` : ''}`,
      errors.map(({ code }) => code),
    );
  }

  /** Lists are paged, and the platform may give fewer a page than it was asked for. */
  async function list(kind: Kind): Promise<Named[]> {
    const shape = kinds[kind];
    const found: Named[] = [];
    for (let page = 1; ; page++) {
      const path = `${shape.path}?page=${page}&per_page=${pageSize}`;
      const { result, result_info } = await call<Record<string, string>[]>('GET', path);
      found.push(...result.map((item) => named(shape, item)));
      const total = result_info?.total_count;
      if (result.length === 0 || (total === undefined ? result.length < pageSize : found.length >= total)) {
        return found;
      }
    }
  }

  async function query(database: string, sql: string): Promise<{ results: unknown[] }[]> {
    return (await call<{ results: unknown[] }[]>('POST', `/d1/database/${database}/query`, { sql })).result;
  }

  return {
    id,
    list,
    async create(kind, name) {
      const shape = kinds[kind];
      try {
        const { result } = await call<Record<string, string>>('POST', shape.path, { [shape.name]: name });
        return named(shape, result);
      } catch (thrown) {
        const there = await list(kind).catch(() => []);
        const found = there.find((item) => item.name === name);
        if (found === undefined) {
          throw thrown;
        }
        return found;
      }
    },
    openDatabase: (database) => ({
      prepare: (sql) => statement(sql, (text) => query(database, text)),
      batch: (statements) => query(database, statements.map((one) => (one as Statement).sql).join(';\n')),
    }),
    async secrets(worker) {
      try {
        const { result } = await call<Named[]>('GET', `/workers/scripts/${worker}/secrets`);
        return result.map(({ name }) => name);
      } catch (thrown) {
        if (thrown instanceof Refusal && thrown.codes.some((code) => workerNotFound.includes(code))) {
          return null;
        }
        throw thrown;
      }
    },
  };
}

const permissions =
  'CLOUDFLARE_API_TOKEN must be allowed to edit Workers Scripts, Workers KV Storage, Queues and D1 in the account of CLOUDFLARE_ACCOUNT_ID.';

function named(shape: Shape, item: Record<string, string>): Named {
  return { name: item[shape.name]!, id: item[shape.id]! };
}

interface Statement {
  sql: string;
  bind(...values: unknown[]): Statement;
  all(): Promise<{ results: unknown[] }>;
}

/** The endpoint takes one text with all statements of a batch, so values are written into it as SQL strings. */
function statement(sql: string, run: (sql: string) => Promise<{ results: unknown[] }[]>): Statement {
  return {
    sql,
    bind: (...values) => {
      const rest = values.map((value) => `'${String(value).replaceAll("'", "''")}'`);
      return statement(
        sql.replaceAll('?', () => rest.shift() ?? '?'),
        run,
      );
    },
    all: async () => (await run(sql))[0] ?? { results: [] },
  };
}

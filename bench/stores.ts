import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { DatabaseSync } from 'node:sqlite';
import { readMigrations } from '../admin/host/migrations.ts';

/**
 * D1, KV and the cache of a bare workerd, in a process of their own: in production they are elsewhere too, so that the CPU
 * of the measured process is the gateway's. Started as `node stores.ts NAME=MIGRATIONS …`, a D1 database for each; prints one
 * line of JSON, name → port, with `KV`, `QUEUE` (takes messages and drops them) and `CACHE`. Everything is in memory and ends with the process.
 */
async function main(databases: string[]): Promise<void> {
  const ports: Record<string, number> = {};
  for (const [name, folder] of databases.map((argument) => argument.split('='))) {
    ports[name!] = await serve(await databaseServer(folder!));
  }
  ports.KV = await serve(keyValueServer());
  ports.QUEUE = await serve((_request, _url, _body, response) => void response.end());
  ports.CACHE = await serve(cacheServer());
  console.log(JSON.stringify(ports));
}

type Handler = (request: IncomingMessage, url: URL, body: Buffer, response: ServerResponse) => void;

function serve(handler: Handler): Promise<number> {
  const server = createServer({ keepAliveTimeout: 600_000 }, (request, response) => {
    const chunks: Buffer[] = [];
    request.on('data', (chunk: Buffer) => chunks.push(chunk));
    request.on('end', () => {
      try {
        handler(request, new URL(request.url ?? '/', 'http://store'), Buffer.concat(chunks), response);
      } catch (thrown) {
        response.writeHead(500).end(String(thrown));
      }
    });
  });
  return new Promise((done) => server.listen(0, '127.0.0.1', () => done((server.address() as AddressInfo).port)));
}

interface Query {
  sql: string;
  params?: (string | number | null)[];
}

/** What workerd's D1 binding says over HTTP: one query or a list that is a transaction, answered with all their results. */
async function databaseServer(folder: string): Promise<Handler> {
  const database = new DatabaseSync(':memory:');
  for (const { statements } of await readMigrations(folder)) {
    statements.forEach((statement) => void database.exec(statement));
  }
  return (_request, url, body, response) => {
    const asked = JSON.parse(body.toString()) as Query | Query[];
    const rows = url.searchParams.get('resultsFormat') === 'ROWS_AND_COLUMNS';
    let answer: unknown;
    database.exec('BEGIN');
    try {
      answer = [asked].flat().map((query) => run(database, query, rows));
      database.exec('COMMIT');
    } catch (thrown) {
      database.exec('ROLLBACK');
      answer = { success: false, error: (thrown as Error).message };
    }
    response.setHeader('Content-Type', 'application/json').end(JSON.stringify(answer));
  };
}

function run(database: DatabaseSync, { sql, params = [] }: Query, asRows: boolean) {
  const statement = database.prepare(sql);
  const columns = statement.columns().map(({ name }) => name);
  statement.setReturnArrays(true);
  // `?1` twice is one value, so values are bound by number.
  const rows = statement.all(...params) as unknown as unknown[][];
  const { changes, last } = database
    .prepare('SELECT changes() AS changes, last_insert_rowid() AS last')
    .get() as unknown as { changes: number; last: number };
  return {
    success: true,
    results: asRows
      ? { columns, rows }
      : rows.map((row) => Object.fromEntries(row.map((value, at) => [columns[at], value]))),
    meta: { duration: 0, changes, last_row_id: last, rows_read: 0, rows_written: 0, size_after: 0, changed_db: true },
  };
}

/** KV as the binding asks for it: a key a path, many keys by `POST /bulk/get`. */
function keyValueServer(): Handler {
  const values = new Map<string, Buffer>();
  return (request, url, body, response) => {
    if (request.method === 'POST') {
      const { keys } = JSON.parse(body.toString()) as { keys: string[] };
      const found = keys.map((key) => [key, values.get(key)?.toString() ?? null]);
      response.end(JSON.stringify(Object.fromEntries(found)));
      return;
    }
    const key = decodeURIComponent(url.pathname.slice(1));
    if (request.method === 'PUT') {
      values.set(key, body);
      response.end();
    } else {
      const value = values.get(key);
      response.writeHead(value === undefined ? 404 : 200).end(value);
    }
  };
}

/** The Cache API's traffic: a PUT carries a whole HTTP response, a GET wants it back with a word on how it went. */
function cacheServer(): Handler {
  const entries = new Map<string, { body: string; until: number }>();
  return (request, _url, body, response) => {
    const key = `${request.headers.host}${request.url}`;
    if (request.method === 'PUT') {
      const [head = '', text = ''] = body.toString().split('\r\n\r\n');
      const age = Number(/max-age=(\d+)/i.exec(head)?.[1] ?? 0);
      entries.set(key, { body: text, until: Date.now() + age * 1000 });
      response.writeHead(204).end();
      return;
    }
    const entry = entries.get(key);
    if (entry !== undefined && entry.until > Date.now()) {
      response.writeHead(200, { 'CF-Cache-Status': 'HIT' }).end(entry.body);
    } else {
      response.writeHead(504, { 'CF-Cache-Status': 'MISS' }).end();
    }
  };
}

await main(process.argv.slice(2));

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';

/** What filling took. */
export interface Filled {
  seconds: number;
  /** Bytes of the file, indexes included. */
  size: number;
  /** How many roll-ups the calls made. */
  rollups: number;
}

/** Days that the calls are spread over, up to now. */
export const days = 30;
const step = 250_000;

/** The file of the database that holds a table, among those of a stopped gateway. */
export function databaseWith(folder: string, table: string): string {
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.sqlite'));
  const found = files
    .map((name) => join(folder, name))
    .find((file) => {
      const database = new DatabaseSync(file, { readOnly: true });
      const row = database.prepare(`SELECT 1 FROM sqlite_master WHERE type = 'table' AND name = ?`).get(table);
      database.close();
      return row !== undefined;
    });
  if (found === undefined) {
    throw new Error(`No database below ${folder} has a table ${table}`);
  }
  return found;
}

/**
 * Puts so many calls into a LOGS database, spread evenly over the last days, with their errors and roll-ups: 2,000 users of 1,000
 * operations, each of five; a twentieth of the calls are the management's, every tenth fails, every fiftieth has a body.
 */
export function fillLogs(file: string, rows: number, now: number, progress: (text: string) => void): Filled {
  const started = performance.now();
  const database = open(file);
  const indexes = database
    .prepare(`SELECT name, sql FROM sqlite_master WHERE type = 'index' AND tbl_name = 'log' AND sql IS NOT NULL`)
    .all() as { name: string; sql: string }[];
  // Built at the end, they are written once and in order.
  indexes.forEach(({ name }) => void database.exec(`DROP INDEX ${name}`));
  for (let from = 0; from < rows; from += step) {
    progress(`calls ${from} of ${rows}`);
    database.exec(insertCalls(from, Math.min(rows, from + step), rows, now));
  }
  progress('errors');
  database.exec(`INSERT INTO log_error (log_id, request_id, message, trace, file, line, insert_date)
    SELECT id, request_id, 'The upstream answered nothing: attempt ' || id, 'Error: nothing' || char(10) || '    at work (index.js:1:2)',
      'index.js', 1, date FROM log WHERE response_code = 500`);
  for (const { name, sql } of indexes) {
    progress(`index ${name}`);
    database.exec(sql);
  }
  const rollups = ['rollup_hour', 'rollup_day'].map((table) => {
    progress(table);
    return rollUp(database, table);
  });
  database.close();
  return {
    seconds: (performance.now() - started) / 1000,
    size: statSync(file).size,
    rollups: rollups.reduce((sum, made) => sum + made, 0),
  };
}

/** Changes and tokens in the configuration's database, over the same days. */
export function fillAccounts(file: string, rows: number, now: number): void {
  const database = open(file);
  database.exec(`INSERT INTO audit (app_id, user_id, ref_id, event, ip, message, content, date)
    SELECT 1, 1, value, iif(value % 3, 'operation.update', 'action.update'), '203.0.113.' || (value % 256), 'Changed thing ' || value,
      '{"name":"thing-' || value || '"}', ${dateOf(rows, now)} FROM ${numbers(0, rows)}`);
  database.exec(`INSERT INTO token (status, user_id, app_id, jti, scopes, ip, expire, date)
    SELECT 1, 1 + value % 2000, 1 + value % 50, 'filled-' || value, '["backend","things"]', '203.0.113.' || (value % 256),
      '2099-01-01T00:00:00Z', ${dateOf(rows, now)} FROM ${numbers(0, rows)}`);
  database.close();
}

function open(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  // A crash would only mean to fill anew.
  database.exec('PRAGMA journal_mode = MEMORY; PRAGMA synchronous = OFF; PRAGMA cache_size = -500000');
  return database;
}

const numbers = (from: number, to: number) =>
  `(WITH RECURSIVE n(value) AS (SELECT ${from} UNION ALL SELECT value + 1 FROM n WHERE value < ${to - 1}) SELECT value FROM n)`;

/** The last one is now. */
function dateOf(rows: number, now: number): string {
  const first = now / 1000 - days * 86_400;
  return `strftime('%Y-%m-%dT%H:%M:%fZ', ${first} + (value + 1) * ${(days * 86_400) / rows}, 'unixepoch')`;
}

function insertCalls(from: number, to: number, rows: number, now: number): string {
  const managed = 'value % 20 = 7';
  const user = '(value * 31 % 2000)';
  const operation = `(1 + (${user} * 7 + value % 5) % 1000)`;
  const header = [
    'Accept: application/json',
    'Accept-Encoding: gzip, br',
    'Accept-Language: en-GB,en;q=0.9',
    'Authorization: ***',
    'Host: api.example.com',
    'X-Team: team-',
  ].join(`' || char(10) || '`);
  return `INSERT INTO log (category_id, operation_id, operation_name, app_id, user_id, request_id, ip, user_agent, method, path, header,
      body, response_code, error_code, execution_time, upstream_time, revision, explain, date)
    SELECT iif(${managed}, 2, 1), iif(${managed}, -7, ${operation}), 'things.op' || ${operation}, 1 + ${user} % 50, 1 + ${user},
      printf('0190a0b0-%04x-4%03x-9000-%012x', value >> 16, value % 4096, value), '203.0.' || (value * 13 % 256) || '.' || (value * 17 % 256),
      'Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/12' || (value % 10), iif(value % 5 = 0, 'POST', 'GET'),
      '/things/' || ${operation} || '/items/' || value || '?page=' || (value % 50), '${header}' || (value % 1000),
      iif(value % 50 = 0, '{"title":"Bread ' || value || '","price":' || (value % 100) || '}', NULL),
      iif(value % 100 = 3, 500, iif(value % 10 = 9, 404, 200)), iif(value % 100 = 3, 'internal', NULL), 5 + value % 200, value % 150,
      1 + value / 100000, '{"route":"GET /things/:id/items/:item","action":"action://Things","scopes":{"needed":["things"],"granted":["things"]},"limit":{"name":"Default","limit":1000,"before":' || (value % 1000) || ',"after":' || (value % 1000 - 1) || ',"window":60,"reset":17}}',
      ${dateOf(rows, now)}
    FROM ${numbers(from, to)}`;
}

/** What the gateway adds up as calls come; returns how many roll-ups there are. */
function rollUp(database: DatabaseSync, table: string): number {
  const [characters, rest] = table === 'rollup_day' ? [10, 'T00:00:00Z'] : [13, ':00:00Z'];
  const { changes } = database
    .prepare(
      `INSERT INTO ${table} (date, category_id, operation_id, app_id, user_id, status_class, count, duration, upstream, duration_max, points)
      SELECT substr(date, 1, ${characters}) || '${rest}', category_id, operation_id, app_id, user_id, response_code / 100,
        count(*), sum(execution_time), sum(upstream_time), max(execution_time), 0 FROM log GROUP BY 1, 2, 3, 4, 5, 6`,
    )
    .run();
  return Number(changes);
}

import { Failure } from '../failure.ts';
import { isObject } from './source.ts';

/** A row of a dumped table, by column. */
export type DumpRow = Record<string, unknown>;

/** Tables of a dump by name; a file that holds one table only gives it the name that the reader expects. */
export type Dump = Map<string, DumpRow[]>;

/**
 * Reads what tools write of tables: JSON (a list of rows, JSON lines, or phpMyAdmin's export), SQL (`INSERT` of mysqldump and others,
 * `COPY` of pg_dump), or CSV and tab-separated text with a first line of names (`columns` gives them where there is none). Throws
 * Failure for what is none of these.
 */
export function readDump(file: string, text: string, table: string, columns: readonly string[]): Dump {
  const start = text.replace(/^\uFEFF/, '').trimStart();
  if (/^[[{]/.test(start)) {
    return readJson(file, start, table);
  }
  if (/\b(?:INSERT\s+(?:IGNORE\s+)?INTO|COPY)\s+\S+/i.test(start)) {
    return readSql(file, start);
  }
  return new Map([[table, readText(file, start, columns)]]);
}

function readJson(file: string, text: string, table: string): Dump {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    try {
      value = text.split('\n').flatMap((line) => (line.trim() === '' ? [] : [JSON.parse(line)]));
    } catch {
      throw new Failure('usage', `${file} is no valid JSON`);
    }
  }
  const dump: Dump = new Map();
  const list = Array.isArray(value) ? value : isObject(value) ? (Object.values(value).find(Array.isArray) ?? []) : [];
  const tables = list.filter((item) => isObject(item) && item.type === 'table' && Array.isArray(item.data));
  for (const item of tables) {
    dump.set(String(item.name), item.data.filter(isObject));
  }
  if (tables.length === 0) {
    dump.set(table, list.filter(isObject));
  }
  return dump;
}

function readSql(file: string, text: string): Dump {
  const dump: Dump = new Map();
  const columns = createdColumns(text);
  const statement = /\bINSERT\s+(?:IGNORE\s+)?INTO\s+([`"\w.]+)\s*(?:\(([^)]*)\)\s*)?VALUES\s*/gi;
  for (let match = statement.exec(text); match !== null; match = statement.exec(text)) {
    const table = bare(match[1]!);
    const names = match[2] === undefined ? columns.get(table) : match[2].split(',').map(bare);
    const { rows, end } = readTuples(text, statement.lastIndex);
    if (names === undefined) {
      throw new Failure('usage', `${file}: the INSERT into ${table} names no columns, and no CREATE TABLE does`);
    }
    dump.set(table, [...(dump.get(table) ?? []), ...rows.map((row) => rowOf(names, row))]);
    statement.lastIndex = end;
  }
  for (const [, name, list, data] of text.matchAll(
    /^COPY\s+([`"\w.]+)\s*\(([^)]*)\)\s+FROM\s+stdin;\r?\n([\s\S]*?)^\\\.$/gim,
  )) {
    const lines = data!.split(/\r?\n/).filter((line) => line !== '');
    const rows = lines.map((line) => rowOf(list!.split(',').map(bare), line.split('\t').map(unescaped)));
    dump.set(bare(name!), [...(dump.get(bare(name!)) ?? []), ...rows]);
  }
  return dump;
}

/** Columns in the order of `CREATE TABLE`, for an `INSERT` that does not name them. */
function createdColumns(text: string): Map<string, string[]> {
  const tables = text.matchAll(/CREATE\s+TABLE\s+(?:IF\s+NOT\s+EXISTS\s+)?([`"\w.]+)\s*\(\r?\n([\s\S]*?)\r?\n\)/gi);
  return new Map(
    [...tables].map(([, name, body]) => [
      bare(name!),
      body!.split('\n').flatMap((line) => {
        const column = /^\s*[`"]?(\w+)[`"]?\s+\w/.exec(line)?.[1];
        return column === undefined || /^\s*(PRIMARY|UNIQUE|KEY|INDEX|CONSTRAINT|FULLTEXT|CHECK|FOREIGN)\b/i.test(line)
          ? []
          : [column];
      }),
    ]),
  );
}

/** `(1,'a\'b',NULL),(…)` from an offset to the end of the statement. */
function readTuples(text: string, start: number): { rows: unknown[][]; end: number } {
  const rows: unknown[][] = [];
  let at = start;
  while (at < text.length) {
    at = skip(text, at, /[\s,]/);
    if (text[at] !== '(') {
      break;
    }
    const row: unknown[] = [];
    at++;
    while (at < text.length && text[at] !== ')') {
      at = skip(text, at, /[\s,]/);
      const value = readValue(text, at);
      row.push(value.value);
      at = skip(text, value.end, /\s/);
    }
    rows.push(row);
    at++;
  }
  return { rows, end: at };
}

const escapes: Record<string, string> = { n: '\n', r: '\r', t: '\t', 0: '\0', b: '\b', Z: '\x1a' };

function readValue(text: string, start: number): { value: unknown; end: number } {
  const prefix = /^(?:_\w+\s*|[NE])?(?=')/i.exec(text.slice(start, start + 20))?.[0].length ?? 0;
  let at = start + prefix;
  if (text[at] === "'") {
    let value = '';
    for (at++; at < text.length; at++) {
      if (text[at] === '\\') {
        at++;
        value += escapes[text[at]!] ?? text[at];
      } else if (text[at] === "'" && text[at + 1] === "'") {
        value += "'";
        at++;
      } else if (text[at] === "'") {
        return { value, end: at + 1 };
      } else {
        value += text[at];
      }
    }
    return { value, end: at };
  }
  while (at < text.length && !/[,)]/.test(text[at]!)) {
    at++;
  }
  const word = text.slice(start, at).trim();
  const value = /^null$/i.test(word) ? null : /^-?\d+(\.\d+)?$/.test(word) ? Number(word) : word;
  return { value, end: Math.max(at, start + 1) };
}

function skip(text: string, start: number, among: RegExp): number {
  let at = start;
  while (at < text.length && among.test(text[at]!)) {
    at++;
  }
  return at;
}

/** RFC 4180, with `;` or tabs as well, and MySQL's `\N` for NULL. */
function readText(file: string, text: string, columns: readonly string[]): DumpRow[] {
  const head = text.slice(0, text.indexOf('\n') < 0 ? text.length : text.indexOf('\n'));
  const delimiter = ['\t', ';', ','].find((candidate) => head.includes(candidate)) ?? ',';
  const lines = readLines(text, delimiter);
  const names = columns.length > 0 ? columns : (lines.shift() ?? []).map((name) => name ?? '');
  if (!names.includes('name')) {
    throw new Failure('usage', `${file}: the first line names no column "name"; --user-columns names the columns`);
  }
  return lines.map((line) => rowOf(names, line));
}

function readLines(text: string, delimiter: string): (string | null)[][] {
  const lines: (string | null)[][] = [];
  let line: (string | null)[] = [];
  let at = 0;
  while (at < text.length) {
    let cell = '';
    let quoted = false;
    if (text[at] === '"') {
      quoted = true;
      for (at++; at < text.length && !(text[at] === '"' && text[at + 1] !== '"'); at++) {
        if (text[at] === '"' || (text[at] === '\\' && text[at + 1] === '"')) {
          at++;
        }
        cell += text[at];
      }
      at++;
    }
    while (at < text.length && text[at] !== delimiter && text[at] !== '\n') {
      cell += text[at++];
    }
    cell = quoted ? cell.replace(/\r$/, '') : (unescaped(cell.replace(/\r$/, '')) ?? '\\N');
    line.push(!quoted && (cell === '\\N' || cell === 'NULL') ? null : cell);
    if (text[at] !== delimiter) {
      if (line.length > 1 || line[0] !== '') {
        lines.push(line);
      }
      line = [];
    } else if (at === text.length - 1) {
      lines.push([...line, '']);
      line = [];
    }
    at++;
  }
  return lines;
}

/** A cell as MySQL and PostgreSQL write it to a text: `\N` is null. */
function unescaped(cell: string): string | null {
  return cell === '\\N' ? null : cell.replace(/\\(.)/g, (_, letter: string) => escapes[letter] ?? letter);
}

function rowOf(names: readonly string[], values: readonly unknown[]): DumpRow {
  return Object.fromEntries(names.map((name, position) => [name, values[position] ?? null]));
}

function bare(name: string): string {
  return name.trim().split('.').at(-1)!.replace(/[`"]/g, '');
}

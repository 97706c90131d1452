/** What a value of a column is, whatever its declared type is called. `any`: whatever is there. */
export type ColumnKind =
  | 'integer'
  | 'number'
  | 'boolean'
  | 'string'
  | 'text'
  | 'guid'
  | 'datetime'
  | 'date'
  | 'time'
  | 'json'
  | 'blob'
  | 'any';

export interface DeclaredType {
  kind: ColumnKind;
  /** The designer's name of the type (Doctrine's, which Fusio's screens offer): `string`, `bigint`, `decimal`, … */
  type: string;
  length?: number;
  precision?: number;
  scale?: number;
}

const rules: [pattern: RegExp, kind: ColumnKind, type: string][] = [
  [/JSON/, 'json', 'json'],
  [/BOOL/, 'boolean', 'boolean'],
  [/DATETIME|TIMESTAMP/, 'datetime', 'datetime'],
  [/^DATE\b/, 'date', 'date'],
  [/^TIME\b/, 'time', 'time'],
  [/GUID|UUID|^CHAR\(36\)/, 'guid', 'guid'],
  [/BIGINT/, 'integer', 'bigint'],
  [/SMALLINT|TINYINT/, 'integer', 'smallint'],
  [/INT/, 'integer', 'integer'],
  [/CHAR\s*\(/, 'string', 'string'],
  [/CHAR|CLOB|TEXT/, 'text', 'text'],
  [/BLOB|BINARY/, 'blob', 'blob'],
  [/REAL|FLOA|DOUB/, 'number', 'float'],
  [/NUM|DEC/, 'number', 'decimal'],
];

/** Reads a declared type, `VARCHAR(64)` or `NUMERIC(10, 2)`. */
export function readDeclaredType(declared: string): DeclaredType {
  const text = declared.trim().toUpperCase();
  const [, kind, type] = rules.find(([pattern]) => pattern.test(text)) ?? [null, 'any' as const, 'text'];
  const [first, second] = /\(\s*(\d+)\s*(?:,\s*(\d+)\s*)?\)/.exec(text)?.slice(1) ?? [];
  if (first === undefined) {
    return { kind, type };
  }
  return kind === 'number'
    ? { kind, type, precision: Number(first), scale: Number(second ?? 0) }
    : { kind, type, length: Number(first) };
}

/** The declared type for a type of the designer; null for one that it does not offer. */
export function declareType(type: string, length?: number, precision?: number, scale?: number): string | null {
  switch (type) {
    case 'string':
    case 'ascii_string':
      return `VARCHAR(${length ?? 255})`;
    case 'decimal':
    case 'number':
      return `NUMERIC(${precision ?? 10}, ${scale ?? 0})`;
    case 'binary':
      return 'BLOB';
    default:
      return fixed[type] ?? null;
  }
}

// "JSON TEXT" and not "JSON": the latter would turn the text 12 into a number (SQLite, "Datatypes", 3.1).
const fixed: Record<string, string> = {
  integer: 'INTEGER',
  bigint: 'BIGINT',
  smallint: 'SMALLINT',
  boolean: 'BOOLEAN',
  text: 'TEXT',
  guid: 'CHAR(36)',
  datetime: 'DATETIME',
  datetimetz: 'DATETIME',
  date: 'DATE',
  time: 'TIME',
  float: 'DOUBLE PRECISION',
  json: 'JSON TEXT',
  blob: 'BLOB',
};

/** The types that a table of the designer can have. */
export const designerTypes = ['string', 'ascii_string', 'decimal', 'number', 'binary', ...Object.keys(fixed)];

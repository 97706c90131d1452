/** Ways out of where a value stands, … */
const exits = [
  '',
  "'",
  '"',
  '`',
  ')',
  "')",
  '")',
  "'))",
  ']',
  '\\',
  "\\'",
  "''",
  '%27',
  '\u02bc',
  '\uff07',
  '1',
  '-1',
  "1'",
];

/** … what is tried there, one of each kind, … */
const bodies = [
  // Always true, always false.
  ' OR 1=1',
  " OR '1'='1",
  ' OR 1=1 LIMIT 1',
  ' AND 1=2',
  '||1',
  ' OR "id"="id"',
  ' or true',
  // Other tables.
  ' UNION SELECT NULL',
  ' UNION ALL SELECT 1,2,3,4,5',
  ' UNION SELECT name, sql FROM sqlite_master',
  ' UNION SELECT group_concat(name) FROM pragma_table_list',
  ' AND (SELECT count(*) FROM sqlite_master) > 0',
  ' AND EXISTS (SELECT 1 FROM app_tag)',
  // Further statements.
  '; DROP TABLE app_tag',
  '; DELETE FROM app_tag WHERE 1=1',
  "; UPDATE app_tag SET name = 'gone'",
  "; INSERT INTO app_tag(name) VALUES ('more')",
  '; PRAGMA writable_schema = ON',
  "; ATTACH DATABASE 'x' AS y",
  '; VACUUM',
  // What answers by time, by an error or by a side effect.
  ' AND randomblob(100000000)',
  ' AND abs(-9223372036854775808)',
  " AND load_extension('x')",
  " AND zeroblob(99999999999) = ''",
  ' AND CASE WHEN 1=1 THEN 1 ELSE json(1) END',
  // The end of a query.
  ' ORDER BY 99',
  ' LIMIT 1 OFFSET 1',
  ' GROUP BY id HAVING 1=1',
  ', (SELECT 1)',
  ' COLLATE NOCASE',
  // Patterns, operators, placeholders, names of ours.
  '%',
  '_%_',
  ' LIKE char(37)',
  ' GLOB *',
  ' IS NOT NULL',
  ' IN (1,2,3)',
  ' BETWEEN 0 AND 9',
  '{name}',
  '{%name%} :name ?1 @id $id',
  ' ESCAPE x',
  '__proto__',
  'constructor',
  '\u0000',
  '\t\n\r',
  '<script>alert(1)</script>',
  '{"$ne":null}',
  '../../etc/passwd',
  '𝕏 ☃ é',
  'x'.repeat(300),
  "char(39)||char(39)||x'27'",
];

/** … and how the rest is silenced. */
const ends = ['', '--', ' -- -', '/*', '#', ';', "'", '"', '\u0000', " OR '", ' AND ("1"="1'];

/** Strings that an SQL injection could be, all distinct; every kind of body is among any hundred of them. */
export function injections(count: number): string[] {
  const all = new Set<string>();
  for (let round = 0; all.size < count && round < exits.length * ends.length; round++) {
    for (const [index, body] of bodies.entries()) {
      const exit = exits[(round * 7 + index) % exits.length]!;
      const end = ends[(Math.floor(round / exits.length) + round + index * 3) % ends.length]!;
      const text = `${exit}${body}${end}`;
      if (text.trim() !== '' && all.size < count) {
        all.add(text);
      }
    }
  }
  return [...all];
}

import { describe, expect, it } from 'vitest';
import { splitStatements } from '../../worker/lib/sql/tokens.ts';

describe('splitStatements', () => {
  it.each([
    ['two statements', 'CREATE TABLE a(b);\nCREATE INDEX c ON a(b);', ['CREATE TABLE a(b)', 'CREATE INDEX c ON a(b)']],
    ['no semicolon at the end', 'SELECT 1', ['SELECT 1']],
    ['only comments', '-- nothing;\n/* here; */ ;', []],
    [
      'a semicolon in a string',
      "INSERT INTO a VALUES ('x;''y;');SELECT 1",
      ["INSERT INTO a VALUES ('x;''y;')", 'SELECT 1'],
    ],
    ['a semicolon in names', 'SELECT "a;b", `c;d`, [e;f]; SELECT 2', ['SELECT "a;b", `c;d`, [e;f]', 'SELECT 2']],
    ['drizzle marks', 'SELECT 1;\n--> statement-breakpoint\nSELECT 2;', ['SELECT 1', 'SELECT 2']],
    ['a comment inside', 'SELECT 1 -- one; two\n, 2;', ['SELECT 1  \n, 2']],
    [
      'a trigger with CASE',
      'CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET b = CASE WHEN 1 THEN 2 END; DELETE FROM c; END; SELECT 1;',
      [
        'CREATE TRIGGER t AFTER INSERT ON a BEGIN UPDATE a SET b = CASE WHEN 1 THEN 2 END; DELETE FROM c; END',
        'SELECT 1',
      ],
    ],
    [
      'a temporary trigger',
      'CREATE TEMP TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END; SELECT 2',
      ['CREATE TEMP TRIGGER t AFTER INSERT ON a BEGIN SELECT 1; END', 'SELECT 2'],
    ],
    [
      'CASE outside a trigger',
      'SELECT CASE 1 WHEN 1 THEN 2 END; SELECT 3',
      ['SELECT CASE 1 WHEN 1 THEN 2 END', 'SELECT 3'],
    ],
  ])('%s', (_, sql, expected) => {
    expect(splitStatements(sql)).toEqual(expected);
  });
});

import { drizzle } from 'drizzle-orm/d1';
import { integer, sqliteTable, text } from 'drizzle-orm/sqlite-core';
import { describe, expect, it } from 'vitest';
import { parseSearch, searchCondition } from '../../worker/resources/search.ts';

const table = sqliteTable('thing', {
  id: integer(),
  name: text(),
  active: integer({ mode: 'boolean' }),
  points: integer(),
  insert_date: text(),
});
const columns = {
  id: table.id,
  name: table.name,
  active: table.active,
  points: table.points,
  insert_date: table.insert_date,
};

/** The condition and its bound values, as the database gets them. */
function statement(search: string): [string, unknown[]] {
  const parsed = parseSearch(search);
  if (!parsed.ok) {
    throw new Error(parsed.message);
  }
  const query = drizzle({} as D1Database)
    .select({ id: table.id })
    .from(table)
    .where(searchCondition(parsed.query, columns, 'name'))
    .toSQL();
  return [query.sql.replace(/^.*? where /, '').replaceAll('"thing".', ''), query.params];
}

describe('the search language', () => {
  it.each([
    ['word', `"name" like ? ESCAPE '\\'`, ['%word%']],
    ['"two words"', `"name" like ? ESCAPE '\\'`, ['%two words%']],
    ['name:a', `"name" like ? ESCAPE '\\'`, ['%a%']],
    ['100%_\\', `"name" like ? ESCAPE '\\'`, ['%100\\%\\_\\\\%']],
    ['points:5', '"points" = ?', [5]],
    ['points>5', '"points" > ?', [5]],
    ['points<5', '"points" < ?', [5]],
    ['points:five', 'false', []],
    ['active:TRUE', '"active" = ?', [1]],
    ['insert_date>2026-01-01', '"insert_date" > ?', ['2026-01-01']],
    ['points:1 OR points:2 points:3', '("points" = ? or ("points" = ? and "points" = ?))', [1, 2, 3]],
    ['(points:1 or points:2) and points:3', '(("points" = ? or "points" = ?) and "points" = ?)', [1, 2, 3]],
    ['not not points:1', 'not not "points" = ?', [1]],
  ])('%s', (search, sql, values) => {
    expect(statement(search)).toEqual([sql, values]);
  });

  it('ignores fields that a list does not have, and comparisons of texts', () => {
    for (const search of ['nothing:1', 'password:a', 'name>a', 'nothing:1 OR points:1', 'NOT nothing:1']) {
      expect(statement(search)[0], search).toMatch(/^select/);
    }
    expect(statement('nothing:1 points:2')).toEqual(['"points" = ?', [2]]);
  });

  it.each([
    ['(a', 2],
    ['a)', 1],
    ['a AND', 5],
    ['OR a', 0],
    ['name:', 5],
    ['name:(a)', 5],
    [':a', 0],
    ['a "open', 2],
    ['NOT', 3],
    ['a < < b', 4],
    [`${'('.repeat(33)}a${')'.repeat(33)}`, 32],
  ])('%s is wrong at character %i', (search, position) => {
    expect(parseSearch(search)).toMatchObject({ ok: false, position, message: expect.any(String) });
  });
});

import { describe, expect, it } from 'vitest';
import type { ActionInput } from '../../worker/actions/define.ts';
import { renameQuery } from '../../worker/actions/rename-query.ts';

function input(search: string): ActionInput {
  return { http: { query: new URLSearchParams(search), search } } as ActionInput;
}

describe('query parameters with other names upstream', () => {
  it.each([
    ['per_page=5&q=a%20b+c', 'per-page=5&q=a%20b+c'],
    ['q=1&filter_name=x=y&filter_name=z', 'q=1&filter%5Bname%5D=x=y&filter%5Bname%5D=z'],
    ['per%5Fpage=5', 'per-page=5'],
    ['per_page', 'per-page'],
  ])('%s → %s', (given, expected) => {
    const names = { per_page: 'per-page', filter_name: 'filter[name]' };
    const { query, search } = renameQuery(input(given), names).http;
    expect(search).toBe(expected);
    expect([...query]).toEqual([...new URLSearchParams(expected)]);
  });

  it('leaves everything else alone', () => {
    const given = input('a=1&toString=2');
    expect(renameQuery(given, { b: 'c' })).toBe(given);
    expect(renameQuery(given, undefined)).toBe(given);
  });
});

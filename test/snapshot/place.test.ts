import { describe, expect, it } from 'vitest';
import { resources } from '../../worker/resources/index.ts';
import { place } from '../../worker/snapshot/derive.ts';

const operation = resources.get('operation')!;
const row = { id: 7, tenant_id: '', status: 1, name: 'a.b', http_method: 'GET', http_path: '/a', description: 'old' };
const kinds = (before: typeof row | undefined, after: typeof row) =>
  place(operation, before, after).map(({ kind, row }) => [kind, row === null ? null : row.id]);

describe('where an operation goes', () => {
  it('is its own leaf alone, as long as its route is the same', () => {
    expect(kinds(row, { ...row, description: 'new' })).toEqual([['operation', 7]]);
  });

  it('is a route too when it is new, found elsewhere, or comes and goes', () => {
    const both = [
      ['operation', 7],
      ['route', 7],
    ];
    expect(kinds(undefined, row)).toEqual(both);
    for (const change of [{ name: 'b.c' }, { http_method: 'PUT' }, { http_path: '/b' }]) {
      expect(kinds(row, { ...row, ...change }), JSON.stringify(change)).toEqual(both);
    }
    const gone = { ...row, status: operation.deleted };
    expect(kinds(gone, row)).toEqual(both);
    expect(kinds(row, gone)).toEqual([
      ['operation', null],
      ['route', null],
    ]);
  });
});

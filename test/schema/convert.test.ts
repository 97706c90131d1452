import { describe, expect, it } from 'vitest';
import { compileParameters } from '../../worker/lib/schema/convert.ts';

function convert(declared: Record<string, Record<string, unknown>>, query: string) {
  return compileParameters(declared).convert(new URLSearchParams(query));
}

const good: [Record<string, unknown>, string, unknown][] = [
  [{ type: 'integer' }, 'v=12', 12],
  [{ type: 'integer' }, 'v=-3', -3],
  [{ type: 'integer', minimum: 1, maximum: 5 }, 'v=5', 5],
  [{ type: 'integer', enum: [1, 2] }, 'v=2', 2],
  [{ enum: [1, 2] }, 'v=2', 2],
  [{ type: 'number' }, 'v=1.5e3', 1500],
  [{ type: 'number' }, 'v=.5', 0.5],
  [{ type: 'boolean' }, 'v=true', true],
  [{ type: 'boolean' }, 'v=0', false],
  [{ type: 'string' }, 'v=12', '12'],
  [{ type: 'string' }, 'v=', ''],
  [{ type: 'string', format: 'date' }, 'v=2026-02-28', '2026-02-28'],
  [{}, 'v=12', '12'],
  [{ type: ['integer', 'null'] }, 'v=7', 7],
  [{ type: ['integer', 'null'] }, 'v=null', null],
  [{ type: ['integer', 'string'] }, 'v=7', '7'],
  [{ anyOf: [{ type: 'integer' }, { type: 'boolean' }] }, 'v=true', true],
  [{ type: 'array', items: { type: 'integer' } }, 'v=1,2,3', [1, 2, 3]],
  [{ type: 'array', items: { type: 'integer' } }, 'v=1&v=2', [1, 2]],
  [{ type: 'array', items: { type: 'integer' } }, 'v=1', [1]],
  [{ type: 'array' }, 'v=a,b', ['a', 'b']],
  [{ type: 'array', items: { type: 'string' } }, 'v=a,b&v=c', ['a,b', 'c']],
  // Empty and not a text: as if it were not there.
  [{ type: 'integer' }, 'v=', undefined],
  [{ type: 'array' }, 'v=', undefined],
  // A double cannot hold it, and an id must stay what it is.
  [{ type: 'integer' }, 'v=9007199254740993', '9007199254740993'],
  [{ type: 'array', items: { type: 'integer' } }, 'v=1,9007199254740993', [1, '9007199254740993']],
  [{ type: 'array', items: { type: 'integer' } }, 'v=9007199254740993&v=2', ['9007199254740993', 2]],
];

const bad: [Record<string, unknown>, string, string, string][] = [
  [{ type: 'integer' }, 'v=abc', 'type', 'must be of type integer'],
  [{ type: 'integer' }, 'v=1.5', 'type', 'must be of type integer'],
  [{ type: 'integer' }, 'v=0x10', 'type', 'must be of type integer'],
  [{ type: 'integer' }, 'v=%201', 'type', 'must be of type integer'],
  [{ type: 'integer' }, 'v=%2B1', 'type', 'must be of type integer'],
  [{ type: 'integer' }, 'v=%D9%A1', 'type', 'must be of type integer'],
  [{ type: 'integer' }, 'v=1%0A', 'type', 'must be of type integer'],
  [{ type: 'integer', maximum: 1024 }, 'v=1025', 'maximum', 'must not be greater than 1024'],
  [{ type: 'integer', maximum: 10 }, 'v=99999999999999999999', 'maximum', 'must not be greater than 10'],
  [{ type: 'number' }, 'v=1e999', 'type', 'must be of type number'],
  [{ type: 'number' }, 'v=NaN', 'type', 'must be of type number'],
  [{ type: 'boolean' }, 'v=yes', 'type', 'must be of type boolean'],
  [{ type: 'string', enum: ['asc', 'desc'] }, 'v=up', 'enum', 'must be one of: asc, desc'],
  [{ type: 'string', format: 'date' }, 'v=today', 'format', 'must be a valid full-date format [RFC3339]'],
  [{ type: 'string', pattern: '^a' }, 'v=b', 'pattern', 'must match the pattern ^a'],
  [{ type: 'string', required: true }, '', 'required', 'must not be null'],
  [{ type: 'integer', required: true }, 'v=', 'required', 'must not be null'],
  [{ type: 'string' }, 'v=a&v=b', 'type', 'must not be given more than once'],
  [{ type: 'string', required: true }, 'v=a&v=b', 'type', 'must not be given more than once'],
  [{ type: 'array', maxItems: 1 }, 'v=a,b', 'maxItems', 'must not have more than 1 item'],
];

describe('texts of a query', () => {
  it.each(good)('%j from %s', (schema, query, expected) => {
    const { values, violations } = convert({ v: schema }, query);
    expect(violations).toEqual([]);
    expect(values.v).toEqual(expected);
    expect('v' in values).toBe(expected !== undefined);
  });

  it.each(bad)('%j not from %s', (schema, query, rule, message) => {
    expect(convert({ v: schema }, query).violations).toEqual([{ pointer: '/v', rule, message }]);
  });

  it('name the item of a list', () => {
    const { violations } = convert({ ids: { type: 'array', items: { type: 'integer' } } }, 'ids=1,b');
    expect(violations).toEqual([{ pointer: '/ids/1', rule: 'type', message: 'must be of type integer' }]);
  });

  it('are all told at once', () => {
    const declared = { a: { type: 'integer' }, b: { type: 'boolean' }, c: { type: 'string' } };
    const { violations } = convert(declared, 'a=x&b=y&c=1&c=2');
    expect(violations.map(({ pointer }) => pointer)).toEqual(['/c', '/a', '/b']);
  });

  it('stay text where nothing is declared; the last of repeated ones counts', () => {
    const { values, violations } = convert({ a: { type: 'integer' } }, 'a=1&x=1&x=2&y=&__proto__=z');
    expect(violations).toEqual([]);
    expect(Object.entries(values)).toEqual([
      ['a', 1],
      ['x', '2'],
      ['y', ''],
      ['__proto__', 'z'],
    ]);
    expect(Object.getPrototypeOf(values)).toBe(Object.prototype);
  });
});

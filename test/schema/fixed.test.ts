import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { compileFixed } from '../../worker/lib/schema/fixed.ts';

const { check } = compileFixed(
  Type.Object({
    url: Type.String({ minLength: 3 }),
    retries: Type.Optional(Type.Union([Type.Integer({ minimum: 0 }), Type.String({ pattern: '^[0-9]*$' })])),
    headers: Type.Optional(Type.Record(Type.String(), Type.String())),
    mode: Type.Optional(Type.Enum(['a', 'b'])),
  }),
);

describe('a schema of the bundle', () => {
  it('accepts what keeps it', () => {
    expect(check({ url: 'http://x', retries: '2', headers: { a: 'b' }, mode: 'a' })).toEqual([]);
  });

  it.each([
    [{}, '/url', 'required'],
    [{ url: 1 }, '/url', 'type'],
    [{ url: 'x' }, '/url', 'minLength'],
    [{ url: 'http', headers: { a: 1 } }, '/headers/a', 'type'],
    [{ url: 'http', mode: 'c' }, '/mode', 'enum'],
    [{ url: 'http', retries: -1 }, '/retries', 'minimum'],
  ])('names place and rule: %j', (value, pointer, rule) => {
    expect(check(value).map((found) => [found.pointer, found.rule])).toContainEqual([pointer, rule]);
  });

  it('says types in words', () => {
    expect(check({ url: true })[0]!.message).toBe('must be of type string');
  });
});

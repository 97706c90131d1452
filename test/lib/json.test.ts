import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { canonicalJson, sameJson } from '../../worker/lib/json.ts';

/** What canonical means, said the slow way: every object is copied with its keys sorted. */
function byDefinition(value: unknown): string {
  return JSON.stringify(value, (_key, member) =>
    member !== null && typeof member === 'object' && !Array.isArray(member)
      ? Object.fromEntries(Object.entries(member).sort(([a], [b]) => (a < b ? -1 : a > b ? 1 : 0)))
      : member,
  );
}

const key = fc.oneof(fc.string(), fc.constantFrom('__proto__', 'toString', '10', '2'));
const anything = fc.anything({ withDate: true, withNullPrototype: true, maxDepth: 5, key });

describe('canonical JSON', () => {
  it('is the same text whatever the order of keys, and as it is defined', () => {
    fc.assert(fc.property(anything, (value) => canonicalJson(value) === byDefinition(value)));
    expect(canonicalJson({ b: [{ d: 1, c: 2 }], a: null })).toBe('{"a":null,"b":[{"c":2,"d":1}]}');
  });

  it('tells equal values', () => {
    const equal = (a: unknown, b: unknown) => byDefinition(a ?? null) === byDefinition(b ?? null);
    fc.assert(fc.property(anything, anything, (a, b) => sameJson(a, b) === (a === b || equal(a, b))));
    fc.assert(fc.property(anything, (value) => sameJson(value, structuredClone(value))));
  });
});

import { type Schema, Validator } from '@cfworker/json-schema';
import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { compile } from '../../worker/lib/schema/engine.ts';
import { fingerprint } from '../../worker/lib/schema/equality.ts';
import { compilePattern } from '../../worker/lib/schema/pattern.ts';

const numRuns = process.env.POSTERN_FULL ? 5_000 : 800;

vi.setConfig({ testTimeout: 240_000 });

// Few names, numbers and texts, so that schemas and values meet.
const name = fc.constantFrom('a', 'b', 'c', '__proto__');
const text = fc.constantFrom('', 'a', 'ab', 'abc', '😀');
const number = fc.constantFrom(-1, 0, 0.5, 1, 2, 3);
const scalar = fc.oneof(text, number, fc.boolean(), fc.constant(null));

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }),
    fc.array(fc.tuple(name, tie('value')), { maxLength: 4 }).map((entries) => Object.fromEntries(entries)),
  ),
}));

const type = fc.constantFrom('string', 'integer', 'number', 'boolean', 'null', 'array', 'object');
const count = fc.nat(3);

const { schema } = fc.letrec<{ schema: unknown }>((tie) => {
  const one = tie('schema');
  const list = fc.array(one, { minLength: 1, maxLength: 3 });
  const map = fc
    .array(fc.tuple(fc.constantFrom('a', 'b', 'c'), one), { maxLength: 3 })
    .map((entries) => Object.fromEntries(entries));
  const leaf = {
    type: fc.oneof(type, fc.uniqueArray(type, { minLength: 1, maxLength: 3 })),
    enum: fc.uniqueArray(scalar, { minLength: 1, maxLength: 3, comparator: 'SameValueZero' }),
    const: scalar,
    minimum: number,
    exclusiveMaximum: number,
    multipleOf: fc.constantFrom(0.5, 1, 2),
    minLength: count,
    maxLength: count,
    pattern: fc.constantFrom('^a', 'b$', '^[a-b]+$', '^$'),
    minItems: count,
    maxItems: count,
    uniqueItems: fc.boolean(),
    minProperties: count,
    maxProperties: count,
    required: fc.uniqueArray(fc.constantFrom('a', 'b', 'c'), { maxLength: 2 }),
    dependentRequired: fc.constant({ a: ['b'] }),
  };
  const nested = {
    properties: map,
    additionalProperties: one,
    patternProperties: one.map((child) => ({ '^[ab]$': child })),
    propertyNames: fc.constantFrom({ maxLength: 1 }, { enum: ['a', 'b'] }, true),
    items: one,
    prefixItems: list,
    contains: one,
    allOf: list,
    anyOf: list,
    oneOf: list,
    not: one,
    if: one,
    // biome-ignore lint/suspicious/noThenProperty: the keyword
    then: one,
    else: one,
    dependentSchemas: one.map((child) => ({ b: child })),
    unevaluatedProperties: one,
  };
  const some = (keywords: Record<string, fc.Arbitrary<unknown>>, maxLength: number) =>
    fc
      .subarray(Object.keys(keywords), { maxLength })
      .chain((chosen) => fc.record(Object.fromEntries(chosen.map((key) => [key, keywords[key]!]))));
  return {
    schema: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.boolean(),
      some(leaf, 3),
      fc.tuple(some(leaf, 2), some(nested, 2)).map(([a, b]) => ({ ...a, ...b })),
    ),
  };
});

describe('checking values, for any schema', () => {
  it('agrees with another validator', () => {
    let good = 0;
    let bad = 0;
    fc.assert(
      fc.property(schema, fc.array(value, { minLength: 1, maxLength: 8 }), (given, values) => {
        const own = compile(given);
        const other = new Validator(given as Schema, '2020-12', true);
        for (const one of values) {
          const verdict = own.check(one).length === 0;
          expect(verdict).toBe(other.validate(one).valid);
          verdict ? good++ : bad++;
        }
      }),
      { numRuns },
    );
    // The generators are worth something only when both verdicts are frequent.
    expect(Math.min(good, bad)).toBeGreaterThan(numRuns / 2);
  });

  it('names a place that is in the value, or one that is missed', () => {
    fc.assert(
      fc.property(schema, value, (given, one) => {
        for (const { pointer, rule, message } of compile(given).check(one)) {
          expect(message).not.toBe('');
          let current: unknown = one;
          const steps = pointer.split('/').slice(1);
          for (const [index, step] of steps.entries()) {
            const last = index === steps.length - 1;
            const there = typeof current === 'object' && current !== null && Object.hasOwn(current, step);
            expect(there || (last && ['required', 'dependentRequired'].includes(rule))).toBe(true);
            current = there ? (current as Record<string, unknown>)[step] : undefined;
          }
        }
      }),
      { numRuns },
    );
  });

  it('never throws, whatever the value', () => {
    fc.assert(
      fc.property(
        schema,
        fc.anything({ withBigInt: true, withDate: true, withMap: true, withSparseArray: true }),
        (given, one) => {
          expect(Array.isArray(compile(given).check(one))).toBe(true);
        },
      ),
      { numRuns: numRuns / 2 },
    );
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('refuses a schema only with a list of reasons', () => {
    const keyword = fc.constantFrom(
      'type',
      '$ref',
      '$id',
      '$anchor',
      'properties',
      'items',
      'allOf',
      'required',
      'pattern',
      'enum',
      'minLength',
      'dependentRequired',
      'if',
      '$defs',
      '$schema',
      'format',
    );
    const junk = fc.dictionary(
      keyword,
      fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.constantFrom('#', '#/$defs/a', '(', 'schema://A', {}, [{}])),
    );
    fc.assert(
      fc.property(junk, (given) => {
        try {
          compile(given).check({});
        } catch (thrown) {
          expect(thrown).toMatchObject({
            name: 'SchemaError',
            violations: expect.arrayContaining([expect.objectContaining({ rule: expect.any(String) })]),
          });
        }
      }),
      { numRuns },
    );
  });
});

describe('equality', () => {
  it('is the same by fingerprints as by canonical JSON', () => {
    const sorted = (one: unknown): unknown => {
      if (Array.isArray(one)) {
        return one.map(sorted);
      }
      if (typeof one !== 'object' || one === null) {
        return one;
      }
      const names = Object.keys(one).sort();
      return names.map((key) => [key, sorted((one as Record<string, unknown>)[key])]).concat(['object']);
    };
    fc.assert(
      fc.property(value, value, (a, b) => {
        const same = JSON.stringify(sorted(a)) === JSON.stringify(sorted(b));
        expect(fingerprint(a, () => undefined) === fingerprint(b, () => undefined)).toBe(same);
      }),
      { numRuns },
    );
  });
});

describe('patterns, for any text', () => {
  const atom = fc.constantFrom(
    'a',
    'b',
    '.',
    '\\d',
    '\\w',
    '\\s',
    '[ab]',
    '[^a]',
    '[\\s\\d]',
    '\\u0061',
    '(?:ab)',
    '(a|b)',
    '\\.',
    '\\p{L}',
    '^',
    '$',
    '\\b',
  );
  const piece = fc
    .tuple(atom, fc.constantFrom('', '', '*', '+?', '{1,2}'))
    .map(([one, times]) => (/^(?:\^|\$|\\b)$/.test(one) ? one : one + times));
  const pattern = fc.array(piece, { minLength: 1, maxLength: 5 }).map((pieces) => pieces.join(''));
  const subject = fc
    .array(fc.constantFrom('a', 'b', 'ab', '1', ' ', '\n', '\u2028', '\ufeff', 'é', '😀', '.'), { maxLength: 5 })
    .map((parts) => parts.join(''));

  it("find what V8's engine finds", () => {
    fc.assert(
      fc.property(pattern, fc.array(subject, { minLength: 1, maxLength: 4 }), (source, subjects) => {
        const own = compilePattern(source);
        const other = new RegExp(source, 'u');
        for (const one of subjects) {
          expect(own.test(one)).toBe(other.test(one));
        }
      }),
      { numRuns },
    );
  });

  it('are refused with a position, or compiled', () => {
    const junk = fc
      .array(
        fc.constantFrom(
          '(',
          ')',
          '[',
          ']',
          '{',
          '}',
          '?',
          '*',
          '+',
          '\\',
          '|',
          '^',
          '-',
          ':',
          '<',
          '=',
          'p',
          'u',
          'k',
          '1',
          ',',
          'a',
        ),
        { maxLength: 8 },
      )
      .map((parts) => parts.join(''));
    fc.assert(
      fc.property(junk, subject, (source, one) => {
        try {
          compilePattern(source).test(one);
        } catch (thrown) {
          expect(thrown).toMatchObject({ name: 'PatternError', position: expect.any(Number) });
          expect((thrown as { position: number }).position).toBeLessThanOrEqual(source.length);
        }
      }),
      { numRuns },
    );
  });
});

import { describe, expect, it } from 'vitest';
import { compile, SchemaError, type SchemaOptions, type Violation } from '../../worker/lib/schema/engine.ts';

function violations(schema: unknown, value: unknown, options?: SchemaOptions): string[] {
  return compile(schema, options)
    .check(value)
    .map(({ pointer, rule, message }) => `${pointer || '/'} ${rule}: ${message}`);
}

function refusal(schema: unknown, options?: SchemaOptions): Violation[] {
  try {
    compile(schema, options);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(SchemaError);
    return (thrown as SchemaError).violations;
  }
  throw new Error('The schema was accepted');
}

describe('violations', () => {
  it.each<[unknown, unknown, string]>([
    [{ type: 'string' }, 1, '/ type: must be of type string'],
    [{ type: 'string' }, null, '/ type: must not be null'],
    [{ type: ['integer', 'null'] }, 'x', '/ type: must be of type integer'],
    [{ type: ['integer', 'string', 'boolean'] }, [], '/ type: must be of type integer, string or boolean'],
    [{ type: 'null' }, 1, '/ type: must be of type null'],
    [{ enum: ['a', 1, null] }, 'b', '/ enum: must be one of: a, 1'],
    [{ const: { a: [] } }, 'b', '/ const: must be {"a":[]}'],
    [{ maxLength: 10 }, 'x'.repeat(11), '/ maxLength: must not be longer than 10 characters'],
    [{ minLength: 1 }, '', '/ minLength: must not be shorter than 1 character'],
    [{ pattern: '^a' }, 'b', '/ pattern: must match the pattern ^a'],
    [{ maximum: 3 }, 4, '/ maximum: must not be greater than 3'],
    [{ exclusiveMinimum: 3 }, 3, '/ exclusiveMinimum: must be greater than 3'],
    [{ multipleOf: 0.5 }, 0.7, '/ multipleOf: must be a multiple of 0.5'],
    [{ required: ['name'] }, {}, '/name required: must not be null'],
    [{ required: ['a'], properties: { a: { type: ['string', 'null'] } } }, {}, '/a required: must be given'],
    [{ dependentRequired: { a: ['b'] } }, { a: 1 }, '/b dependentRequired: must be given together with a'],
    [{ additionalProperties: false }, { 'a/b~': 1 }, '/a~1b~0 additionalProperties: is not a known property'],
    [{ unevaluatedProperties: false }, { a: 1 }, '/a unevaluatedProperties: is not a known property'],
    [{ properties: { a: false } }, { a: 1 }, '/a false: is not allowed'],
    [
      { propertyNames: { maxLength: 2 } },
      { abc: 1 },
      '/abc propertyNames: has a name that must not be longer than 2 characters',
    ],
    [{ maxProperties: 1 }, { a: 1, b: 2 }, '/ maxProperties: must not have more than 1 member'],
    [{ maxItems: 1 }, [1, 2], '/ maxItems: must not have more than 1 item'],
    [{ items: { type: 'string' } }, ['a', 1], '/1 type: must be of type string'],
    [{ prefixItems: [true], items: false }, [1, 2], '/1 items: is one item too many'],
    [{ contains: { type: 'string' } }, [1], '/ contains: must have at least 1 item of the required form'],
    [{ uniqueItems: true }, ['a', 'b', 'a'], '/ uniqueItems: must not have equal items (0 and 2 are)'],
    [{ not: { type: 'string' } }, 'a', '/ not: must not have the form that is excluded'],
    [{ format: 'date' }, '2021-02-29', '/ format: must be a valid full-date format [RFC3339]'],
    [{ format: 'int32', type: 'integer' }, 2 ** 31, '/ format: must be a 32-bit integer'],
  ])('%j on %j', (schema, value, expected) => {
    expect(violations(schema, value, { assertFormat: true })).toEqual([expected]);
  });

  it('tells all at once, each at its place', () => {
    const schema = {
      type: 'object',
      required: ['name', 'owner'],
      properties: {
        name: { type: 'string', minLength: 3, pattern: '^[a-z]+$' },
        owner: { type: 'object', required: ['id'] },
        tags: { type: 'array', items: { type: 'string' } },
      },
    };
    expect(violations(schema, { name: 'A', tags: ['x', 1, 2] })).toEqual([
      '/owner required: must not be null',
      '/name minLength: must not be shorter than 3 characters',
      '/name pattern: must match the pattern ^[a-z]+$',
      '/tags/1 type: must be of type string',
      '/tags/2 type: must be of type string',
    ]);
  });

  it('stops at twenty', () => {
    expect(violations({ items: { type: 'string' } }, Array(100).fill(1))).toHaveLength(20);
  });

  it('asserts formats only when told, by the caller or by the schema itself', () => {
    const value = 'tomorrow';
    expect(violations({ format: 'date' }, value)).toEqual([]);
    expect(violations({ 'x-assert-format': true, format: 'date' }, value)).toHaveLength(1);
    expect(violations({ 'x-assert-format': false, format: 'date' }, value, { assertFormat: true })).toEqual([]);
    const resolve = () => ({ 'x-assert-format': true, properties: { a: { format: 'date' } } });
    expect(
      violations({ $ref: 'schema://Day', properties: { b: { format: 'date' } } }, { a: value, b: value }, { resolve }),
    ).toEqual(['/a format: must be a valid full-date format [RFC3339]']);
  });
});

describe('alternatives', () => {
  const shape = {
    oneOf: [
      {
        properties: { kind: { const: 'circle' }, radius: { type: 'number', minimum: 0 } },
        required: ['kind', 'radius'],
      },
      { properties: { kind: { const: 'square' }, side: { type: 'number' } }, required: ['kind', 'side'] },
    ],
  };

  it.each<[unknown, unknown, string[]]>([
    [shape, { kind: 'circle', radius: -1 }, ['/radius minimum: must not be less than 0']],
    [shape, { kind: 'square' }, ['/side required: must not be null']],
    [shape, { kind: 'star' }, ['/ oneOf: must match exactly one of the allowed forms']],
    [{ anyOf: [{ type: 'object', required: ['id'] }, { type: 'null' }] }, {}, ['/id required: must not be null']],
    [{ anyOf: [{ type: 'string' }, { type: 'integer' }] }, [], ['/ type: must be of type string or integer']],
    [
      { anyOf: [{ required: ['a'] }, { required: ['b'] }] },
      {},
      ['/ anyOf: must match at least one of the allowed forms'],
    ],
    [{ oneOf: [{}, {}] }, 1, ['/ oneOf: must match exactly one of the allowed forms, but matches more']],
    [{ properties: { a: shape } }, { a: { kind: 'circle' } }, ['/a/radius required: must not be null']],
  ])('%# tell what the one that was meant lacks', (schema, value, expected) => {
    expect(violations(schema, value)).toEqual(expected);
  });

  it('leave no errors of branches that did not count', () => {
    const schema = { anyOf: [{ type: 'integer' }, { type: 'string' }], maxLength: 1 };
    expect(violations(schema, 'ab')).toEqual(['/ maxLength: must not be longer than 1 character']);
  });
});

describe('references', () => {
  const named: Record<string, unknown> = {
    Author: { type: 'object', properties: { books: { type: 'array', items: { $ref: 'schema://Book' } } } },
    Book: { type: 'object', properties: { title: { type: 'string' }, author: { $ref: 'schema:///Author' } } },
    Parts: { $defs: { id: { type: 'integer' } }, definitions: { name: { type: 'string' } } },
    'Book@2f': { required: ['isbn'] },
  };
  const options = { resolve: (name: string) => named[name] };

  it('lead to named schemas, in circles too', () => {
    const value = { author: { books: [{ title: 'a', author: { books: [{ title: 1 }] } }] } };
    expect(violations({ $ref: 'schema://Book' }, value, options)).toEqual([
      '/author/books/0/author/books/0/title type: must be of type string',
    ]);
  });

  it('lead into named schemas and to commits', () => {
    expect(violations({ $ref: 'schema://Parts#/$defs/id' }, 'x', options)).toHaveLength(1);
    expect(violations({ $ref: 'schema://Parts#/definitions/name' }, 1, options)).toHaveLength(1);
    expect(violations({ $ref: 'schema://Book@2f' }, {}, options)).toHaveLength(1);
  });

  it('of every named schema can be left open', () => {
    expect(violations({ $ref: 'schema://None#/$defs/x' }, 1, { ignoreNamed: true })).toEqual([]);
  });

  it.each<[string, unknown, string, RegExp]>([
    ['an unknown name', { properties: { a: { $ref: 'schema://None' } } }, '/properties/a/$ref', /no schema None/],
    ['nothing', { $ref: '#/$defs/a' }, '/$ref', /leads to nothing/],
    ['an unknown anchor', { $ref: '#a' }, '/$ref', /leads to nothing/],
    ['the network', { items: { $ref: 'http://169.254.169.254/latest' } }, '/items/$ref', /leads outside/],
    ['a file', { $ref: 'file:///etc/passwd' }, '/$ref', /leads outside/],
    ['a relative place', { $ref: 'other.json' }, '/$ref', /leads outside/],
    ['itself', { $ref: '#' }, '', /leads back/],
    [
      'itself by another',
      { $ref: '#/$defs/a', $defs: { a: { $ref: '#/$defs/b' }, b: { $ref: '#/$defs/a' } } },
      '/$defs/a',
      /leads back/,
    ],
    ['itself by allOf', { properties: { a: { allOf: [{ $ref: '#/properties/a' }] } } }, '/properties/a', /leads back/],
    ['itself by not', { not: { $ref: '#' } }, '', /leads back/],
  ])('to %s are refused', (_what, schema, pointer, message) => {
    expect(refusal(schema, options)).toEqual([{ pointer, rule: '$ref', message: expect.stringMatching(message) }]);
  });

  it('that go deeper into the value may lead back', () => {
    const tree = { properties: { left: { $ref: '#' }, right: { $ref: '#' } }, additionalProperties: false };
    expect(violations(tree, { left: { right: { middle: 1 } } })).toEqual([
      '/left/right/middle additionalProperties: is not a known property',
    ]);
  });
});

describe('schemas that are wrong', () => {
  it.each<[unknown, string, string]>([
    [{ type: 'sting' }, '/type', 'type'],
    [{ type: [] }, '/type', 'type'],
    [{ properties: { a: { minLength: -1 } } }, '/properties/a/minLength', 'minLength'],
    [{ items: [{}] }, '/items', 'schema'],
    [{ properties: { 'a/b': 1 } }, '/properties/a~1b', 'schema'],
    [{ required: 'a' }, '/required', 'required'],
    [{ allOf: [] }, '/allOf', 'allOf'],
    [{ anyOf: {} }, '/anyOf', 'anyOf'],
    [{ enum: 1 }, '/enum', 'enum'],
    [{ multipleOf: 0 }, '/multipleOf', 'multipleOf'],
    [{ maximum: '3' }, '/maximum', 'maximum'],
    [{ pattern: '(' }, '/pattern', 'pattern'],
    [{ patternProperties: { '(?=a)': {} } }, '/patternProperties/(?=a)', 'pattern'],
    [{ uniqueItems: 1 }, '/uniqueItems', 'uniqueItems'],
    [{ $ref: 1 }, '/$ref', '$ref'],
    [{ $schema: 'http://example.com/mine' }, '/$schema', '$schema'],
    ['x', '', 'schema'],
  ])('%j', (schema, pointer, rule) => {
    expect(refusal(schema)).toMatchObject([{ pointer, rule }]);
  });

  it('are told all at once, with the position in a pattern', () => {
    expect(refusal({ properties: { a: { type: 'x' }, b: { pattern: 'ab(?!c)' }, c: { $ref: '#/none' } } })).toEqual([
      { pointer: '/properties/a/type', rule: 'type', message: expect.any(String) },
      {
        pointer: '/properties/b/pattern',
        rule: 'pattern',
        message: 'is a pattern that cannot be used: look-around is not supported (at position 2)',
      },
      { pointer: '/properties/c/$ref', rule: '$ref', message: expect.any(String) },
    ]);
  });

  it('are not those whose keywords an older draft does not know', () => {
    expect(
      violations({ $schema: 'http://json-schema.org/draft-07/schema#', prefixItems: 1, dependentRequired: 1 }, []),
    ).toEqual([]);
  });
});

describe('budgets', () => {
  const budget = [{ pointer: '', rule: 'budget', message: expect.any(String) }];

  it('of schemas: size, number, nesting', () => {
    expect(refusal({ description: 'x'.repeat(300_000) })).toEqual(budget);
    expect(refusal({ allOf: Array(5001).fill({ type: 'a' }) })).toEqual(budget);
    let deep: unknown = {};
    for (let depth = 0; depth < 120; depth++) {
      deep = { not: deep };
    }
    expect(refusal(deep)).toEqual(budget);
    const circular: Record<string, unknown> = { properties: {} };
    (circular.properties as Record<string, unknown>).a = circular;
    expect(refusal(circular)).toEqual(budget);
    let doubled: unknown = { type: 'string' };
    for (let level = 0; level < 18; level++) {
      doubled = { anyOf: [doubled, doubled] };
    }
    expect(refusal(doubled)).toEqual(budget);
  });

  function bomb(keyword: string, levels: number): unknown {
    const $defs: Record<string, unknown> = { d0: { type: 'string' } };
    for (let level = 1; level <= levels; level++) {
      const below = { $ref: `#/$defs/d${level - 1}` };
      $defs[`d${level}`] = { [keyword]: [below, below] };
    }
    return { $ref: `#/$defs/d${levels}`, $defs };
  }

  it.each(['allOf', 'anyOf', 'oneOf'])('of a check: 2^25 × %s', (keyword) => {
    expect(compile(bomb(keyword, 25)).check(keyword === 'anyOf' ? 1 : 'x')).toEqual(budget);
  });

  /** CPU milliseconds that a check takes, which nobody else's load lengthens much. */
  function effort(schema: unknown, value: unknown): number {
    const { check } = compile(schema);
    const before = process.cpuUsage();
    check(value);
    const { user, system } = process.cpuUsage(before);
    return (user + system) / 1000;
  }

  const times = <T>(count: number, of: (index: number) => T) => Array.from({ length: count }, (_, index) => of(index));
  const members = (count: number) => Object.fromEntries(times(count, (index) => [`k${index}`, true]));
  const often = (keyword: string, schema: unknown) => ({
    [keyword]: times(3_000, () => ({ $ref: '#/$defs/x' })),
    $defs: { x: schema },
  });
  const empties = times(60_000, () => ({}));

  // Without a price for what a keyword looks at, each of these takes seconds to minutes.
  it.each<[string, unknown, unknown]>([
    [
      'lists of objects',
      { items: { enum: times(6_000, (i) => ({ i, s: 'x' })) } },
      times(9_000, (i) => ({ i, s: 'y' })),
    ],
    ['constants', often('allOf', { const: times(30_000, (i) => i) }), times(30_000, (i) => i)],
    ['long constants', often('allOf', { const: 'y'.repeat(190_000) }), `z${'y'.repeat(190_000)}`.slice(1)],
    ['properties', { items: { properties: members(3_000) } }, empties],
    ['required', { items: { required: times(9_000, (i) => `r${i}`) } }, empties],
    [
      'dependencies',
      { items: { dependentRequired: { a: times(9_000, (i) => `r${i}`) } } },
      times(30_000, () => ({ a: 1 })),
    ],
    [
      'many dependencies',
      { items: { dependentRequired: Object.fromEntries(times(9_000, (i) => [`r${i}`, ['x']])) } },
      empties,
    ],
    ['sizes', often('allOf', { maxProperties: 60_000 }), members(60_000)],
    ['names', often('anyOf', { propertyNames: false }), members(60_000)],
    ['additional ones', often('anyOf', { additionalProperties: false }), members(60_000)],
    ['lengths', often('allOf', { minLength: 900_000 }), 'x'.repeat(1_000_000)],
    ['what is unevaluated', often('allOf', { unevaluatedProperties: true }), members(60_000)],
    [
      'what is evaluated',
      { ...often('anyOf', { additionalProperties: true }), unevaluatedProperties: false },
      members(60_000),
    ],
    ['items that are evaluated', { ...often('anyOf', { contains: true }), unevaluatedItems: false }, empties],
    ['items of any form', often('allOf', { items: true }), empties],
    ['tiny divisors', { items: { multipleOf: 1e-300 } }, times(90_000, (i) => 1e300 + i * 1e290)],
  ])('of a check: large %s', (_what, schema, value) => {
    expect(effort(schema, value)).toBeLessThan(5_000);
  });

  it('of a check: values that are deep, circular or large', () => {
    let deep: unknown = 1;
    for (let depth = 0; depth < 100_000; depth++) {
      deep = [deep];
    }
    expect(compile({ items: { $ref: '#' } }).check(deep)).toEqual(budget);
    expect(compile({ uniqueItems: true }).check([deep, deep])).toEqual(budget);
    expect(compile({ enum: [[[1]]] }).check(deep)).toHaveLength(1);
    const circular: Record<string, unknown> = {};
    circular.a = circular;
    expect(compile({ properties: { a: { $ref: '#' } } }).check(circular)).toEqual(budget);
    expect(compile({ pattern: '\\w{1,1000}$' }).check(`${'a'.repeat(1_000_000)}!`)).toEqual(budget);
  });

  it('are wide enough for what is read: 64 levels, 100,000 values', () => {
    let deep: unknown = 'x';
    for (let depth = 0; depth < 64; depth++) {
      deep = { a: deep };
    }
    const schema = { anyOf: [{ type: 'string' }, { allOf: [{ type: 'object', properties: { a: { $ref: '#' } } }] }] };
    expect(compile(schema).check(deep)).toEqual([]);
    const list = Array.from({ length: 99_999 }, (_, index) => index);
    expect(
      compile({ items: { $ref: '#/$defs/a' }, $defs: { a: { type: 'integer', minimum: 0 } } }).check(list),
    ).toEqual([]);
    expect(compile({ items: { type: 'string' } }).check(list)).toHaveLength(20);
  });

  it('end a check without losing what was found', () => {
    const schema = {
      allOf: [{ type: 'integer' }, bomb('allOf', 25)],
      $defs: (bomb('allOf', 25) as { $defs: unknown }).$defs,
    };
    const found = compile(schema).check('x');
    expect(found).toContainEqual({ pointer: '', rule: 'type', message: 'must be of type integer' });
  });

  it.each([
    undefined,
    Symbol('x'),
    10n,
    () => 1,
    new Date(0),
    Number.NaN,
    Number.POSITIVE_INFINITY,
    new Map([[1, 2]]),
  ])('hold for values that are no JSON: %s', (value) => {
    const schema = { type: 'string', enum: ['a'], uniqueItems: true, multipleOf: 2, properties: { a: true } };
    expect(compile(schema).check(value).length).toBeGreaterThan(0);
  });
});

import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { compile, SchemaError } from '../../worker/lib/schema/engine.ts';
import { kindOfSchema, toJsonSchema } from '../../worker/lib/schema/typeschema.ts';
import { sharedPath } from './shared.ts';

type Json = Record<string, unknown>;

function violations(source: Json, value: unknown, named: Record<string, Json> = {}): string[] {
  const resolve = (name: string) => (named[name] === undefined ? undefined : toJsonSchema(named[name]).schema);
  return compile(toJsonSchema(source).schema, { resolve })
    .check(value)
    .map(({ pointer, message }) => `${pointer || '/'} ${message}`);
}

function refusal(source: unknown): string {
  try {
    toJsonSchema(source);
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(SchemaError);
    const [first] = (thrown as SchemaError).violations;
    return `${first!.pointer} ${first!.rule}: ${first!.message}`;
  }
  throw new Error('The source was accepted');
}

const struct = (properties: Json): Json => ({ definitions: { A: { type: 'struct', properties } }, root: 'A' });

describe('kinds of schema', () => {
  it.each<[Json, string]>([
    [{ type: 'object', properties: { a: { type: 'string' } } }, 'jsonschema'],
    [{ $schema: 'http://json-schema.org/draft-07/schema#', definitions: {}, $ref: '#/definitions/a' }, 'jsonschema'],
    [{ definitions: { A: { type: 'object' } }, $ref: '#/definitions/A' }, 'jsonschema'],
    [{ $ref: 'schema://Other' }, 'jsonschema'],
    [{ properties: { any: { type: 'string' }, root: { type: 'string' } } }, 'jsonschema'],
    [{}, 'jsonschema'],
    [{ definitions: { A: { type: 'object' } }, $ref: 'A' }, 'typeschema'],
    [
      { definitions: { A: { type: 'object', properties: { b: { $ref: 'x:B' } } } }, $ref: '#/definitions/A' },
      'typeschema',
    ],
    [{ definitions: {}, root: 'A' }, 'typeschema'],
    [{ $import: { a: 'schema:///A' }, definitions: {} }, 'typeschema'],
    [{ type: 'struct', properties: {} }, 'typeschema'],
    [{ type: 'object', properties: { a: { type: 'string', nullable: false } } }, 'typeschema'],
    [{ definitions: { A: { type: 'object', properties: { a: { type: 'any' } } } } }, 'typeschema'],
  ])('%j', (source, kind) => {
    expect(kindOfSchema(source)).toBe(kind);
  });
});

describe('TypeSchema', () => {
  it('has nullable members, and required ones that say so, as Fusio observed', () => {
    const source = struct({
      name: { type: 'string', nullable: false },
      count: { type: 'integer' },
      sown: { type: 'string', format: 'date' },
      tags: { type: 'array', schema: { type: 'string' } },
    });
    expect(violations(source, { name: 'pea', count: null, sown: null, tags: null, more: 1 })).toEqual([]);
    expect(violations(source, { count: 3 })).toEqual(['/name must not be null']);
    expect(violations(source, { name: null })).toEqual(['/name must not be null']);
    expect(violations(source, { name: 'pea', count: 'three' })).toEqual(['/count must be of type integer']);
    expect(violations(source, { name: 'pea', tags: [1] })).toEqual(['/tags/0 must be of type string']);
    expect(violations(source, { name: 'pea', sown: 'tomorrow' })).toEqual([
      '/sown must be a valid full-date format [RFC3339]',
    ]);
    expect(violations(source, [1, 2])).toEqual(['/ must be of type object']);
  });

  it('has constraints that count, where Fusio ignores them', () => {
    const source = struct({
      name: { type: 'string', minLength: 3, maxLength: 5, pattern: '^[a-z]+$' },
      n: { type: 'integer', minimum: 5, maximum: 9 },
      e: { type: 'string', enum: ['a', 'b'] },
    });
    expect(violations(source, { name: 'abc', n: 5, e: 'a' })).toEqual([]);
    expect(violations(source, { name: null, n: null, e: null })).toEqual([]);
    expect(violations(source, { name: 'P', n: 10, e: 'c' })).toEqual([
      '/name must not be shorter than 3 characters',
      '/name must match the pattern ^[a-z]+$',
      '/n must not be greater than 9',
      '/e must be one of: a, b',
    ]);
  });

  it('has maps, lists, any, and references', () => {
    const source = {
      definitions: {
        A: {
          type: 'struct',
          properties: {
            map: { type: 'map', schema: { type: 'integer' } },
            list: { type: 'array', schema: { type: 'reference', target: 'B' } },
            any: { type: 'any' },
            some: { type: 'any', nullable: false },
            one: { type: 'reference', target: 'B', nullable: false },
            open: { type: 'map' },
          },
        },
        B: { type: 'struct', properties: { id: { type: 'integer', nullable: false } } },
      },
      root: 'A',
    };
    const good = {
      map: { x: 1, y: null },
      list: [{ id: 1 }, null],
      any: [null],
      some: {},
      one: { id: 2 },
      open: { a: [] },
    };
    expect(violations(source, good)).toEqual([]);
    expect(violations(source, { map: { x: 'a' }, list: [{}], some: null, one: null })).toEqual([
      '/map/x must be of type integer',
      '/list/0/id must not be null',
      '/some must not be null',
      '/one must not be null',
    ]);
  });

  it('reads the older style', () => {
    const source = {
      definitions: {
        Entry: {
          type: 'object',
          properties: { id: { type: 'integer' }, tags: { type: 'array', items: { type: 'string' } } },
        },
        Special: {
          $extends: 'Entry',
          type: 'object',
          properties: { more: { $ref: 'Entry' }, map: { type: 'object', additionalProperties: { type: 'boolean' } } },
        },
      },
      $ref: 'Special',
    };
    expect(violations(source, { id: null, tags: ['a'], more: { id: 1 }, map: { a: true } })).toEqual([]);
    expect(violations(source, { id: 'x', tags: [1], more: { id: 'y' }, map: { a: 1 } })).toEqual([
      '/id must be of type integer',
      '/tags/0 must be of type string',
      '/more/id must be of type integer',
      '/map/a must be of type boolean',
    ]);
  });

  it('inherits members, which may be replaced', () => {
    const source = {
      definitions: {
        Base: { type: 'struct', properties: { id: { type: 'integer', nullable: false }, x: { type: 'integer' } } },
        Middle: {
          type: 'struct',
          parent: { type: 'reference', target: 'Base' },
          properties: { x: { type: 'string' } },
        },
        Leaf: {
          type: 'struct',
          parent: { type: 'reference', target: 'Middle' },
          properties: { y: { type: 'boolean' } },
        },
      },
      root: 'Leaf',
    };
    expect(violations(source, { id: 1, x: 'a', y: true })).toEqual([]);
    expect(violations(source, { x: 1, y: 1 })).toEqual([
      '/id must not be null',
      '/x must be of type string',
      '/y must be of type boolean',
    ]);
  });

  it('fills in generics, by parents and by references', () => {
    const source = {
      definitions: {
        List: { type: 'struct', properties: { entry: { type: 'array', schema: { type: 'generic', name: 'T' } } } },
        Entry: { type: 'struct', properties: { id: { type: 'integer' } } },
        Other: { type: 'struct', properties: { id: { type: 'string' } } },
        Entries: { type: 'struct', parent: { type: 'reference', target: 'List', template: { T: 'Entry' } } },
        Both: {
          type: 'struct',
          properties: {
            entries: { type: 'reference', target: 'Entries' },
            others: { type: 'reference', target: 'List', template: { T: 'Other' } },
            open: { type: 'reference', target: 'List' },
          },
        },
      },
      root: 'Both',
    };
    const value = { entries: { entry: [{ id: 1 }] }, others: { entry: [{ id: 'a' }] }, open: { entry: [1, 'a'] } };
    expect(violations(source, value)).toEqual([]);
    expect(violations(source, { entries: value.others, others: value.entries })).toEqual([
      '/entries/entry/0/id must be of type integer',
      '/others/entry/0/id must be of type string',
    ]);
  });

  it('chooses by the discriminator', () => {
    const source = {
      definitions: {
        Shape: {
          type: 'struct',
          base: true,
          discriminator: 'kind',
          mapping: { Circle: 'circle', Square: 'square' },
          properties: { kind: { type: 'string' } },
        },
        Circle: {
          type: 'struct',
          parent: { type: 'reference', target: 'Shape' },
          properties: { radius: { type: 'number', nullable: false } },
        },
        Square: {
          type: 'struct',
          parent: { type: 'reference', target: 'Shape' },
          properties: { side: { type: 'number', nullable: false } },
        },
      },
      root: 'Shape',
    };
    expect(violations(source, { kind: 'circle', radius: 1.5 })).toEqual([]);
    expect(violations(source, { kind: 'square', radius: 1.5 })).toEqual(['/side must not be null']);
    expect(violations(source, { kind: 'star' })).toEqual(['/kind must be one of: circle, square']);
    expect(violations(source, {})).toEqual(['/kind must not be null']);
  });

  it('imports from named schemas, and says from which', () => {
    const source = {
      import: { entry: 'schema://Entry-Schema', message: 'schema:///Message' },
      definitions: {
        A: {
          type: 'struct',
          parent: { type: 'reference', target: 'message:Text' },
          properties: {
            one: { type: 'reference', target: 'entry:Entry' },
            whole: { type: 'reference', target: 'entry:Entry-Schema' },
          },
        },
      },
      root: 'A',
    };
    expect(toJsonSchema(source).references).toEqual(['Entry-Schema', 'Message']);
    const named = {
      'Entry-Schema': {
        definitions: { Entry: { type: 'struct', properties: { id: { type: 'integer' } } } },
        root: 'Entry',
      },
      Message: {
        definitions: { Text: { type: 'struct', properties: { text: { type: 'string', nullable: false } } } },
        root: 'Text',
      },
    };
    expect(violations(source, { text: 'a', one: { id: 1 }, whole: { id: 1 } }, named)).toEqual([]);
    expect(violations(source, { one: { id: 'a' }, whole: { id: 'b' } }, named)).toEqual([
      '/one/id must be of type integer',
      '/whole/id must be of type integer',
      '/text must not be null',
    ]);
  });

  it.each<[unknown, string]>([
    ['x', ' schema: must be an object'],
    [{ $class: 'Foo.Bar' }, '/$class reference: names a class of PHP, which cannot be read here'],
    [{ definitions: {}, root: 'A' }, '/root reference: refers to A, which is not defined'],
    [
      { definitions: { A: { type: 'struct', properties: { a: { type: 'strng' } } } }, root: 'A' },
      '/definitions/A/properties/a/type type: must be a type of TypeSchema, not "strng"',
    ],
    [
      { definitions: { A: { type: 'struct', properties: { a: 1 } } }, root: 'A' },
      '/definitions/A/properties/a type: must be an object',
    ],
    [
      {
        definitions: {
          A: { type: 'struct', properties: { a: { type: 'array', schema: { type: 'reference', target: 'B' } } } },
        },
        root: 'A',
      },
      '/definitions/A/properties/a/schema reference: refers to B, which is not defined',
    ],
    [
      { definitions: { A: { type: 'struct', properties: { a: { type: 'reference', target: 'x:B' } } } }, root: 'A' },
      '/definitions/A/properties/a reference: refers to the import x, which is not declared',
    ],
    [
      {
        import: { x: 'https://example.com/x.json' },
        definitions: { A: { type: 'struct', properties: { a: { type: 'reference', target: 'x:B' } } } },
        root: 'A',
      },
      '/import/x import: must be schema://Name; nothing is loaded from elsewhere',
    ],
    [
      {
        definitions: {
          A: { type: 'struct', parent: { type: 'reference', target: 'B' } },
          B: { type: 'struct', parent: { type: 'reference', target: 'A' } },
        },
        root: 'A',
      },
      '/definitions/A/parent parent: leads back to the definition itself',
    ],
    [
      { definitions: { A: { type: 'reference', target: 'A' } }, root: 'A' },
      '/definitions/A $ref: leads back to itself without going deeper into the value',
    ],
    [
      struct({ a: { type: 'string', pattern: '(?=x)' } }),
      '/definitions/A/properties/a/pattern pattern: is a pattern that cannot be used: look-around is not supported (at position 0)',
    ],
    [
      { type: 'object', properties: { a: { $ref: '#/nowhere' } } },
      '/properties/a/$ref $ref: the reference #/nowhere leads to nothing',
    ],
  ])('refuses %#', (source, expected) => {
    expect(refusal(source)).toBe(expected);
  });

  it('leaves JSON Schema as it is, and finds what it names', () => {
    const source = {
      type: 'object',
      properties: { a: { $ref: 'schema://B' }, c: { items: { $ref: 'schema://C@12#/$defs/x' } } },
    };
    expect(toJsonSchema(source)).toEqual({ schema: source, references: ['B', 'C@12'] });
  });
});

describe("Fusio's own models", () => {
  const folder = sharedPath('fusio-models');

  it.runIf(folder !== null)('convert and compile, every definition of them', () => {
    const documents = new Map<string, Json>();
    const files = ['agent', 'backend', 'common', 'consumer', 'system'];
    for (const name of files) {
      const source = JSON.parse(readFileSync(sharedPath('fusio-models', `${name}.json`)!, 'utf8')) as Json;
      // Their imports are URLs of each other.
      const imports = Object.keys((source.import ?? {}) as Json).map((alias) => [alias, `schema://${alias}`]);
      documents.set(name, toJsonSchema({ ...source, import: Object.fromEntries(imports) }).schema);
    }
    let compiled = 0;
    for (const [name, document] of documents) {
      for (const definition of Object.keys(document.$defs as Json)) {
        compile(
          { $ref: `schema://${name}#/$defs/${encodeURIComponent(definition)}` },
          { resolve: (other) => documents.get(other) },
        );
        compiled++;
      }
    }
    expect(compiled).toBe(293);
  });

  it.runIf(folder !== null)('of TypeAPI convert, and judge as Fusio does', () => {
    const { definitions } = JSON.parse(readFileSync(sharedPath('fusio-typeapi.json')!, 'utf8')) as {
      definitions: Json;
    };
    const { schema } = toJsonSchema({ definitions });
    expect(Object.keys(schema.$defs as Json).length).toBeGreaterThanOrEqual(Object.keys(definitions).length);
    const name = Object.keys(definitions).find((key) => /Backend_?Operation_?Create/i.test(key))!;
    const check = compile({ ...schema, $ref: `#/$defs/${name}` });
    expect(check.check({ active: 'yes' })).toContainEqual({
      pointer: '/active',
      rule: 'type',
      message: 'must be of type boolean',
    });
    expect(
      check.check({ active: true, httpCode: 200, name: 'a.b', scopes: ['x'], parameters: { id: { type: 'integer' } } }),
    ).toEqual([]);
  });

  it.runIf(sharedPath('fusio-replay') !== null)('of the replay convert', () => {
    const { objects } = JSON.parse(readFileSync(sharedPath('fusio-replay', 'fixture.json')!, 'utf8')) as {
      objects: Json[];
    };
    const sources = objects.filter(({ type }) => type === 'schema').map(({ body }) => (body as Json).source as Json);
    expect(sources.length).toBe(4);
    for (const source of sources) {
      expect(compile(toJsonSchema(source).schema).check({})).toEqual([]);
    }
    const entry = sources.at(-1)!;
    expect(violations(entry, { title: 'foo', content: 'bar', date: '2015-07-04T13:03:00Z' })).toEqual([]);
    expect(violations(entry, { title: 1, date: 'today' })).toEqual([
      '/title must be of type string',
      '/date must be a valid date-time format [RFC3339]',
    ]);
  });
});

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { compile, type SchemaOptions } from '../../worker/lib/schema/engine.ts';
import { remoteDocument, type SchemaGroup, schemaGroups } from '../conformance/suites.ts';
import { sharedPath } from './shared.ts';

// The required cases of the drafts that users write, which the project carries, and more where the whole suite is at hand.

const suite = sharedPath('suites', 'json-schema');

/** The suite's own documents, which it serves at http://localhost:1234. */
function documents(uri: string): unknown {
  const { host, pathname } = new URL(uri);
  const path = sharedPath('suites', 'json-schema', 'remotes', decodeURIComponent(pathname));
  return host === 'localhost:1234' && path !== null ? JSON.parse(readFileSync(path, 'utf8')) : undefined;
}

type Groups = [file: string, groups: SchemaGroup[]][];

function read(folder: string): Groups {
  const files = readdirSync(join(suite!, 'tests', folder)).filter((name) => name.endsWith('.json'));
  return files.map((file) => [file, JSON.parse(readFileSync(join(suite!, 'tests', folder, file), 'utf8'))]);
}

function run(files: Groups, options: SchemaOptions): { total: number; failures: Record<string, string[]> } {
  let total = 0;
  const failures: Record<string, string[]> = {};
  for (const [file, groups] of files) {
    for (const group of groups) {
      let check: ((data: unknown) => boolean) | undefined;
      try {
        const compiled = compile(group.schema, { documents, ...options });
        check = (data) => compiled.check(data).length === 0;
      } catch {
        // Every test of the group fails then.
      }
      for (const test of group.tests) {
        total++;
        if (check?.(test.data) !== test.valid) {
          (failures[file] ??= []).push(`${group.description}: ${test.description}`);
        }
      }
    }
  }
  return { total, failures };
}

describe('JSON-Schema-Test-Suite', () => {
  it.each([
    ['draft2020-12', '2020-12', 1299],
    ['draft7', 'draft-07', 927],
  ] as const)('%s: every required case', (draft, dialect, total) => {
    expect(run(schemaGroups(draft), { dialect, documents: remoteDocument })).toEqual({ total, failures: {} });
  });
});

describe.runIf(suite !== null)('the whole JSON-Schema-Test-Suite', () => {
  it('draft2019-09: every required case', () => {
    expect(run(read('draft2019-09'), { dialect: '2019-09' })).toEqual({ total: 1259, failures: {} });
  });

  it('draft2020-12: every optional case without formats', () => {
    expect(run(read('draft2020-12/optional'), { dialect: '2020-12' }).failures).toEqual({});
  });

  it('draft7: optional cases without formats, save that contents are never decoded', () => {
    expect(Object.keys(run(read('draft7/optional'), { dialect: 'draft-07' }).failures)).toEqual(['content.json']);
  });

  it.each([
    ['draft2020-12', '2020-12'],
    ['draft7', 'draft-07'],
  ] as const)('%s: every format, save the tables of international host names', (folder, dialect) => {
    const { failures } = run(read(`${folder}/optional/format`), { dialect, assertFormat: true });
    expect(Object.keys(failures)).toEqual(['hostname.json', 'idn-hostname.json']);
    expect(failures['hostname.json']!.filter((name) => !name.includes('punycode'))).toEqual([]);
  });
});

/** One case for each keyword and draft, for where the suite is not at hand. */
const table: [Record<string, unknown>, unknown, boolean][] = [
  [{ type: 'integer' }, 1.0, true],
  [{ type: 'integer' }, 1.5, false],
  [{ type: ['string', 'null'] }, null, true],
  [{ enum: [{ a: 1 }, 2] }, { a: 1 }, true],
  [{ enum: [[false]] }, [0], false],
  [{ const: { a: 1, b: 2 } }, { b: 2, a: 1 }, true],
  [{ multipleOf: 0.01 }, 0.07, true],
  [{ multipleOf: 0.01 }, 0.075, false],
  [{ exclusiveMaximum: 3 }, 3, false],
  [{ minLength: 2 }, '😀', false],
  [{ maxLength: 2 }, '😀😀', true],
  [{ prefixItems: [{ type: 'string' }], items: false }, ['a'], true],
  [{ prefixItems: [{ type: 'string' }], items: false }, ['a', 1], false],
  [{ contains: { minimum: 5 }, minContains: 2, maxContains: 3 }, [5, 6, 1], true],
  [{ contains: { minimum: 5 }, minContains: 2 }, [5, 1], false],
  [
    { uniqueItems: true },
    [
      { a: 1, b: 2 },
      { b: 2, a: 1 },
    ],
    false,
  ],
  [{ uniqueItems: true }, [1, true, '1', '1.0'], true],
  [{ required: ['__proto__', 'toString'] }, {}, false],
  [{ properties: { toString: { type: 'string' } } }, {}, true],
  [{ patternProperties: { '^x': { type: 'integer' } }, additionalProperties: false }, { x1: 1 }, true],
  [{ patternProperties: { '^x': { type: 'integer' } }, additionalProperties: false }, { y: 1 }, false],
  [{ propertyNames: { maxLength: 2 } }, { abc: 1 }, false],
  [{ dependentRequired: { a: ['b'] } }, { a: 1 }, false],
  [{ dependentSchemas: { a: { required: ['b'] } } }, { b: 1 }, true],
  [{ oneOf: [{ minimum: 2 }, { type: 'integer' }] }, 3, false],
  [{ not: {} }, 1, false],
  // biome-ignore lint/suspicious/noThenProperty: the keyword
  [{ if: { type: 'string' }, then: { minLength: 1 }, else: false }, '', false],
  [{ allOf: [{ properties: { a: true } }], unevaluatedProperties: false }, { a: 1 }, true],
  [{ allOf: [{ properties: { a: true } }], unevaluatedProperties: false }, { b: 1 }, false],
  [{ anyOf: [{ prefixItems: [true, true] }, { prefixItems: [true] }], unevaluatedItems: false }, [1, 2], true],
  [{ $ref: '#/$defs/a', $defs: { a: { $anchor: 'x', type: 'null' } } }, 1, false],
  [
    { $schema: 'http://json-schema.org/draft-07/schema#', items: [{ type: 'string' }], additionalItems: false },
    ['a', 1],
    false,
  ],
  [
    { $schema: 'http://json-schema.org/draft-07/schema#', $ref: '#/definitions/a', minimum: 9, definitions: { a: {} } },
    1,
    true,
  ],
  [{ $schema: 'http://json-schema.org/draft-04/schema#', minimum: 1, exclusiveMinimum: true }, 1, false],
  [{ $ref: 'https://json-schema.org/draft/2020-12/schema' }, { type: 'sting' }, false],
];

describe('keywords', () => {
  it.each(table)('%j on %j', (schema, data, valid) => {
    expect(compile(schema).check(data).length === 0).toBe(valid);
  });
});

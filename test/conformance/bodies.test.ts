import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Gateway, startGateway } from '../helpers/gateway.ts';
import { deployParts } from '../helpers/made-up-api.ts';
import { type Management, manage } from '../helpers/management.ts';
import { parsingCases, remoteDocuments, type SchemaGroup, schemaGroups } from './suites.ts';

// What a body may be, judged by public suites over HTTP: each text is posted to an operation whose request has a schema.

/** Of the JSON Schema groups every so many are published. */
const step = process.env.POSTERN_FULL === undefined ? 4 : 1;

let gateway: Gateway;
let admin: Management;

beforeAll(async () => {
  gateway = await startGateway();
  admin = await manage(gateway);
  await admin.must('POST', '/backend/deploy', {
    changes: [
      {
        resource: 'action',
        verb: 'put',
        data: {
          name: 'Taken',
          class: 'Fusio.Adapter.Util.Action.UtilStaticResponse',
          config: { response: '{"taken":true}' },
        },
      },
      ...accepting('Anything', { description: 'Any JSON value' }),
    ],
  });
});
afterAll(() => gateway?.stop());

/** A schema, and an operation whose request it describes, at `/take/NAME`. */
function accepting(name: string, source: Record<string, unknown>) {
  const data = { httpMethod: 'POST', httpPath: `/take/${name}`, public: true, scopes: [], action: 'Taken' };
  return [
    { resource: 'schema', verb: 'put', data: { name, source } },
    {
      resource: 'operation',
      verb: 'put',
      data: { ...data, name: `take.${name.replace('-', '.')}`, incoming: `schema://${name}` },
    },
  ];
}

/** Posts a text as it is; gives the status, and the code and the first broken rule of a refusal. */
async function post(name: string, body: string | Buffer<ArrayBuffer>) {
  const response = await gateway.fetch(`/take/${name}`, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body,
  });
  const { code, errors }: any = await response.json();
  return { status: response.status, code, rule: errors?.[0]?.rule, pointer: errors?.[0]?.pointer };
}

describe('JSONTestSuite', () => {
  it('281 of 283 as it says, and two that carry a name twice are refused', async () => {
    const wrong: string[] = [];
    let judged = 0;
    for (const { name, expected, bytes } of parsingCases()) {
      const { status, code } = await post('Anything', bytes);
      expect([200, 400], `${name} answered ${status}`).toContain(status);
      expect(code, name).toBe(status === 200 ? undefined : 'invalid_body');
      judged += expected === 'i' ? 0 : 1;
      if (expected !== 'i' && (status === 200) !== (expected === 'y')) {
        wrong.push(name);
      }
    }
    expect(judged).toBe(283);
    expect(wrong.sort()).toEqual(['y_object_duplicated_key.json', 'y_object_duplicated_key_and_value.json']);
  });

  const deep = (levels: number) => '['.repeat(levels) + ']'.repeat(levels);

  it.each([
    ['a name twice', '{"a":1,"b":{"c":1,"c":1}}', 'duplicate', '/body/b/c'],
    ['a name twice, once escaped', '{"a":1,"\\u0061":2}', 'duplicate', '/body/a'],
    ['__proto__ twice', '{"__proto__":1,"__proto__":2}', 'duplicate', '/body/__proto__'],
    ['65 levels', deep(65), 'depth', undefined],
    ['100,000 levels', deep(100_000), 'depth', undefined],
    ['more than 100,000 values', `[${'0,'.repeat(100_000)}0]`, 'nodes', undefined],
    ['a byte order mark', '\ufeff{}', 'syntax', undefined],
  ])('refuses %s', async (_, text, rule, pointer) => {
    expect(await post('Anything', text)).toMatchObject({
      status: 400,
      code: 'invalid_body',
      rule,
      ...(pointer === undefined ? {} : { pointer }),
    });
  });

  it.each([
    ['64 levels', deep(64)],
    ['__proto__ as a member', '{"__proto__":{"admin":true},"constructor":{"prototype":{}}}'],
  ])('accepts %s', async (_, text) => {
    expect(await post('Anything', text)).toMatchObject({ status: 200 });
  });

  it('__proto__ is a member like any other to a schema, and reaches no object', async () => {
    await admin.must('POST', '/backend/deploy', {
      changes: [
        ...accepting('NoOthers', {
          type: 'object',
          properties: { a: { type: 'integer' } },
          additionalProperties: false,
        }),
        ...accepting('NeedsAdmin', { type: 'object', required: ['admin'] }),
      ],
    });
    expect(await post('NoOthers', '{"a":1}')).toMatchObject({ status: 200 });
    expect(await post('NoOthers', '{"a":1,"__proto__":{}}')).toMatchObject({ status: 400 });
    expect(await post('NeedsAdmin', '{"__proto__":{"admin":true}}')).toMatchObject({ status: 400, rule: 'required' });
    expect(await post('NeedsAdmin', '{"admin":true}')).toMatchObject({ status: 200 });
    expect(await post('NeedsAdmin', '{}')).toMatchObject({ status: 400, rule: 'required' });
  });
});

describe('JSON-Schema-Test-Suite', () => {
  it.each([
    ['draft7', 927],
    ['draft2020-12', 1299],
  ] as const)('%s: every required case', { timeout: 240_000 }, async (draft, total) => {
    const groups = schemaGroups(draft).flatMap(([file, list]) => list.map((group) => ({ file, group })));
    expect(groups.reduce((sum, { group }) => sum + group.tests.length, 0)).toBe(total);
    const chosen = groups
      .map((entry, index) => ({ ...entry, name: `${draft.replace(/\W/g, '')}-${index}` }))
      .filter((_, index) => index % step === 0);
    await deployParts(gateway, admin, [
      ...metaschemas.map(([name, source]) => ({ resource: 'schema', verb: 'put', data: { name, source } })),
      ...chosen.flatMap(({ name, group }) => accepting(name, sourceOf(group, draft))),
    ]);
    const wrong: string[] = [];
    for (const { file, group, name } of chosen) {
      for (const { description, data, valid } of group.tests) {
        const { status } = await post(name, JSON.stringify(data));
        if (status !== (valid ? 200 : 400)) {
          wrong.push(`${file}: ${group.description}: ${description}: ${status}`);
        }
      }
    }
    expect(wrong).toEqual([]);
  });
});

/**
 * The suite's own metaschemas, as named schemas: that is how a schema here says that one is its. Of them `$vocabulary` counts;
 * the parts of the standard's metaschema that they are made of are not at hand.
 */
const metaschemas = remoteDocuments('draft2020-12').flatMap(([uri, document]) => {
  const [, name] = /\/(metaschema-[\w-]+)\.json$/.exec(uri) ?? [];
  return name === undefined ? [] : [[name, { ...document, allOf: [true] }] as const];
});

/** A schema of the suite as it is saved: an object that says its draft, with the documents that it refers to in itself. */
function sourceOf({ schema }: SchemaGroup, draft: 'draft7' | 'draft2020-12'): Record<string, unknown> {
  const $schema =
    draft === 'draft7' ? 'http://json-schema.org/draft-07/schema#' : 'https://json-schema.org/draft/2020-12/schema';
  if (typeof schema === 'boolean') {
    return { $schema, allOf: [schema] };
  }
  const metaschema = metaschemas.find(([name]) => String(schema.$schema).includes(name));
  if (metaschema !== undefined) {
    return { ...schema, $schema: `schema://${metaschema[0]}` };
  }
  if (!JSON.stringify(schema).includes('http://localhost:1234/')) {
    return { $schema, ...schema };
  }
  const bundled = remoteDocuments(draft).map(([uri, document], index) => [
    `remote${index}`,
    document.$id === undefined ? { ...document, $id: uri } : { $id: uri, allOf: [document] },
  ]);
  return {
    $schema,
    allOf: [{ $id: 'https://suite.example/root', ...schema }],
    [draft === 'draft7' ? 'definitions' : '$defs']: Object.fromEntries(bundled),
  };
}

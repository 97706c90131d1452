// biome-ignore-all lint/suspicious/noTemplateCurlyInString: that is how deploy files write variables
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { findDeployFile, type LoadOptions, loadFile } from '../../admin/cli/deploy/load.ts';
import { readDeployment } from '../../admin/cli/deploy/sections.ts';
import { saveFiles, writeExport } from '../../admin/cli/deploy/write.ts';
import { Failure } from '../../admin/cli/failure.ts';

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'postern-deploy-'));
});
afterEach(() => rmSync(folder, { recursive: true }));

function write(files: Record<string, string>): string {
  for (const [name, text] of Object.entries(files)) {
    mkdirSync(dirname(join(folder, name)), { recursive: true });
    writeFileSync(join(folder, name), text);
  }
  return folder;
}

function load(files: Record<string, string>, env: NodeJS.ProcessEnv = {}, options: Partial<LoadOptions> = {}) {
  return loadFile(findDeployFile(write(files)), { env, ...options });
}

function failure(run: () => unknown): Failure {
  try {
    run();
  } catch (thrown) {
    expect(thrown).toBeInstanceOf(Failure);
    return thrown as Failure;
  }
  throw new Error('It was expected to fail');
}

/** `file:line:column rule`, the file relative to the folder. */
function places(found: Failure): string[] {
  return found.complaints.map(
    ({ place, rule }) => `${place!.file.split('/').pop()}:${place!.line}:${place!.column} ${rule}`,
  );
}

describe('includes', () => {
  it('are relative to the file that says them, nest, and take parts', () => {
    const { value } = load({
      '.fusio.yml': 'schema: !include parts/schemas.yaml#/all\naction: { Go: !include parts/action.yaml }\n',
      'parts/schemas.yaml': 'all:\n  One: !include json/one.json\n  Two: !include json/one.json#/properties/a~1b\n',
      'parts/json/one.json': '{"type":"object","properties":{"a/b":{"type":"string"}}}',
      'parts/action.yaml': 'class: Util\n',
    });
    expect(value).toEqual({
      schema: { One: { type: 'object', properties: { 'a/b': { type: 'string' } } }, Two: { type: 'string' } },
      action: { Go: { class: 'Util' } },
    });
  });

  it('know where everything is written', () => {
    const file = load({
      '.fusio.yml': 'operation: !include ops.yaml\nschema:\n  One: !include one.json\n',
      'ops.yaml': '# first\nget.one:\n  httpMethod: GET\n  scopes:\n    - one\n    - two\n',
      'one.json': '{\n  "type": "object",\n  "properties": {\n    "a": { "type": 1 }\n  }\n}\n',
    });
    const at = (pointer: string) => {
      const { file: name, line, column } = file.place(pointer);
      return `${name.split('/').pop()}:${line}:${column}`;
    };
    expect(at('/operation/get.one/httpMethod')).toBe('ops.yaml:3:3');
    expect(at('/operation/get.one/scopes/1')).toBe('ops.yaml:6:7');
    expect(at('/operation/get.one/httpPath')).toBe('ops.yaml:2:1');
    expect(at('/schema/One/properties/a/type')).toBe('one.json:4:12');
    expect(at('/schema/One/required')).toBe('one.json:1:1');
  });

  it.each([
    ['a: !include nowhere.yaml', '.fusio.yml:1:13 include'],
    ['b: 1\na: !include code.php', '.fusio.yml:2:13 include'],
    ['a: !include part.yaml#name', '.fusio.yml:1:13 include'],
  ])('that lead nowhere are told with their place: %j', (text, place) => {
    write({ 'code.php': '', 'part.yaml': 'name: 1' });
    expect(places(failure(() => load({ '.fusio.yml': text })))).toEqual([place]);
  });

  it('of a part that is not there, and in a circle, are refused', () => {
    const missing = failure(() => load({ '.fusio.yml': 'a: !include part.yaml#/b/c', 'part.yaml': 'b: {}' }));
    expect(missing.message).toMatch(/part\.yaml has nothing at \/b\/c/);
    const circle = failure(() => load({ '.fusio.yml': 'a: !include x.yaml', 'x.yaml': 'b: !include .fusio.yml' }));
    expect(circle.message).toContain('circle');
  });
});

describe('variables', () => {
  it.each([
    ['a: ${env.X}', { X: 'text' }, 'text'],
    ['a: ${env.x}', { X: 'other case' }, 'other case'],
    ['a: ${env.X}', { X: '12' }, 12],
    ['a: ${env.X}', { X: '012' }, '012'],
    ['a: ${env.X}', { X: 'true' }, true],
    ['a: "${env.X}"', { X: '12' }, '12'],
    ['a: http://${env.HOST}:${env.PORT}/', { HOST: 'h', PORT: '80' }, 'http://h:80/'],
    ['a: ${env.X}', { X: 'a: b\n- "c' }, 'a: b\n- "c'],
    ['a: $${env.X}', { X: 'no' }, '${env.X}'],
    ['a: $$${env.X}', { X: 'no' }, '$${env.X}'],
    ['a: |\n  one ${env.X}\n  two', { X: 'x' }, 'one x\ntwo\n'],
  ])('%j with %j', (text, env, expected) => {
    expect(load({ '.fusio.yml': text }, env).value).toEqual({ a: expected });
  });

  it('stand in flow style, in keys, in includes and in JSON', () => {
    const { value } = load(
      { '.fusio.yml': 'a: { url: ${env.X}, ${env.X}: 1 }\nb: !include ${env.X}.json', 'v.json': '{"c":["${env.X}"]}' },
      { X: 'v' },
    );
    expect(value).toEqual({ a: { url: 'v', v: 1 }, b: { c: ['v'] } });
  });

  it('that are not set are all told, with file, line and column', () => {
    const found = failure(() =>
      load({
        '.fusio.yml': 'a: 1\nb: ${env.ONE}\nc: [x, "${env.TWO}"]\nd: !include e.json',
        'e.json': '{\n "f": "${env.THREE}"\n}',
      }),
    );
    expect(places(found)).toEqual(['.fusio.yml:2:4 env', '.fusio.yml:3:8 env', 'e.json:2:2 env']);
    expect(found.complaints[0]!.message).toBe('The environment variable ONE is not set');
    expect(found.exit).toBe(2);
  });

  it('written in two cases are not guessed', () => {
    expect(failure(() => load({ '.fusio.yml': 'a: ${env.xY}' }, { XY: '1', xy: '2' })).complaints).toHaveLength(1);
  });
});

describe('YAML', () => {
  it('anchors and merge keys work', () => {
    const { value } = load({ '.fusio.yml': 'base: &base { a: 1, b: 2 }\nmore: { <<: *base, b: 3 }\nagain: *base\n' });
    expect(value).toMatchObject({ more: { a: 1, b: 3 }, again: { a: 1, b: 2 } });
  });

  it('errors come with their place', () => {
    const found = failure(() => load({ '.fusio.yml': 'a: 1\na: 2\nb: [1\n' }));
    expect(places(found)[0]).toBe('.fusio.yml:2:1 syntax');
    expect(found.complaints.length).toBeGreaterThan(1);
  });

  it('a broken JSON file has its place too', () => {
    const found = failure(() => load({ '.fusio.yml': 'a: !include b.json', 'b.json': '{\n  "a": [1,\n  "b"\n' }));
    expect(found.complaints[0]!.place).toMatchObject({ line: 4 });
  });

  it('a folder without a deploy file is refused', () => {
    expect(failure(() => findDeployFile(folder)).message).toContain('holds no .fusio.yml');
    expect(failure(() => findDeployFile(join(folder, 'no'))).message).toContain('does not exist');
  });
});

describe('sections', () => {
  const changes = (text: string, files: Record<string, string> = {}) =>
    readDeployment(load({ '.fusio.yml': text, ...files })).changes;

  it('become changes in the order in which they refer to each other', () => {
    const text = [
      'rate',
      'operation',
      'scope',
      'role',
      'schema',
      'action',
      'connection',
      'plan',
      'event',
      'cronjob',
      'agent',
    ]
      .map((section) => `${section}: { Some: { a: 1 } }`)
      .join('\n');
    const order = changes(`${text}\nconfig: { info_title: My API }`).map((change) => change.resource);
    expect(order.join(' ')).toBe('config connection schema action event cronjob scope operation role plan rate agent');
  });

  it("take Fusio's defaults and bare names", () => {
    const text = `
operation:
  one: { httpMethod: POST, httpPath: /a, action: Go, throws: { 500: Problem, 404: "mime://text/plain" } }
  two: { httpMethod: GET, httpPath: /a, incoming: null, outgoing: Out, action: https://example.com }
  three: { httpMethod: PUT, httpPath: /a, incoming: null, outgoing: schema://Out, action: action://Go@abc }
`;
    expect(changes(text).map((change) => change.data)).toMatchObject([
      {
        name: 'one',
        incoming: 'schema://Passthru',
        outgoing: 'schema://Passthru',
        action: 'action://Go',
        throws: { 500: 'schema://Problem', 404: 'mime://text/plain' },
      },
      { name: 'two', incoming: null, outgoing: 'schema://Out', action: 'https://example.com' },
      { name: 'three', incoming: null, outgoing: 'schema://Out', action: 'action://Go@abc' },
    ]);
    expect(changes('operation: { a.b: { httpMethod: GET } }')[0]!.data).not.toHaveProperty('incoming');
  });

  it('hold schemas as objects, as JSON text, or with members beside the source', () => {
    const text = `
schema:
  One: { type: object }
  Two: '{"type":"string"}'
  Six: { source: { type: integer }, form: { a: 1 } }
config: { info_title: Books, points_default: 5 }
`;
    expect(changes(text)).toEqual([
      { resource: 'config', verb: 'put', data: { name: 'info_title', value: 'Books' } },
      { resource: 'config', verb: 'put', data: { name: 'points_default', value: 5 } },
      { resource: 'schema', verb: 'put', data: { name: 'One', source: { type: 'object' } } },
      { resource: 'schema', verb: 'put', data: { name: 'Two', source: { type: 'string' } } },
      { resource: 'schema', verb: 'put', data: { name: 'Six', source: { type: 'integer' }, form: { a: 1 } } },
    ]);
  });

  it('that are wrong are all told with their place', () => {
    const found = failure(() => changes('operations: {}\naction: [1]\nschema:\n  One: 5\n  Two: "{no"\n'));
    expect(places(found)).toEqual([
      '.fusio.yml:1:1 section',
      '.fusio.yml:2:1 type',
      '.fusio.yml:4:3 type',
      '.fusio.yml:5:3 type',
    ]);
  });

  it('find their way back from the errors of the gateway', () => {
    const { pointer } = readDeployment(
      load({
        '.fusio.yml': 'schema:\n  A/b: { type: 1 }\n  Two: { source: {} }\nconfig: { key: 1 }\noperation: { x.y: {} }',
      }),
    );
    expect(pointer('/changes/0/data/value')).toBe('/config/key');
    expect(pointer('/body/changes/1/data/source/type')).toBe('/schema/A~1b/type');
    expect(pointer('/changes/2/data/source')).toBe('/schema/Two/source');
    expect(pointer('/changes/3/data/httpPath')).toBe('/operation/x.y/httpPath');
    expect(pointer('/changes/9/data')).toBeNull();
    const single = readDeployment(load({ '.fusio.yml': 'operation: { x.y: {} }' }));
    expect(single.pointer('/httpPath')).toBe('/operation/x.y/httpPath');
  });

  it('tell which of them the file has, empty ones too', () => {
    expect(readDeployment(load({ '.fusio.yml': 'operation:\nrate: {}\n' })).sections).toEqual(['operation', 'rate']);
    expect(readDeployment(load({ '.fusio.yml': '' })).changes).toEqual([]);
  });
});

describe('an export', () => {
  const exported = {
    config: { info_title: 'Costs $${env.X} or ${env.X}', points_default: 0, flag: false },
    connection: {
      Up: { class: 'Http', config: { url: 'http://h', password: '${env.UP_PASSWORD}', note: 'a ${env.X}' } },
    },
    schema: {
      Bare: { source: { type: 'object', description: '${env.X}' } },
      bare: { source: { type: 'string' } },
      Form: { source: { type: 'object' }, form: { a: 1 } },
    },
    operation: {
      'a.get': {
        httpMethod: 'GET',
        outgoing: 'schema://Bare',
        action: 'action://Go',
        description: '# no: comment\n- "x"',
      },
      'a.post': { httpMethod: 'POST', action: 'action://Go@0123', throws: { 404: 'schema://Bare' } },
      'a.put': { httpMethod: 'PUT', incoming: 'mime://text/plain', outgoing: 'schema://Form', action: 'action://Go' },
    },
    rate: { Default: { rateLimit: 3600, timespan: 'PT1H', allocation: [{ operation: 'a.get' }] } },
  };

  const changesOf = (split: boolean) => {
    saveFiles(folder, writeExport(exported, '.fusio.yml', split), false);
    return readDeployment(loadFile(join(folder, '.fusio.yml'), { env: { UP_PASSWORD: '0123', X: 'wrong' } })).changes;
  };

  it.each([false, true])('is read as what it was written from (split: %s)', (split) => {
    const found = Object.fromEntries(changesOf(split).map(({ resource, data }) => [`${resource} ${data!.name}`, data]));
    expect(found['config info_title']!.value).toBe(exported.config.info_title);
    expect(found['config flag']!.value).toBe(false);
    expect(found['connection Up']!.config).toEqual({ url: 'http://h', password: '0123', note: 'a ${env.X}' });
    expect(found['schema Bare']!.source).toEqual(exported.schema.Bare.source);
    expect(found['schema bare']!.source).toEqual({ type: 'string' });
    expect(found['schema Form']).toMatchObject(exported.schema.Form);
    expect(found['operation a.get']).toEqual({ name: 'a.get', ...exported.operation['a.get'] });
    expect(found['operation a.post']).toEqual({
      name: 'a.post',
      ...exported.operation['a.post'],
      incoming: null,
      outgoing: null,
    });
    expect(found['operation a.put']).toEqual({ name: 'a.put', ...exported.operation['a.put'] });
    expect(found['rate Default']!.allocation).toEqual([{ operation: 'a.get' }]);
  });

  it('is split by size, one file for each schema', () => {
    const large = { schema: { Big: { source: { description: 'x'.repeat(300_000) } } }, config: { a: 1 } };
    expect(writeExport(large, '.fusio.yml').map((file) => file.name)).toEqual([
      '.fusio.yml',
      'resources/schema.yaml',
      'resources/schema/Big.json',
      'resources/config.yaml',
    ]);
    expect(writeExport(large, '.fusio.yml', false)).toHaveLength(1);
  });

  it('overwrites nothing unless it may', () => {
    const files = writeExport(exported, '.fusio.yml', true);
    write({ 'resources/rate.yaml': 'mine' });
    expect(failure(() => saveFiles(folder, files, false)).message).toMatch(/rate\.yaml is there already/);
    saveFiles(folder, files, true);
    expect(() => saveFiles(folder, files, false)).toThrow('is there already');
  });
});

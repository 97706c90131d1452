import { Type } from 'typebox';
import { describe, expect, it } from 'vitest';
import { classList, type Form, formOf } from '../../worker/actions/form.ts';
import { actionType, actionTypes } from '../../worker/actions/index.ts';
import { connectionType, connectionTypes } from '../../worker/connections/index.ts';

const connections = [
  { key: '1', value: 'System' },
  { key: '2', value: 'Local-Http' },
];

const form = (name: string): Form => formOf((actionType(name) ?? connectionType(name))!.config, { connections });

/** Without the sentences: names, titles, kinds and choices are what clients rely on. */
const shape = (name: string) => form(name).element.map(({ help: _, secret: __, ...rest }) => rest);

const input = (name: string, title: string, type = 'text') => ({ element: 'input', name, title, type });
const select = (name: string, title: string, keys: string[]) => ({
  element: 'select',
  name,
  title,
  options: keys.map((key) => ({ key, value: key })),
});
const connection = { element: 'select', name: 'connection', title: 'Connection', options: connections };
const contentType = select('type', 'Content-Type', [
  'application/json',
  'application/octet-stream',
  'application/x-www-form-urlencoded',
  'application/xml',
  'multipart/form-data',
  'text/plain',
]);
const proxied = [contentType, input('authorization', 'Authorization'), input('query', 'Query')];

describe('the form of a class', () => {
  // What a running Fusio 8.8.4 answers, recorded; only the sentences are ours.
  it('of the HTTP connection is Fusio’s', () => {
    expect(shape('Fusio.Adapter.Http.Connection.Http')).toEqual([
      input('url', 'URL', 'url'),
      input('username', 'Username'),
      input('password', 'Password'),
      input('authorization', 'Authorization'),
      input('proxy', 'Proxy'),
      { element: 'checkbox', name: 'cache', title: 'Cache' },
      { element: 'checkbox', name: 'verify', title: 'Verify' },
      select('version', 'HTTP Version', ['1.0', '1.1', '2.0', '3.0']),
      input('timeout', 'Timeout', 'number'),
      { element: 'map', name: 'headers', title: 'Headers', type: 'text' },
    ]);
  });

  it('of Util-Static-Response is Fusio’s to the letter', () => {
    const help = 'The response in JSON format';
    expect(form('Fusio.Adapter.Util.Action.UtilStaticResponse')).toEqual({
      element: [{ element: 'textarea', name: 'response', title: 'Response', help, mode: 'json' }],
    });
  });

  it('of the HTTP actions has Fusio’s fields, and one of our own', () => {
    const urls = { element: 'collection', name: 'url', title: 'URL', type: 'text' };
    const rename = { element: 'map', name: 'rename', title: 'Rename', type: 'text' };
    expect(shape('Fusio.Adapter.Http.Action.HttpProcessor')).toEqual([
      connection,
      input('url', 'URL'),
      ...proxied,
      rename,
    ]);
    expect(shape('Fusio.Adapter.Http.Action.HttpLoadBalancer')).toEqual([connection, urls, ...proxied]);
    expect(shape('Fusio.Adapter.Http.Action.HttpComposition')).toEqual([connection, urls, ...proxied]);
    expect(shape('Fusio.Adapter.Http.Action.HttpRaw')).toEqual([
      connection,
      select('method', 'Method', ['GET', 'POST', 'PUT', 'PATCH', 'DELETE']),
      input('url', 'URL'),
      input('query', 'Query'),
      { element: 'map', name: 'headers', title: 'Headers', type: 'text' },
      { element: 'textarea', name: 'body', title: 'Body', mode: 'text' },
    ]);
    expect(shape('Fusio.Adapter.Util.Action.UtilRedirect')).toEqual([input('location', 'Location')]);
  });

  it('marks what is write-only', () => {
    const secrets = form('Fusio.Adapter.Http.Connection.Http').element.filter((field) => field.secret);
    expect(secrets.map((field) => field.name)).toEqual(['password', 'authorization']);
  });

  it('knows every kind of field', () => {
    const config = Type.Object({
      plain: Type.String(),
      whole: Type.Integer({ title: 'Whole' }),
      agent: Type.String({ action: true }),
      pairs: Type.String({ options: [['pdo_mysql', 'MySQL']] }),
      schema: Type.Unknown({ editor: 'typeschema' }),
      none: Type.String({ connection: true }),
    });
    expect(formOf(config, { actions: connections }).element).toEqual([
      { element: 'input', name: 'plain', title: 'plain', help: '', type: 'text' },
      { element: 'input', name: 'whole', title: 'Whole', help: '', type: 'number' },
      { element: 'select', name: 'agent', title: 'agent', help: '', options: connections },
      { element: 'select', name: 'pairs', title: 'pairs', help: '', options: [{ key: 'pdo_mysql', value: 'MySQL' }] },
      { element: 'typeschema', name: 'schema', title: 'schema', help: '' },
      { element: 'select', name: 'none', title: 'none', help: '', options: [] },
    ]);
  });
});

describe('the registries', () => {
  it('find classes with dots and with backslashes', () => {
    expect(actionType('Fusio\\Adapter\\Http\\Action\\HttpProcessor')).toBe(
      actionType('Fusio.Adapter.Http.Action.HttpProcessor'),
    );
    expect(connectionType('Fusio\\Impl\\Connection\\System')?.name).toBe('System');
    expect(actionType('Fusio.Adapter.Nope')).toBeUndefined();
  });

  it('list what can be chosen, by name, without what only the platform makes', () => {
    const connections = classList(connectionTypes);
    expect(connections).toContainEqual({ name: 'HTTP', class: 'Fusio.Adapter.Http.Connection.Http' });
    expect(connections.map(({ name }) => name)).not.toContain('System');
    const actions = classList(actionTypes).map(({ name }) => name);
    expect(actions).toEqual([...actions].sort());
    expect(actions).toEqual(
      expect.arrayContaining([
        ...['HTTP-Composition', 'HTTP-Load-Balancer', 'HTTP-Processor', 'HTTP-Raw'],
        ...['Util-Redirect', 'Util-Static-Response', 'SQL-Select-All'],
      ]),
    );
  });

  it.each(
    [...actionTypes, ...connectionTypes].map((type) => [type.name, type] as const),
  )('%s says what it is: name, class, a sentence, and title and help of every field', (_, type) => {
    expect(type.class).toMatch(/^Fusio(\.[A-Z][A-Za-z]+)+$/);
    expect(type.description.length).toBeGreaterThan(20);
    for (const field of formOf(type.config).element) {
      expect(field.title).toMatch(/^[A-Z]/);
      expect(field.help.length).toBeGreaterThan(10);
    }
    const classes = [...actionTypes, ...connectionTypes].filter((other) => other.class === type.class);
    expect(classes).toHaveLength(1);
  });
});

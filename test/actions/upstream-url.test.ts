import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildUrl, compileUrl } from '../../worker/actions/upstream-url.ts';
import type { ApiError } from '../../worker/core/errors.ts';
import { type InputShape, makeInput } from './harness.ts';

const base = 'https://upstream.example/api/v3';

function url(text: string, shape: InputShape = {}, connection: string | null = base, query?: string): string {
  return buildUrl(compileUrl(text, connection), makeInput(shape), query ? new URLSearchParams(query) : null).href;
}

function refusal(text: string, shape: InputShape = {}, connection: string | null = base): string {
  try {
    return url(text, shape, connection);
  } catch (thrown) {
    return (thrown as ApiError).code;
  }
}

describe('the url of an action', () => {
  it('is joined with the url of the connection, whose path stays', () => {
    expect(url('/users')).toBe('https://upstream.example/api/v3/users');
    expect(url('users')).toBe('https://upstream.example/api/v3/users');
    expect(url('/users', {}, `${base}/`)).toBe('https://upstream.example/api/v3/users');
    expect(url('?a=1')).toBe('https://upstream.example/api/v3?a=1');
    expect(url('/', {}, 'https://upstream.example')).toBe('https://upstream.example/');
  });

  it('may be absolute, with a connection only on the same origin', () => {
    expect(url('https://other.example:8443/x', {}, null)).toBe('https://other.example:8443/x');
    expect(url('https://upstream.example/x')).toBe('https://upstream.example/x');
    expect(refusal('https://other.example/x')).toBe('not_configured');
    expect(refusal('https://upstream.example:8443/x')).toBe('not_configured');
  });

  it('takes the schemes of WebSockets for those of HTTP', () => {
    expect(url('wss://other.example/x', {}, null)).toBe('https://other.example/x');
    expect(url('/x', {}, 'ws://other.example/y')).toBe('http://other.example/y/x');
  });

  it.each([
    ['/x', null],
    ['', base],
    ['ftp://other.example/', null],
    ['https://user:secret@other.example/', null],
    ['https://', null],
    ['/../../admin', base],
    ['/%2e%2e/%2E%2E/admin', base],
    ['/a/:id/../../../../x', base],
    ['/:id/..', base],
    ['/x', 'no url'],
  ])('refuses %s with connection %s', (text, connection) => {
    expect(refusal(text, { params: { id: '1' } }, connection)).toBe('not_configured');
  });

  it('puts path parameters where their names stand', () => {
    const params = { owner: 'octo', repo: 'hello', id: '7' };
    expect(url('/repos/:owner/:repo/issues/:id.json', { params })).toBe(`${base}/repos/octo/hello/issues/7.json`);
    expect(url('/compare/:id...:owner', { params })).toBe(`${base}/compare/7...octo`);
  });

  it('takes a name whole, and text that names no parameter as it is', () => {
    const params = { id: '7', 'file.name': 'a', 'x-y': 'b' };
    expect(url('/:ids/:file.name/:x-y/v1:batch', { params })).toBe(`${base}/:ids/a/b/v1:batch`);
    expect(url('/:toString/:__proto__', {})).toBe(`${base}/:toString/:__proto__`);
  });

  it('fills parameters into its query too', () => {
    expect(url('/search?q=:term&exact=1', { params: { term: 'a&b=c d' } })).toBe(
      `${base}/search?q=a%26b%3Dc+d&exact=1`,
    );
  });

  it('never takes a host or port for a parameter', () => {
    const params = { host: 'evil.example', 8080: '9090' };
    expect(url('http://upstream.example:8080/x', { params }, null)).toBe('http://upstream.example:8080/x');
    expect(refusal('http://:host/x', { params }, null)).toBe('not_configured');
  });

  it('passes the rest of a path on with its slashes, and an encoded slash as one', () => {
    const shape = { params: { rest: 'a/b/c' }, encoded: { rest: 'a%2Fb/c' } };
    expect(url('/files/:rest', shape)).toBe(`${base}/files/a%2Fb/c`);
    expect(url('/files/:rest', { params: { rest: 'a/b' } })).toBe(`${base}/files/a%2Fb`);
  });
});

describe('the query of an upstream request', () => {
  it('is the caller’s, as written', () => {
    expect(url('/x', { url: '/?b=2&a=%20x&flag&a=1' })).toBe(`${base}/x?b=2&a=%20x&flag&a=1`);
  });

  it('is overruled by what is configured, name by name', () => {
    expect(url('/x', { url: '/?a=1&b=2&a=3' }, base, 'a=9&c=8')).toBe(`${base}/x?b=2&a=9&c=8`);
    expect(url('/x?a=7&d=1', { url: '/?a=1&b=2' }, base, 'a=9')).toBe(`${base}/x?b=2&d=1&a=9`);
  });

  it('cannot become anything but a query', () => {
    expect(url('/x', { url: '/?a=1#/../../y' })).toBe(`${base}/x?a=1`);
  });
});

describe('a path parameter', () => {
  const hostile = [
    '../../admin',
    '..',
    '.',
    '..\\..\\admin',
    '%2e%2e',
    '%2e%2e%2fadmin',
    '..%2f',
    '..;/admin',
    '//evil.example/',
    '\\\\evil.example',
    '@evil.example',
    'user:pass@evil.example',
    ':8080',
    '?admin=1',
    '#fragment',
    'a/../../b',
    '\r\nHost: evil.example',
    '\t..',
    '\u0000',
    '．．/',
    '%c0%ae%c0%ae/',
    '\ud800',
    '',
    ' ',
    'a b',
    '…',
    '..\u200d',
    'http://evil.example/',
  ];

  it.each(hostile.map((value) => [JSON.stringify(value), value]))('%s keeps origin and path', (_, value) => {
    stays(value);
  });

  it('keeps origin and path, whatever it is', () => {
    fc.assert(
      fc.property(
        fc.string({ unit: 'binary' }),
        fc.array(fc.constantFrom(...hostile), { maxLength: 3 }),
        (text, parts) => stays(text + parts.join('/')),
      ),
    );
  });

  it('is decoded to the same value by the server', () => {
    const value = "ä/€ %2F+&=?#;:@$,!'()*";
    const path = new URL(url('/x/:id', { params: { id: value } })).pathname;
    expect(decodeURIComponent(path.slice('/api/v3/x/'.length))).toBe(value);
  });

  function stays(value: string): void {
    let built: URL;
    try {
      built = new URL(url('/x/:id/y', { params: { id: value } }));
    } catch (thrown) {
      expect((thrown as ApiError).code).toBe('invalid_path');
      return;
    }
    expect(built.origin).toBe('https://upstream.example');
    expect(built.pathname).toMatch(/^\/api\/v3\/x\/[^/]*\/y$/);
    expect(built.search + built.hash).toBe('');
  }
});

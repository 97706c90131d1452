import { describe, expect, test } from 'vitest';
import { canonicalPath, encodeSegment, isDotSegment } from '../../worker/lib/path.ts';

describe('paths with a canonical form', () => {
  test.each<[string, string, string[], number[]]>([
    ['/', '/', [], []],
    ['/a', '/a', ['a'], []],
    ['/a/b', '/a/b', ['a', 'b'], []],
    ['/%61dmin', '/admin', ['admin'], []],
    ['/%61%64%6d%69%6e', '/admin', ['admin'], []],
    ['/a%20b', '/a%20b', ['a b'], []],
    ['/a b', '/a%20b', ['a b'], []],
    ['/%c3%bc', '/%C3%BC', ['ü'], []],
    ['/ü', '/%C3%BC', ['ü'], []],
    ['/%f0%9f%98%80', '/%F0%9F%98%80', ['😀'], []],
    ['/%2561', '/%2561', ['%61'], []],
    ['/%252e%252e', '/%252e%252e', ['%2e%2e'], []],
    ["/-._~!$&'()*+,;=:@", "/-._~!$&'()*+,;=:@", ["-._~!$&'()*+,;=:@"], []],
    ['/%2D%2E%5F%7E%21%24%26%27%28%29%2A%2B%2C%3B%3D%3A%40', "/-._~!$&'()*+,;=:@", ["-._~!$&'()*+,;=:@"], []],
    ['/%22%23%25%3C%3E%3F%5B%5D%5E%60%7B%7C%7D', '/%22%23%25%3C%3E%3F%5B%5D%5E%60%7B%7C%7D', ['"#%<>?[]^`{|}'], []],
    ['/"<>[]^`{|}', '/%22%3C%3E%5B%5D%5E%60%7B%7C%7D', ['"<>[]^`{|}'], []],
    ['/a%2Fb/c', '/a%2Fb/c', ['a/b', 'c'], [0]],
    ['/a/b%2fc/d%2fe', '/a/b%2Fc/d%2Fe', ['a', 'b/c', 'd/e'], [1, 2]],
    ['/a/', '/a/', ['a', ''], []],
    ['//', '//', ['', ''], []],
    ['//evil/x', '//evil/x', ['', 'evil', 'x'], []],
    ['/a//b', '/a//b', ['a', '', 'b'], []],
    ['/a//%62/', '/a//b/', ['a', '', 'b', ''], []],
    ['/.well-known/x', '/.well-known/x', ['.well-known', 'x'], []],
    ['/...', '/...', ['...'], []],
    ['/a..b/..c/d..', '/a..b/..c/d..', ['a..b', '..c', 'd..'], []],
    ['/a;v=1/b;..', '/a;v=1/b;..', ['a;v=1', 'b;..'], []],
  ])('%s is %s', (pathname, text, segments, slashed) => {
    expect(canonicalPath(pathname)).toEqual({ ok: true, path: { text, segments, slashed } });
    expect(canonicalPath(text)).toEqual({ ok: true, path: { text, segments, slashed } });
    expect(new URL(`http://host${text}`).pathname).toBe(text);
  });
});

describe('refused paths', () => {
  test.each([
    ['', 'relative'],
    ['a/b', 'relative'],
    ['http://x/', 'relative'],
    ['/a%', 'encoding'],
    ['/a%2', 'encoding'],
    ['/a%zz', 'encoding'],
    ['/%u0061', 'encoding'],
    ['/%c0%af', 'encoding'],
    ['/%c0%ae%c0%ae/x', 'encoding'],
    ['/%e0%80%af', 'encoding'],
    ['/%ff', 'encoding'],
    ['/%c3', 'encoding'],
    ['/%ed%a0%80', 'encoding'],
    ['/\ud800', 'encoding'],
    ['/\ud800%20', 'encoding'],
    ['/a%00b', 'nul'],
    ['/a\0b', 'nul'],
    ['/a%01', 'control'],
    ['/a%0d%0aX: y', 'control'],
    ['/a%09', 'control'],
    ['/a%7f', 'control'],
    ['/a%c2%85', 'control'],
    ['/a\n', 'control'],
    ['/a%5cb', 'backslash'],
    ['/a%5c..%5cb', 'backslash'],
    ['/a\\b', 'backslash'],
    ['/.', 'dot-segment'],
    ['/..', 'dot-segment'],
    ['/a/../b', 'dot-segment'],
    ['/a/./b', 'dot-segment'],
    ['/a/%2e%2E/b', 'dot-segment'],
    ['/a/.%2e', 'dot-segment'],
    ['/a/%2e/', 'dot-segment'],
    ['/..%2f..%2fx', 'dot-segment'],
    ['/a%2f..', 'dot-segment'],
    ['/a%2f.%2fb', 'dot-segment'],
    ['/..;/admin', 'dot-segment'],
    ['/%2e%2e%3b/admin', 'dot-segment'],
    ['/..;x=1/admin', 'dot-segment'],
  ])('%j: %s', (pathname, reason) => {
    expect(canonicalPath(pathname)).toEqual({ ok: false, reason });
  });
});

describe('encodeSegment', () => {
  test.each([
    ['', ''],
    ['abc', 'abc'],
    ['a/b', 'a%2Fb'],
    ['a?b#c%', 'a%3Fb%23c%25'],
    ["$&+,:;=@!'()*-._~", "$&+,:;=@!'()*-._~"],
    ['%24', '%2524'],
    ['ü €😀', '%C3%BC%20%E2%82%AC%F0%9F%98%80'],
    ['\0\n\\', '%00%0A%5C'],
    ['a\ud800b', 'a%EF%BF%BDb'],
  ])('%j is %s', (text, encoded) => {
    expect(encodeSegment(text)).toBe(encoded);
  });
});

test.each([
  ['.', true],
  ['..', true],
  ['a/..', true],
  ['../a', true],
  ['a/./b', true],
  ['..\\a', true],
  ['..;x', true],
  ['...', false],
  ['.a', false],
  ['a.', false],
  ['a/..b', false],
  ['', false],
])('%j is a dot segment: %s', (text, expected) => {
  expect(isDotSegment(text)).toBe(expected);
});

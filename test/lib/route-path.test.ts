import { describe, expect, test } from 'vitest';
import { canonicalPath } from '../../worker/lib/path.ts';
import {
  encodedParameter,
  parameterNames,
  parametersAt,
  parseRoutePath,
  type RoutePath,
  segmentRegex,
} from '../../worker/lib/route-path.ts';
import { compilePattern } from '../../worker/lib/route-path-pattern.ts';

function parsed(text: string): RoutePath {
  const result = parseRoutePath(text);
  if (!result.ok) {
    throw new Error(result.fault.message);
  }
  return result.route;
}

function shape(text: string): string[] {
  return parsed(text).segments.map((segment) => {
    switch (segment.kind) {
      case 'static':
        return segment.text;
      case 'pattern':
        return `${segment.name}~${segment.pattern.source}`;
      default:
        return `${segment.kind} ${segment.name}`;
    }
  });
}

describe('parseRoutePath', () => {
  test.each<[string, string[]]>([
    ['/', []],
    ['/a', ['a']],
    ['/a/:x', ['a', 'parameter x']],
    ['/a/$x<[0-9]+|^~>', ['a', 'x~[0-9]+|^~']],
    ['/a/*rest', ['a', 'rest rest']],
    ['/:a/:b/$c<x>/*d', ['parameter a', 'parameter b', 'c~x', 'rest d']],
    ['/$x<a>b>', ['x~a>b']],
    ['/$x<(?<n>a)>', ['x~(?<n>a)']],
    ['/:a-b.c_D9', ['parameter a-b.c_D9']],
    ['/:constructor', ['parameter constructor']],
    ['/a%20b/%C3%BC/100%25', ['a b', 'ü', '100%']],
    ['/%3Aa/%24b/%2Ac/%7Bd%7D', [':a', '$b', '*c', '{d}']],
    ['/a:b/a$b/a*b/a@b', ['a:b', 'a$b', 'a*b', 'a@b']],
    ['/.well-known/openid-configuration', ['.well-known', 'openid-configuration']],
  ])('%s', (text, expected) => {
    expect(shape(text)).toEqual(expected);
    expect(parsed(text).text).toBe(text);
  });

  test.each<[string, number, RegExp]>([
    ['', 0, /starts with "\/"/],
    ['a/b', 0, /starts with "\/"/],
    ['/a/', 3, /no empty segments/],
    ['//a', 1, /no empty segments/],
    ['/a//b', 3, /no empty segments/],
    ['/a b', 2, /characters "!" to "~"/],
    ['/aü', 2, /percent-encoded/],
    ['/a?b=1', 2, /query parameters/],
    ['/a#b', 2, /"%23"/],
    ['/a\\b', 2, /backslash/],
    ['/users/{id}', 7, /written ":name"/],
    ['/a/100%', 6, /"%25"/],
    ['/a%ff', 2, /UTF-8/],
    ['/a%2Fb', 2, /slashes/],
    ['/a%00b', 2, /control/],
    ['/a/..', 3, /"\.\."/],
    ['/a/%2e%2e/b', 3, /"\.\."/],
    ['/a/:', 4, /needs a name/],
    ['/a/*', 4, /needs a name/],
    ['/a/$<x>', 4, /needs a name/],
    ['/a/:b(c', 5, /"b\(c"/],
    ['/a/:__proto__', 4, /__proto__/],
    ['/a/:x/b/:x', 8, /"x" is used twice/],
    ['/:x/$x<a>', 4, /"x" is used twice/],
    ['/:x/*x', 4, /"x" is used twice/],
    ['/*x/a', 1, /nothing can follow/],
    ['/a/$x', 3, /\$name<regex>/],
    ['/a/$x<[0-9]+', 3, /\$name<regex>/],
    ['/a/$x<[^/]+>', 3, /no "\/"/],
    ['/a/$x<>', 6, /empty; write ":x"/],
    ['/a/$x<(>', 6, /missing closing \)/],
    ['/a/$x<[z-a]>', 6, /invalid character class range/],
    ['/a/$x<(?=a)b>', 6, /look-around .*"\(\?=" at character 1 /],
    ['/a/$x<ab(?<!a)b>', 6, /look-around .*"\(\?<!" at character 3 /],
    ['/a/$x<(a)\\1>', 6, /back-references .*"\\1" at character 4 /],
    ['/a/$x<(?P<n>a)\\k<n>>', 6, /back-references .*"\\k" at character 9 /],
    ['/a/$x<a++>', 6, /nested repetition/],
    ['/a/$x<(a{100}){100}>', 6, /invalid repeat count/],
    ['/a/$x<(a{30}){30}>', 6, /repeats too much/],
    [`/a/$x<${'a'.repeat(256)}>`, 6, /255 characters/],
  ])('refuses %s at %i', (text, position, message) => {
    const result = parseRoutePath(text);
    expect(result).toMatchObject({ ok: false, fault: { position, message: expect.stringMatching(message) } });
    expect(!result.ok && result.fault.message).toContain(`at character ${position + 1} of the path`);
  });
});

describe('patterns', () => {
  test.each<[string, string[], string[]]>([
    ['[0-9]+|^~', ['1', 'a1', '~', '~a', '1~'], ['a', 'a~', '']],
    ['[0-9]+', ['1', 'a1b'], ['', 'a', '١']],
    ['^[0-9]+$', ['1', '123'], ['', 'a1', '1a', '1\n']],
    ['^\\d+$', ['1', '123'], ['', 'a1', '1\n', '１']],
    ['^[a-z]*$', ['', 'abc'], ['A', 'ab1']],
    ['^foo$|^bar', ['foo', 'bar', 'bart'], ['fool', 'xbar']],
    ['foo', ['foo', 'xfoox'], ['fo']],
    ['^(.+)\\.\\.\\.(.+)$', ['a...b', '....b', 'a/b...c'], ['...', 'a...', 'a..b']],
    ['.*', ['', 'a', '\n'], []],
    ['^.{2}$', ['ab', '😀a'], ['a', 'abc', '😀']],
    ['\\p{L}', ['ü'], ['1']],
    ['(?i)abc', ['xABC'], ['ab']],
    ['^[\\w-]+$', ['a-b_1'], ['a.b', 'ü']],
  ])('%s', (source, found, missed) => {
    const result = compilePattern(source);
    if (!result.ok) {
      throw new Error(result.message);
    }
    for (const text of found) {
      expect([text, result.pattern.test(text)]).toEqual([text, true]);
    }
    for (const text of missed) {
      expect([text, result.pattern.test(text)]).toEqual([text, false]);
    }
  });

  test('may have 255 characters', () => {
    expect(compilePattern('a'.repeat(255)).ok).toBe(true);
    expect(compilePattern('a'.repeat(256)).ok).toBe(false);
  });

  test('are compiled once', () => {
    expect(compilePattern('[a-f]{7}')).toBe(compilePattern('[a-f]{7}'));
  });

  test('match in linear time what backtracks elsewhere', () => {
    const result = compilePattern('^(a+)+$');
    expect(result.ok && result.pattern.test(`${'a'.repeat(8000)}!`)).toBe(false);
  });
});

describe('the parameters of a matched path', () => {
  const route = parsed('/a/:x/$y<b>/*z');

  test('by name', () => {
    expect(parameterNames(route)).toEqual(['x', 'y', 'z']);
    expect(parameterNames(parsed('/a'))).toEqual([]);
  });

  test('by segment', () => {
    expect(parametersAt(route, [])).toEqual([]);
    expect(parametersAt(route, [0])).toEqual([]);
    expect(parametersAt(route, [1, 2])).toEqual(['x', 'y']);
    expect(parametersAt(route, [3, 4, 7])).toEqual(['z']);
    expect(parametersAt(parsed('/'), [0])).toEqual([]);
  });

  test('encoded', () => {
    const result = canonicalPath('/a/1%2f2/b%20b/c%2Fd/e/');
    if (!result.ok) {
      throw new Error(result.reason);
    }
    expect(encodedParameter(route, result.path, 'x')).toBe('1%2F2');
    expect(encodedParameter(route, result.path, 'y')).toBe('b%20b');
    expect(encodedParameter(route, result.path, 'z')).toBe('c%2Fd/e/');
    expect(encodedParameter(route, result.path, 'a')).toBe(null);
  });
});

describe('segments of OpenAPI paths', () => {
  test.each<[string, string | null, string]>([
    ['repos', null, 'repos'],
    ['{owner}', 'owner', ':owner'],
    ['{enterprise-team}', 'enterprise_team', ':enterprise_team'],
    ['{base}...{head}', 'base_head', '$base_head<^(.+)\\.\\.\\.(.+)$>'],
    ['{id}.json', 'id', '$id<^(.+)\\.json$>'],
    ['v{version}', 'version', '$version<^v(.+)$>'],
    ['{name}:cancel', 'name', '$name<^(.+)\\:cancel$>'],
    ['a({id})', 'id', '$id<^a\\((.+)\\)$>'],
    ['{a} {b}', 'a_b', '$a_b<^(.+)\\x{20}(.+)$>'],
    ['{a}%20ü', 'a', '$a<^(.+)\\x{20}\\x{FC}$>'],
    [':batch', null, '%3Abatch'],
    ['$metadata', null, '%24metadata'],
    ['*', null, '%2A'],
    ['a b?', null, 'a%20b%3F'],
    ['100%', null, '100%25'],
    ['a%20b', null, 'a%20b'],
  ])('%s', (template, name, path) => {
    expect(segmentRegex(template)).toMatchObject({ name, path });
    expect(parameterNames(parsed(`/${path}`))).toEqual(name === null ? [] : [name]);
  });

  test.each([
    ['{base}...{head}', ['main...dev', 'a/b...c', 'v1.0...v2.0'], ['main..dev', '...dev', 'main...']],
    ['a({id}).{ext}', ['a(1).json'], ['a1.json', 'a(1)json', 'xa(1).json']],
    ['{a}>{b}', ['1>2'], ['12']],
    ['{a}%2B{b}', ['1+2'], ['11112']],
  ])('%s matches what it describes', (template, found, missed) => {
    const [segment] = parsed(`/${segmentRegex(template)!.path}`).segments;
    const check = (text: string) => segment?.kind === 'pattern' && segment.pattern.test(text);
    expect(found.filter((text) => !check(text))).toEqual([]);
    expect(missed.filter(check)).toEqual([]);
  });

  test.each(['{a', 'a}', '{}', '{a}{b}', '{a{b}}', 'x{a}{b}y'])('refuses %s', (template) => {
    expect(segmentRegex(template)).toBe(null);
  });
});

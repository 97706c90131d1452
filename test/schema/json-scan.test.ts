import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { scanJson } from '../../worker/lib/json-scan.ts';
import { sharedPath } from './shared.ts';

function bytes(...parts: (string | number[])[]): Uint8Array {
  return Uint8Array.from(
    parts.flatMap((part) => (typeof part === 'string' ? [...new TextEncoder().encode(part)] : part)),
  );
}

const accepted = [
  '[]',
  '{}',
  ' [ ] ',
  '0',
  '-0',
  '1e5',
  '1E-2',
  '-12.50',
  '"\\u0041\\n\\/"',
  '"\u007f"',
  '[1,2,[3]]',
  'null',
  '{"":0}',
  '"\\ud83d\\ude00"',
  '{"a":{"a":1},"b":[{"a":1}]}',
];

const refused: [string, string, number][] = [
  ['', 'ends before it is complete', 0],
  ['  ', 'ends before it is complete', 2],
  ['[1,]', 'has an unexpected character "]"', 3],
  ['[1 2]', 'has an unexpected character "2"', 3],
  ['[1', 'ends before it is complete', 2],
  ['{"a" 1}', 'has an unexpected character "1"', 5],
  ['{a:1}', 'has an unexpected character "a"', 1],
  ['{"a":1,}', 'has an unexpected character "}"', 7],
  ['{"a":1]', 'has an unexpected character "]"', 6],
  ['01', 'has an unexpected character "1"', 1],
  ['1.', 'ends before it is complete', 2],
  ['.5', 'has an unexpected character "."', 0],
  ['1e', 'ends before it is complete', 2],
  ['+1', 'has an unexpected character "+"', 0],
  ['- 1', 'has an unexpected character U+0020', 1],
  ['tru', 'ends before it is complete', 3],
  ['nulL', 'has an unexpected character "L"', 3],
  ['NaN', 'has an unexpected character "N"', 0],
  ["'a'", 'has an unexpected character "\'"', 0],
  ['"a', 'ends before it is complete', 2],
  ['"\\x41"', 'has an unexpected character "x"', 2],
  ['"\\u12G4"', 'has an unexpected character "G"', 5],
  ['"\t"', 'has an unexpected character U+0009', 1],
  ['[] []', 'has an unexpected character "["', 3],
  ['\ufeff{}', 'has an unexpected character U+FEFF', 0],
  ['[\u00a01]', 'has an unexpected character U+00A0', 1],
];

describe('scanning JSON', () => {
  it.each(accepted)('reads %s as JSON.parse does', (text) => {
    expect(scanJson(text)).toEqual({ ok: true, value: JSON.parse(text), text });
  });

  it.each(refused)('refuses %j: it %s', (text, message, position) => {
    expect(() => JSON.parse(text)).toThrow();
    expect(scanJson(text)).toMatchObject({ ok: false, reason: 'syntax', message, position });
  });

  it('counts bytes for bytes and characters for text', () => {
    expect(scanJson('["ä€😀"x')).toMatchObject({ position: 7, pointer: '/0' });
    expect(scanJson(bytes('["ä€😀"x'))).toMatchObject({ position: 12, pointer: '/0' });
  });

  it('names the place of what is wrong', () => {
    expect(scanJson('{"a":[0,{"b/c":tru}]}')).toMatchObject({ pointer: '/a/1/b~1c' });
  });

  it.each([
    ['{"a":1,"a":1}', '/a', 7],
    ['{"a":1,"b":2,"\\u0061":3}', '/a', 13],
    ['[{"x":{"~":0,"~":0}}]', '/0/x/~0', 13],
    ['{"__proto__":1,"__proto__":2}', '/__proto__', 15],
    [`{${Array.from({ length: 40 }, (_, index) => `"k${index}":0`).join()},"k33":1}`, '/k33', 311],
  ])('refuses a name that comes twice: %s', (text, pointer, position) => {
    expect(scanJson(text)).toMatchObject({ ok: false, reason: 'duplicate', pointer, position });
  });

  it('takes the same name in different objects, and many names in one', () => {
    const many = `{${Array.from({ length: 400 }, (_, index) => `"k${index}":{"k${index}":0}`).join()}}`;
    expect(scanJson(many)).toMatchObject({ ok: true });
  });

  it('keeps __proto__ an own member that changes nothing', () => {
    const scanned = scanJson('{"__proto__":{"polluted":true},"constructor":1}');
    expect(scanned.ok && Object.keys(scanned.value as object)).toEqual(['__proto__', 'constructor']);
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
  });

  it('bounds depth, values and size', () => {
    const nested = (depth: number) => '['.repeat(depth) + ']'.repeat(depth);
    expect(scanJson(nested(64))).toMatchObject({ ok: true });
    expect(scanJson(nested(65))).toMatchObject({ ok: false, reason: 'depth', position: 64 });
    expect(scanJson('{"a":'.repeat(1_000_000))).toMatchObject({ ok: false, reason: 'depth' });
    const list = (length: number) => `[${Array(length).fill('1').join()}]`;
    expect(scanJson(list(99_999))).toMatchObject({ ok: true });
    expect(scanJson(list(100_000))).toMatchObject({ ok: false, reason: 'nodes', pointer: '/99999' });
    expect(scanJson('[1,2]', { size: 5 })).toMatchObject({ ok: true });
    expect(scanJson('[1,2]', { size: 4 })).toMatchObject({ ok: false, reason: 'size', position: 4 });
    expect(scanJson('[[1]]', { depth: 1 })).toMatchObject({ reason: 'depth', pointer: '/0' });
    expect(scanJson('[1,2]', { nodes: 2 })).toMatchObject({ reason: 'nodes', pointer: '/1' });
  });

  it.each([
    ['a byte that starts nothing', [0xff], 2],
    ['a continuation without a start', [0x80], 2],
    ['an overlong form', [0xc0, 0xaf], 2],
    ['a longer overlong form', [0xe0, 0x80, 0xaf], 2],
    ['a surrogate', [0xed, 0xa0, 0x80], 2],
    ['more than U+10FFFF', [0xf4, 0x90, 0x80, 0x80], 2],
    ['a sequence cut short', [0xe2, 0x82], 2],
    ['a broken one after good ones', [0xc3, 0xa4, 0xe2, 0x82, 0xac, 0xf0, 0x9f, 0x98, 0x80, 0xc3], 11],
  ])('refuses %s', (_what, broken, position) => {
    expect(scanJson(bytes('["', broken, '"]'))).toMatchObject({ ok: false, reason: 'encoding', position });
  });

  const suite = sharedPath('suites', 'json-parsing', 'test_parsing');
  // The two that repeat a name are good JSON, but read differently by different readers.
  const exceptions = ['y_object_duplicated_key.json', 'y_object_duplicated_key_and_value.json'];

  it.runIf(suite !== null)('agrees with JSONTestSuite', () => {
    const files = readdirSync(suite!);
    const verdicts = files.map(
      (name) => [name, scanJson(new Uint8Array(readFileSync(join(suite!, name)))).ok] as const,
    );
    const good = verdicts.filter(([name]) => name.startsWith('y_') && !exceptions.includes(name));
    const bad = verdicts.filter(([name]) => name.startsWith('n_') || exceptions.includes(name));
    expect(good.length).toBe(93);
    expect(bad.length).toBe(190);
    expect(good.filter(([, ok]) => !ok)).toEqual([]);
    expect(bad.filter(([, ok]) => ok)).toEqual([]);
  });
});

import { describe, expect, it } from 'vitest';
import { locateJson, placeOf } from '../../admin/cli/deploy/place.ts';

describe('a place in a JSON text', () => {
  const text = `{
  "a": [1, {"b\\"c": [], "d": {"e": "},]"}}, "x"],
  "f~g/h": { "i": null, "j" : -1.5e3 },
  "k": {}
}`;

  it.each([
    ['', '1:1'],
    ['/a', '2:3'],
    ['/a/0', '2:9'],
    ['/a/1', '2:12'],
    ['/a/1/b"c', '2:13'],
    ['/a/1/d/e', '2:31'],
    ['/a/2', '2:45'],
    ['/f~0g~1h/j', '3:25'],
    ['/k', '4:3'],
    ['/k/nothing', '4:3'],
    ['/a/9/b', '2:3'],
    ['/nothing', '1:1'],
  ])('%j is at %s', (pointer, expected) => {
    const { line, column } = placeOf('f', text, locateJson(text, pointer));
    expect(`${line}:${column}`).toBe(expected);
  });

  it('is found in a text without spaces and in a large one', () => {
    expect(locateJson('{"a":[{"b":1},{"b":2}]}', '/a/1/b')).toBe(15);
    const large = JSON.stringify({
      list: Array.from({ length: 20_000 }, (_, id) => ({ id, text: '"[{' })),
      last: { here: 1 },
    });
    expect(large.slice(locateJson(large, '/last/here'))).toBe('"here":1}}');
    expect(large.slice(locateJson(large, '/list/19999/text'), -1)).toMatch(/^"text":"\\"\[\{"\}\]/);
  });
});

import { describe, expect, it } from 'vitest';
import { compilePattern, PatternError } from '../../worker/lib/schema/pattern.ts';
import { isDeterministic } from '../../worker/lib/schema/pattern-shape.ts';

function matches(source: string, text: string): boolean {
  return compilePattern(source).test(text);
}

/** What ECMA-262 in unicode mode says, checked against V8 where V8 knows the spelling. */
const verdicts: [string, string, boolean][] = [
  ['^abc$', 'abc', true],
  ['^abc$', 'abc\n', false],
  ['b', 'abc', true],
  ['^.$', '😀', true],
  ['^.$', '\u2028', false],
  ['^.$', '\r', false],
  ['^\\cC$', '\x03', true],
  ['^\\s$', '\ufeff', true],
  ['^\\s$', '\v', true],
  ['^\\S$', '\u2003', false],
  ['^[\\s\\S]$', '\n', true],
  ['^[^\\s]$', '\u00a0', false],
  ['^\\d$', '߀', false],
  ['^\\w$', 'é', false],
  ['^🐲*$', '🐲🐲', true],
  ['^\\uD83D\\uDC32$', '🐲', true],
  ['^[\\u{1F430}-\\u{1F433}]$', '🐲', true],
  ['^\\x41\\u0042$', 'AB', true],
  ['^[\\w.+-]+@[a-z]+$', 'a.b+c-d@x', true],
  ['^[]$', '', false],
  ['[^]', '\n', true],
  ['^\\p{Letter}+$', 'éß', true],
  ['^\\p{Script=Greek}+$', 'αβγ', true],
  ['^\\p{digit}+$', '৪২', true],
  ['^\\P{ASCII}$', 'é', true],
  ['^[^\\p{L}]$', '1', true],
  ['^(?<year>\\d{4})-(\\d\\d)$', '2026-11', true],
  ['^(?:a|b){2,3}?$', 'aba', true],
  ['\\bfoo\\b', 'a foo b', true],
  ['^[\\b]$', '\b', true],
  ['^\\0$', '\0', true],
  ['^\\/a\\-b$'.replace('\\-', '-'), '/a-b', true],
  ['^(?:)$', '', true],
];

/** Spellings of Annex B and of other languages that people use. */
const lenient: [string, string, boolean][] = [
  ['^[[:alpha:]]+$', 'z', false],
  ['^[a-\\d]+$', '-a5', true],
  ['^{id}$', '{id}', true],
  ['^a{,3}$', 'a{,3}', true],
  ['^a\\-b\\_c$', 'a-b_c', true],
  ['(?i)^abc$', 'ABC', true],
  ['^(?i:a)b$', 'Ab', true],
];

const refused: [string, RegExp, number][] = [
  ['a(?=b)', /look-around/, 1],
  ['a(?!b)', /look-around/, 1],
  ['(?<=a)b', /look-around/, 0],
  ['(?<!a)b', /look-around/, 0],
  ['(a)\\1', /back-references/, 3],
  ['(?<n>a)\\k<n>', /back-references/, 7],
  ['\\Aabc\\z', /escape \\A/, 0],
  ['ab(c', /not closed/, 2],
  ['ab)', /closes no group/, 2],
  ['x[a', /class is not closed/, 1],
  ['a{2,1}', /out of order/, 1],
  ['[z-a]', /out of order/, 1],
  ['a{1,1001}', /over 1000/, 1],
  ['(?:a{500}){3}', /count/, 10],
  [`(?:${'a{1000}'.repeat(6)})`, /together/, 39],
  ['*a', /repetition/, 0],
  ['ab**', /repetition/, 2],
  ['a\\p{Foo}', /property Foo/, 1],
  ['(?P<n>a)', /kind of group/, 0],
  ['\\u{110000}', /no such character/, 0],
  ['a\\', /not complete/, 1],
];

describe('patterns', () => {
  it.each(verdicts)('%s on %j', (source, text, expected) => {
    expect(new RegExp(source, 'u').test(text)).toBe(expected);
    expect(matches(source, text)).toBe(expected);
  });

  it.each(lenient)('%s on %j, although strict readers refuse it', (source, text, expected) => {
    expect(matches(source, text)).toBe(expected);
  });

  it.each(refused)('refuses %s', (source, message, position) => {
    let thrown: unknown;
    try {
      compilePattern(source);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(PatternError);
    expect(thrown).toMatchObject({ message: expect.stringMatching(message), position });
  });

  it.each([
    '^SKU-[0-9]+$',
    '^[^@]+@[^@]+$',
    '^abc',
    '^[a-z][a-z0-9_]*$',
    '^\\d{3,5}-\\d{4}$',
    '^[A-Z]{2}\\.[^.]+$',
    '^[0-9a-f]{8}$',
    '^a*b?c+$',
    '^é+e$',
  ])('knows that %s leaves one way on at every character', (source) => {
    expect(isDeterministic(source)).toBe(true);
  });

  it.each([
    'a+$',
    '^(a+)+$',
    '^a|b$',
    '^a*a$',
    '^\\w*\\d$',
    '^a*b?a$',
    '^a?a{3}$',
    '^[^a]+[^b]+$',
    '^.*x$',
    '^a+?b$',
    '^[a-c]+[b-d]$',
    '^é+ü$',
    '^[^a]*é$',
    '^\\D+x$',
    '^[\\s]+$',
    '^a{2,}a$',
    '^\\p{L}+$',
    '^a\\$+\\$$',
    '^(?=a)b$',
    '^[z-a]$',
    '^[a-z&&[aeiou]]+$',
  ])('does not take %s for one that cannot backtrack', (source) => {
    expect(isDeterministic(source)).toBe(false);
  });

  it('refuses what is too long', () => {
    expect(() => compilePattern('a'.repeat(5000))).toThrow(/longer/);
    expect(compilePattern('a'.repeat(4096)).test('a'.repeat(4096))).toBe(true);
  });

  it('takes time that grows with the text, where backtracking would never end', () => {
    const attack = `${'a'.repeat(20_000)}!`;
    for (const source of [
      '^(a+)+$',
      '^(a|a)*$',
      '^(([a-z])+.)+[A-Z]([a-z])+$',
      '(.*a){20}b',
      '\\s+$',
      '^(.*)x(.*)y$',
    ]) {
      expect(matches(source, attack)).toBe(false);
    }
  });
});

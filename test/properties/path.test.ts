import fc from 'fast-check';
import { RE2JS } from 're2js';
import { expect, test } from 'vitest';
import { canonicalPath, encodeSegment } from '../../worker/lib/path.ts';
import { compilePattern } from '../../worker/lib/route-path-pattern.ts';

const numRuns = process.env.POSTERN_FULL ? 20_000 : 1500;

/** Pieces that meet at the borders: separators, dots, sequences whole and broken, plain and foreign characters. */
const piece = fc.constantFrom(
  ...[
    '/',
    '/',
    '/',
    '.',
    '..',
    '%2e',
    '%2E',
    '%2f',
    '%5c',
    '\\',
    '%',
    '%2',
    '%00',
    '%0a',
    '\t',
    ';',
    '%3b',
    '~',
    '@',
    ':',
    '%20',
    ' ',
  ],
  ...[
    'a',
    'bc',
    'Z',
    '0',
    '%61',
    '%41',
    '%7a',
    '%25',
    '%2561',
    '%c3%bc',
    '%c3',
    '%bc',
    '%f0%9f%98%80',
    '%c0%af',
    'ü',
    '😀',
    '\ud800',
    '{',
    '|',
  ],
);
const pathname = fc.array(piece, { maxLength: 12 }).map((pieces) => `/${pieces.join('')}`);

/** Strict decoding by bytes, null when it fails: another way than the one under test. */
function decode(raw: string): string | null {
  const bytes: number[] = [];
  for (let at = 0; at < raw.length; at++) {
    const hex = /^%([0-9a-f]{2})/i.exec(raw.slice(at, at + 3));
    if (hex !== null) {
      bytes.push(Number.parseInt(hex[1]!, 16));
      at += 2;
    } else if (raw[at] === '%') {
      return null;
    } else {
      const point = raw.codePointAt(at)!;
      if (point >= 0xd800 && point <= 0xdfff) {
        return null;
      }
      bytes.push(...new TextEncoder().encode(String.fromCodePoint(point)));
      at += point > 0xffff ? 1 : 0;
    }
  }
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(Uint8Array.from(bytes));
  } catch {
    return null;
  }
}

test('each segment is decoded once, by itself, or the path is refused', { timeout: 300_000 }, () => {
  fc.assert(
    fc.property(pathname, (raw) => {
      const segments = raw === '/' ? [] : raw.slice(1).split('/').map(decode);
      const harmless = segments.every(
        (segment) =>
          segment !== null &&
          !/[\x00-\x1f\x7f-\x9f\\]/.test(segment) &&
          !segment.split('/').some((part) => ['.', '..'].includes(part.split(';')[0]!)),
      );
      const result = canonicalPath(raw);
      expect(result.ok).toBe(harmless);
      if (result.ok) {
        expect(result.path.segments).toEqual(segments);
        expect(result.path.slashed).toEqual([...segments.keys()].filter((index) => segments[index]!.includes('/')));
      }
    }),
    { numRuns },
  );
});

test('the canonical text is its own canonical form, and a URL keeps it', { timeout: 300_000 }, () => {
  fc.assert(
    fc.property(pathname, (raw) => {
      const result = canonicalPath(raw);
      fc.pre(result.ok);
      expect(result.path.text).toMatch(/^(?:\/(?:[A-Za-z0-9._~!$&'()*+,;=:@-]|%[0-9A-F]{2})*)+$/);
      expect(canonicalPath(result.path.text)).toEqual(result);
      const url = new URL(`https://upstream.example.com${result.path.text}`);
      expect([url.origin, url.pathname, url.search]).toEqual(['https://upstream.example.com', result.path.text, '']);
    }),
    { numRuns },
  );
});

test('any text survives as a segment, save what no path can hold', { timeout: 300_000 }, () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'binary', minLength: 1 }), { minLength: 1, maxLength: 4 }), (segments) => {
      const text = `/${segments.map(encodeSegment).join('/')}`;
      const result = canonicalPath(text);
      if (result.ok) {
        expect(result.path).toMatchObject({ text, segments });
      } else {
        expect(['nul', 'control', 'backslash', 'dot-segment']).toContain(result.reason);
      }
    }),
    { numRuns },
  );
});

test('the fast patterns find what RE2 finds', { timeout: 300_000 }, () => {
  const atom = fc.constantFrom('[0-9]', '[a-c]', '[A-Za-z0-9_-]', '[a-]', '[-a]', '[a.~]', '\\d', '\\w', '[b]');
  const alternative = fc.oneof(
    fc.tuple(fc.constantFrom('', '^'), atom, fc.constantFrom('', '+')).map((parts) => parts.join('')),
    fc.tuple(atom, fc.constantFrom('+', '*')).map(([each, repeat]) => `^${each}${repeat}$`),
    fc
      .tuple(fc.constantFrom('', '^'), fc.constantFrom('a', '~', 'ab-1', '_'), fc.constantFrom('', '$'))
      .map((parts) => parts.join('')),
  );
  const source = fc.array(alternative, { minLength: 1, maxLength: 3 }).map((parts) => parts.join('|'));
  const text = fc.array(
    fc.constantFrom('a', 'b', 'c', 'd', '1', '0', '~', '-', '_', '.', '\n', 'ü', '１', '😀', 'ab-1'),
    { maxLength: 5 },
  );
  fc.assert(
    fc.property(source, text, (pattern, parts) => {
      const result = compilePattern(pattern);
      const segment = parts.join('');
      expect(result.ok && result.pattern.test(segment)).toBe(RE2JS.compile(pattern).test(segment));
    }),
    { numRuns },
  );
});

import fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { scanJson } from '../../worker/lib/json-scan.ts';

const numRuns = process.env.POSTERN_FULL ? 30_000 : 1500;

vi.setConfig({ testTimeout: 240_000 });

/** What JSON.parse makes of a text, or nothing. */
function parsed(text: string): { value: unknown } | null {
  try {
    return { value: JSON.parse(text) };
  } catch {
    return null;
  }
}

const fragments = [
  '{',
  '}',
  '[',
  ']',
  ',',
  ':',
  '"',
  '"a"',
  '"b\\u0041"',
  '\\',
  '0',
  '-1',
  '1.5e3',
  'true',
  'null',
  ' ',
  '\n',
  '\t',
  'e',
  '.',
  '\u00a0',
  '\ufeff',
  '😀',
];

/** Good JSON with a few characters put in, taken out or replaced. */
const mutated = fc
  .tuple(
    fc.json({ maxDepth: 4 }),
    fc.array(fc.tuple(fc.nat(), fc.nat(3), fc.constantFrom(...fragments)), { maxLength: 3 }),
  )
  .map(([text, changes]) => {
    return changes.reduce((changed, [at, cut, put]) => {
      const index = at % (changed.length + 1);
      return changed.slice(0, index) + put + changed.slice(index + cut);
    }, text);
  });

describe('scanning JSON, for any text', () => {
  it('accepts what JSON.parse accepts, and nothing else, but for repeated names', () => {
    fc.assert(
      fc.property(
        fc.oneof(
          mutated,
          fc.array(fc.constantFrom(...fragments), { maxLength: 12 }).map((all) => all.join('')),
        ),
        (text) => {
          const scanned = scanJson(text);
          const oracle = parsed(text);
          if (scanned.ok) {
            expect(oracle).toEqual({ value: scanned.value });
          } else if (scanned.reason !== 'duplicate') {
            // A repeated name may come before a place where JSON.parse would have stopped.
            expect([scanned.reason, oracle]).toEqual(['syntax', null]);
            expect(scanned.position).toBeLessThanOrEqual(text.length);
          }
        },
      ),
      { numRuns },
    );
  });

  it('reads bytes as it reads their text', () => {
    fc.assert(
      fc.property(mutated, (text) => {
        const scanned = scanJson(new TextEncoder().encode(text));
        const expected = scanJson(text.toWellFormed());
        expect({ ...scanned, position: 0 }).toEqual({ ...expected, position: 0 });
      }),
      { numRuns: numRuns / 3 },
    );
  });

  it('finds a name that comes twice, wherever it is', () => {
    const name = fc.string({ unit: 'binary', maxLength: 6 });
    fc.assert(
      fc.property(fc.uniqueArray(name, { minLength: 1, maxLength: 30 }), fc.nat(), fc.nat(), (names, one, other) => {
        const members = names.map((text) => `${JSON.stringify(text)}:0`);
        expect(scanJson(`{${members.join()}}`).ok).toBe(true);
        const escaped = [...names[one % names.length]!]
          .flatMap((char) => char.split(''))
          .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);
        members.splice(other % (members.length + 1), 0, `"${escaped.join('')}":1`);
        expect(scanJson(`[{${members.join()}}]`)).toMatchObject({ ok: false, reason: 'duplicate' });
      }),
      { numRuns: numRuns / 10 },
    );
  });
});

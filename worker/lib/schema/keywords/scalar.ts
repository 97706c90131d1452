import { multipleOf } from '../equality.ts';
import { type Format, formats } from '../formats.ts';
import { type Check, type Run, report, spend } from '../run.ts';
import type { Site } from '../site.ts';

/** No value of a known format is longer; the checks are linear, but that is no reason to run them on a megabyte. */
const longestFormatted = 64 * 1024;

/** What texts are asked: lengths in characters (code points), pattern, format. */
export function stringChecks(site: Site): Check[] {
  const checks: Check[] = [];
  const least = site.count('minLength');
  if (least !== undefined) {
    const message = `must not be shorter than ${least} ${least === 1 ? 'character' : 'characters'}`;
    checks.push((value, run) => hasAtLeast(value as string, least, run) || report(run, 'minLength', message));
  }
  const most = site.count('maxLength');
  if (most !== undefined) {
    const message = `must not be longer than ${most} ${most === 1 ? 'character' : 'characters'}`;
    checks.push((value, run) => !hasAtLeast(value as string, most + 1, run) || report(run, 'maxLength', message));
  }
  const source = site.text('pattern');
  if (source !== undefined) {
    const pattern = site.pattern(source, '/pattern');
    const message = `must match the pattern ${source.length > 200 ? `${source.slice(0, 200)}…` : source}`;
    checks.push((value, run) => {
      spend(run, matchCost((value as string).length, pattern.size));
      return pattern.test(value as string) || report(run, 'pattern', message);
    });
  }
  const format = formatOf(site);
  if (format !== undefined && format.numbers !== true) {
    const message = `must be ${format.expected}`;
    checks.push((value, run) => {
      const text = value as string;
      spend(run, text.length >> 4);
      return (text.length <= longestFormatted && format.test(text)) || report(run, 'format', message);
    });
  }
  return checks;
}

/** RE2's automaton takes some nanoseconds a character; where it does not fit into memory, time grows with the program too. */
export function matchCost(length: number, size: number): number {
  return Math.ceil(size <= 256 ? length / 4 : (length * size) / 64);
}

/** The format to assert, if any. */
function formatOf(site: Site): Format | undefined {
  const name = site.format();
  return name === undefined ? undefined : formats.get(name);
}

/** Whether a text has so many code points, looking no further than needed. */
function hasAtLeast(text: string, count: number, run: Run): boolean {
  if (text.length < count) {
    return false;
  }
  if (text.length >= 2 * count) {
    return true;
  }
  spend(run, text.length >> 5);
  let points = 0;
  for (let at = 0; at < text.length && points < count; points++) {
    at += text.codePointAt(at)! > 0xffff ? 2 : 1;
  }
  return points >= count;
}

/** What numbers are asked. */
export function numberChecks(site: Site): Check[] {
  const checks: Check[] = [];
  const add = (
    rule: string,
    bound: number | undefined,
    holds: (value: number, bound: number, spend: (steps: number) => void) => boolean,
    words: string,
  ): void => {
    if (bound !== undefined) {
      const message = `must ${words} ${bound}`;
      checks.push(
        (value, run) => holds(value as number, bound, (steps) => spend(run, steps)) || report(run, rule, message),
      );
    }
  };
  // Draft 4 has flags where later drafts have bounds.
  const flags = site.dialect.name === 'draft-04';
  const below = flags && site.flag('exclusiveMaximum');
  const above = flags && site.flag('exclusiveMinimum');
  add('maximum', below ? undefined : site.number('maximum'), (value, bound) => value <= bound, 'not be greater than');
  add('minimum', above ? undefined : site.number('minimum'), (value, bound) => value >= bound, 'not be less than');
  const highest = flags ? (below ? site.number('maximum') : undefined) : site.number('exclusiveMaximum');
  const lowest = flags ? (above ? site.number('minimum') : undefined) : site.number('exclusiveMinimum');
  add('exclusiveMaximum', highest, (value, bound) => value < bound, 'be less than');
  add('exclusiveMinimum', lowest, (value, bound) => value > bound, 'be greater than');
  const divisor = site.number('multipleOf');
  if (divisor !== undefined && divisor <= 0) {
    site.refuse('multipleOf', 'must be greater than 0');
  }
  const isMultiple = multipleOf(divisor ?? 1);
  add('multipleOf', divisor, (value, _divisor, spend) => isMultiple(value, spend), 'be a multiple of');
  const format = formatOf(site);
  if (format?.numbers === true) {
    const message = `must be ${format.expected}`;
    checks.push((value, run) => format.test(value as number) || report(run, 'format', message));
  }
  return checks;
}

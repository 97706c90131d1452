import pc from 'picocolors';
import { type Failure, showPlace } from './failure.ts';

/** How a command speaks: for people, or with `--json` one JSON value on the standard output and nothing else. */
export interface Output {
  json: boolean;
  /** The result: a value for programs, and text for people. */
  result(value: unknown, text: () => string): void;
  /** A line of a stream that has no end: in JSON one value a line. */
  line(value: unknown, text: () => string): void;
  /** A remark for people, on the standard error. */
  note(text: string): void;
  fail(failure: Failure): void;
  /** Shows on a terminal how far long work is, and gives its result. `total` in whatever `advance` counts; none: only that it goes on. */
  progress<T>(title: string, total: number | null, work: (advance: (amount: number) => void) => Promise<T>): Promise<T>;
}

export function createOutput(json: boolean): Output {
  return {
    json,
    result(value, text) {
      process.stdout.write(json ? `${JSON.stringify(value, null, 2)}\n` : withNewline(text()));
    },
    line(value, text) {
      process.stdout.write(json ? `${JSON.stringify(value)}\n` : withNewline(text()));
    },
    note(text) {
      if (!json) {
        process.stderr.write(withNewline(text));
      }
    },
    fail(failure) {
      if (json) {
        process.stdout.write(`${JSON.stringify({ error: describe(failure) }, null, 2)}\n`);
      } else {
        process.stderr.write(withNewline(explain(failure)));
      }
    },
    async progress(title, total, work) {
      if (json || !process.stderr.isTTY) {
        return work(() => {});
      }
      const { progress, spinner } = await import('@clack/prompts');
      const bar = total === null ? null : progress({ max: total, output: process.stderr });
      const shown = bar ?? spinner({ indicator: 'timer', output: process.stderr });
      shown.start(title);
      try {
        const result = await work((amount) => bar?.advance(amount));
        shown.stop(title);
        return result;
      } catch (thrown) {
        shown.error(title);
        throw thrown;
      }
    },
  };
}

function describe(failure: Failure): unknown {
  return {
    message: failure.message,
    exit: failure.exit,
    status: failure.status,
    errors: failure.complaints.map(({ place, ...complaint }) => ({ ...complaint, ...place })),
  };
}

/** `file:line:column  message (rule)`, one line for each thing that is wrong. */
function explain(failure: Failure): string {
  const shown = failure.complaints.slice(0, 20).map(({ place, flag, pointer, message, rule }) => {
    const where = place === undefined ? (flag ?? pointer) : showPlace(place);
    return `  ${where ? `${pc.cyan(where)}  ` : ''}${message}${rule === undefined ? '' : pc.dim(` (${rule})`)}`;
  });
  const more = failure.complaints.length - shown.length;
  return [`${pc.red('Error:')} ${failure.message}`, ...shown, ...(more > 0 ? [`  … and ${more} more`] : [])].join('\n');
}

function withNewline(text: string): string {
  return text === '' || text.endsWith('\n') ? text : `${text}\n`;
}

/** Columns of equal width; cells may be coloured. */
export function table(rows: string[][]): string {
  const plain = (text: string) => text.replace(/\x1b\[\d+m/g, '');
  const widths: number[] = [];
  for (const row of rows) {
    row.forEach((cell, column) => {
      widths[column] = Math.max(widths[column] ?? 0, plain(cell).length);
    });
  }
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell + ' '.repeat(widths[column]! - plain(cell).length))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

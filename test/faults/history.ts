import { appendFileSync, readFileSync, writeFileSync } from 'node:fs';

/**
 * One line of a history, in the order in which the one writer saw things happen. An operation is an `invoke` and, later,
 * either `ok` (a reply came: it happened), `fail` (nobody was there to hear: it did not happen) or `unknown` (the
 * connection broke: nobody can say). `kill` and `start` are the server's.
 */
export interface HistoryEvent {
  /** Milliseconds since the history began. */
  at: number;
  type: 'invoke' | 'ok' | 'fail' | 'unknown' | 'kill' | 'start';
  /** Numbers the operations; the same in all lines of one. */
  id?: number;
  client?: number;
  operation?: string;
  /** What was asked (`invoke`), what was answered (`ok`), what went wrong, or what was killed. */
  value?: unknown;
}

/** A finished operation, as checkers want it. */
export interface Done {
  id: number;
  client: number;
  operation: string;
  input: any;
  outcome: 'ok' | 'fail' | 'unknown';
  /** The answer, when there was one. */
  output: any;
  invoked: number;
  ended: number;
}

export interface History {
  append(event: Omit<HistoryEvent, 'at'>): void;
}

/** Begins a history file (JSON lines); every line is on disk before the next thing happens. */
export function beginHistory(path: string): History {
  const began = Date.now();
  writeFileSync(path, '');
  return { append: (event) => appendFileSync(path, `${JSON.stringify({ at: Date.now() - began, ...event })}\n`) };
}

export function readHistory(path: string): HistoryEvent[] {
  return readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line));
}

/** The operations of a history; one that never ended counts as unknown. */
export function operations(events: HistoryEvent[], name?: string): Done[] {
  const open = new Map<number, Done>();
  for (const { type, id, at, client, operation, value } of events) {
    if (type === 'invoke') {
      open.set(id!, {
        id: id!,
        client: client!,
        operation: operation!,
        input: value,
        outcome: 'unknown',
        output: undefined,
        invoked: at,
        ended: Number.POSITIVE_INFINITY,
      });
    } else if (type === 'ok' || type === 'fail' || type === 'unknown') {
      const done = open.get(id!);
      if (done !== undefined) {
        Object.assign(done, { outcome: type, output: value, ended: type === 'ok' ? at : Number.POSITIVE_INFINITY });
      }
    }
  }
  return [...open.values()].filter((done) => name === undefined || done.operation === name);
}

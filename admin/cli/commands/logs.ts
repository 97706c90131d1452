import { setTimeout as sleep } from 'node:timers/promises';
import pc from 'picocolors';
import type { Client } from '../client.ts';
import { command } from '../command.ts';
import { Failure } from '../failure.ts';
import type { Collection } from './revisions.ts';

interface LogEntry {
  id: number;
  date: string;
  ip: string;
  method: string;
  path: string;
  operationName?: string;
  responseCode?: number;
  errorCode?: string;
  executionTime?: number;
}

type Filter = Record<string, string | number | undefined>;

/** Milliseconds between two looks. */
const pause = 1000;
const page = 500;

/** Shows calls as they were answered, oldest first. */
export const logs = command({
  name: 'logs',
  description: 'Show the last calls, oldest first; with --follow also those to come',
  args: {
    follow: { type: 'boolean', alias: 'f', description: 'Go on until interrupted' },
    count: { type: 'string', alias: 'n', default: '20', description: 'How many of the past', valueHint: 'NUMBER' },
    operation: { type: 'string', description: 'Only calls of this operation', valueHint: 'NAME' },
    method: { type: 'string', description: 'Only this method' },
    path: { type: 'string', description: 'Only paths that begin so' },
    status: { type: 'string', description: 'Only this status, or a class: 4xx' },
    search: {
      type: 'string',
      description: 'Address, /path, METHOD, Name: value, request id or text',
      valueHint: 'TEXT',
    },
    all: { type: 'boolean', description: 'Also calls of the management API and the other categories' },
  },
  async run({ args, client, output }) {
    if (!/^\d{1,4}$/.test(args.count)) {
      throw new Failure('usage', `--count must be a number up to 1024, not "${args.count}"`);
    }
    const api = await client();
    const filter: Filter = {
      operationId: args.operation === undefined ? undefined : await operationId(api, args.operation),
      method: args.method?.toUpperCase(),
      path: args.path,
      responseCode: args.status,
      search: args.search,
      categoryId: args.all ? 0 : undefined,
    };
    const past = await recent(api, filter, Number(args.count));
    if (!args.follow) {
      output.result(past, () => past.map(line).join('\n') || 'No calls');
      return;
    }
    let last = past.reduce((highest, entry) => Math.max(highest, entry.id), 0) || (await newest(api));
    for (const entry of past) {
      output.line(entry, () => line(entry));
    }
    for (;;) {
      const { entry: entries, after } = await patiently(output.note, () =>
        api.get<Collection<LogEntry> & { after?: number }>('/backend/log', { ...filter, after: last, count: page }),
      );
      for (const entry of entries) {
        output.line(entry, () => line(entry));
        last = Math.max(last, entry.id);
      }
      if (entries.length === page) {
        continue;
      }
      // Calls that the filter does not want may be many: the gateway says how far it looked.
      if (after !== undefined) {
        last = Math.max(last, after);
      } else {
        await sleep(pause);
      }
    }
  },
});

async function recent(api: Client, filter: Filter, count: number): Promise<LogEntry[]> {
  if (count === 0) {
    return [];
  }
  const { entry } = await api.get<Collection<LogEntry>>('/backend/log', { ...filter, count });
  return entry.reverse();
}

/** The id of the newest call of any kind, so that following begins now also where the filter found nothing. */
async function newest(api: Client): Promise<number> {
  const { entry } = await api.get<Collection<LogEntry>>('/backend/log', { categoryId: 0, count: 1 });
  return entry[0]?.id ?? 0;
}

async function operationId(api: Client, name: string): Promise<number> {
  return (await api.get<{ id: number }>(`/backend/operation/~${encodeURIComponent(name)}`)).id;
}

/** A gateway that is away for a while (a restart) does not end the watch. */
async function patiently<T>(note: (text: string) => void, ask: () => Promise<T>): Promise<T> {
  for (let failures = 0; ; failures++) {
    try {
      return await ask();
    } catch (thrown) {
      if (!(thrown instanceof Failure) || thrown.exit !== 4 || failures >= 30) {
        throw thrown;
      }
      if (failures === 0) {
        note(pc.dim(`${thrown.message}; trying again …`));
      }
      await sleep(pause * Math.min(failures + 1, 5));
    }
  }
}

function line(entry: LogEntry): string {
  const status = entry.responseCode ?? 0;
  const colour = status >= 500 ? pc.red : status >= 400 ? pc.yellow : pc.green;
  return [
    pc.dim(entry.date),
    colour(String(status || '-').padEnd(3)),
    entry.method.padEnd(6),
    entry.path,
    pc.dim(
      [
        entry.operationName,
        entry.errorCode,
        entry.executionTime === undefined ? undefined : `${entry.executionTime} ms`,
        entry.ip,
      ]
        .filter(Boolean)
        .join('  '),
    ),
  ].join(' ');
}

import type { CommandDef } from 'citty';
import pc from 'picocolors';
import type { Client } from '../client.ts';
import type { Collection } from '../commands/revisions.ts';
import { Failure } from '../failure.ts';
import { table } from '../output.ts';
import { findName, type Option, optionOf } from './arguments.ts';
import { filterOptions } from './options.ts';
import type { Entity } from './registry.ts';
import { type VerbContext, verb } from './run.ts';

/** Longest text of a cell; `--json` tells all. */
const widest = 48;
/** Entries that the gateway gives at once, at most. */
const largestPage = 1024;

type Entry = Record<string, unknown>;
type Page = Collection<Entry> & {
  startIndex: number;
  itemsPerPage: number;
  totalIsMinimum?: boolean;
  searchedSince?: string;
};

/** `postern NOUN list`: a page, or all, as a table. `own`: the path that lists the caller's own, unless `--everyone` is given. */
export function listVerb(noun: string, entity: Entity & { own?: string }): CommandDef<any> {
  return verb({
    name: 'list',
    description: /^Lists /.test(entity.description) ? entity.description : `List: ${entity.description}`,
    args: {
      ...(entity.search
        ? {
            search: {
              type: 'string',
              description: 'Words, "strings", field:value, AND, OR, NOT, ( )',
              valueHint: 'TEXT',
            },
          }
        : {}),
      ...(entity.sort ? { sort: { type: 'string', description: 'Column, or COLUMN:desc', valueHint: 'COLUMN' } } : {}),
      start: { type: 'string', description: 'How many to skip', valueHint: 'NUMBER' },
      count: { type: 'string', alias: 'n', description: 'How many, 16 unless given', valueHint: 'NUMBER' },
      all: { type: 'boolean', description: 'All that there are, page by page' },
      columns: { type: 'string', description: 'Columns to show, with commas', valueHint: 'NAMES' },
      ...(entity.own === undefined
        ? {}
        : { everyone: { type: 'boolean', description: 'Of all users; the other filters need it' } }),
    },
    more: filterOptions(entity.filters),
    isSwitch: () => false,
    async run(context) {
      const query = queryOf(context, entity);
      const [first] = context.options;
      const path = entity.own === undefined || context.own('everyone') ? `/backend/${noun}` : entity.own;
      if (first !== undefined && path === entity.own) {
        throw new Failure('usage', `${first.flag} needs --everyone`);
      }
      const api = await context.client();
      const page = await read(api, path, query, context.own('all') !== undefined).catch((thrown) => {
        throw thrown instanceof Failure ? thrown.map(atOption) : thrown;
      });
      const columns = columnsOf(context.own('columns'), entity, page.entry);
      context.output.result(page, () => show(page, columns));
      const end = page.startIndex + page.entry.length;
      const total = `${page.totalResults}${page.totalIsMinimum ? ' or more' : ''}`;
      if (page.entry.length > 0 && end < page.totalResults) {
        context.output.note(pc.dim(`${page.startIndex + 1}–${end} of ${total}; --start ${end} goes on`));
      }
      if (page.searchedSince !== undefined) {
        context.output.note(pc.dim(`Searched back to ${page.searchedSince}; --to ${page.searchedSince} goes on`));
      }
    },
  });
}

function queryOf({ own, options }: VerbContext, entity: Entity): Record<string, string> {
  const query: Record<string, string> = {};
  for (const [option, parameter] of [
    ['search', 'search'],
    ['start', 'startIndex'],
    ['count', 'count'],
  ] as const) {
    const value = own(option);
    if (typeof value === 'string') {
      query[parameter] = value;
    }
  }
  const sort = own('sort');
  if (typeof sort === 'string') {
    const [column = '', direction] = sort.split(/[: ]/);
    query.sortBy = columnOf(column, entity);
    query.sortOrder = direction ?? 'asc';
    if (!/^(asc|desc)$/i.test(query.sortOrder)) {
      throw new Failure('usage', `--sort ${sort}: the order is asc or desc, not "${direction}"`);
    }
  }
  return { ...query, ...Object.fromEntries(options.map((option) => filter(option, entity))) };
}

/** The gateway would pass over a column that it does not know. */
function columnOf(written: string, entity: Entity): string {
  const known = [...new Set([...entity.columns, ...Object.keys(entity.members)])];
  const camel = written.replace(/_([a-z])/g, (_, letter: string) => letter.toUpperCase());
  const found = findName(known, camel);
  if (found === undefined && known.length > 1) {
    throw new Failure('usage', `--sort: there is no column "${written}"; there are ${known.join(', ')}`);
  }
  return (found ?? camel).replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}

function filter({ flag, name, value }: Option, entity: Entity): [string, string] {
  const found = findName(Object.keys(entity.filters), name);
  if (found === undefined || typeof value !== 'string') {
    throw new Failure('usage', `There is no option ${flag}; see --help`);
  }
  return [found, value];
}

async function read(api: Client, path: string, query: Record<string, string>, all: boolean): Promise<Page> {
  if (!all) {
    return api.get<Page>(path, query);
  }
  let start = Number(query.startIndex ?? 0);
  const entry: Entry[] = [];
  for (;;) {
    const page = await api.get<Page>(path, { ...query, startIndex: start, count: largestPage });
    entry.push(...page.entry);
    start += page.entry.length;
    if (page.entry.length === 0 || (start >= page.totalResults && !page.totalIsMinimum)) {
      return { ...page, startIndex: Number(query.startIndex ?? 0), itemsPerPage: entry.length, entry };
    }
  }
}

/** Chosen ones, else those of the declaration that hold anything, else what comes. */
function columnsOf(chosen: string | true | undefined, entity: Entity, entries: readonly Entry[]): string[] {
  const present = [...new Set(entries.flatMap((entry) => Object.keys(entry)))];
  if (typeof chosen === 'string') {
    const known = [...new Set([...entity.columns, ...present, ...Object.keys(entity.members)])];
    return chosen.split(',').map((name) => {
      const found = findName(known, name.trim());
      if (found === undefined) {
        throw new Failure('usage', `There is no column "${name.trim()}"; there are ${known.join(', ')}`);
      }
      return found;
    });
  }
  if (entity.columns.length > 1) {
    return entity.columns.filter((column) => present.includes(column));
  }
  return present.filter((column) => entries.every((entry) => typeof entry[column] !== 'object'));
}

function show(page: Page, columns: readonly string[]): string {
  return page.entry.length === 0
    ? 'There are none'
    : table([
        columns.map((column) => pc.bold(optionOf(column).replaceAll('-', ' ').toUpperCase())),
        ...page.entry.map((entry) => columns.map((column) => cell(entry[column]))),
      ]);
}

function cell(value: unknown): string {
  const text =
    value === undefined || value === null ? '' : typeof value === 'object' ? JSON.stringify(value) : String(value);
  const line = text.replace(/\s+/g, ' ');
  return line.length > widest ? `${line.slice(0, widest - 1)}…` : line;
}

function atOption(complaint: { message: string; pointer?: string }) {
  const parameter = /^\/query\/(.+)$/.exec(complaint.pointer ?? '')?.[1];
  const option = { startIndex: 'start', sortBy: 'sort', sortOrder: 'sort' }[parameter ?? ''] ?? parameter;
  return option === undefined ? complaint : { ...complaint, flag: `--${optionOf(option)}` };
}

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { defineCommand } from 'citty';
import type { ChangeResult } from '../../../worker/core/ports.ts';
import { readStdin } from '../ask.ts';
import { command } from '../command.ts';
import { Failure } from '../failure.ts';
import { table } from '../output.ts';
import { countChanges, showChanges } from '../plan.ts';

const file = { type: 'positional', required: true, description: 'File; "-" for the standard input or output' } as const;

const exportBackup = command({
  name: 'export',
  description:
    'Write the configuration as one JSON file, the same bytes for the same configuration; secrets stay sealed',
  args: {
    file,
    force: { type: 'boolean', description: 'Overwrite the file' },
    kept: {
      type: 'string',
      description: 'A backup that the gateway made by itself; see backup list',
      valueHint: 'NAME',
    },
  },
  async run({ args, client, output }) {
    if (args.file !== '-' && existsSync(args.file) && !args.force) {
      throw new Failure('usage', `${args.file} is there already; --force overwrites it`);
    }
    const { export: text } = await (await client()).send<{ export: string }>('POST', '/backend/backup/export', {
      ...(args.kept === undefined ? {} : { kept: args.kept }),
    });
    if (args.file === '-') {
      process.stdout.write(`${text}\n`);
      return;
    }
    writeFileSync(args.file, `${text}\n`, { mode: 0o600 });
    output.result({ file: args.file, bytes: text.length + 1 }, () => `Wrote ${args.file}`);
  },
});

interface Imported {
  message: string;
  /** What was left out, and what was done. */
  logs: string[];
  skipped: string[];
  results: ChangeResult[];
}

const importBackup = command({
  name: 'import',
  description: 'Apply a backup, of this product or of Fusio, as one publish (or show what would change)',
  args: { file, plan: { type: 'boolean', description: 'Show the differences, change nothing' } },
  async run({ args, client, output }) {
    if (args.file !== '-' && !existsSync(args.file)) {
      throw new Failure('usage', `${args.file} does not exist`);
    }
    const text = unwrapped(args.file === '-' ? await readStdin() : readFileSync(args.file, 'utf8'));
    const plan = args.plan === true;
    const answer = await (await client()).send<Imported>('POST', '/backend/backup/import', { import: text, plan });
    output.result(answer, () => {
      if (!plan) {
        return [...answer.logs, answer.message].join('\n');
      }
      const changes = [...answer.skipped, showChanges(answer.results, true)].filter((text) => text !== '');
      return [...changes, `Plan: ${countChanges(answer.results)}. Nothing was changed.`].join('\n');
    });
  },
});

const listBackups = command({
  name: 'list',
  description: 'List the backups that the gateway made by itself, one a day where something changed',
  async run({ client, output }) {
    const answer = await (await client()).get<{ entry: { name: string; bytes: number }[] }>('/backend/backup');
    output.result(answer.entry, () => table(answer.entry.map(({ name, bytes }) => [name, `${bytes} bytes`])));
  },
});

/** Configuration as one file, for keeping; `postern export` writes files that people edit. */
export const backup = defineCommand({
  meta: { name: 'backup', description: 'Export the configuration as one file for keeping, and import it' },
  subCommands: { export: () => exportBackup, import: () => importBackup, list: () => listBackups },
});

/** Takes the whole answer of `/backend/backup/export` as well. */
function unwrapped(text: string): string {
  try {
    const { export: inner } = JSON.parse(text) as { export?: unknown };
    return typeof inner === 'string' ? inner : text;
  } catch {
    return text;
  }
}

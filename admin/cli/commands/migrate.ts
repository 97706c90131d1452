import { join } from 'node:path';
import pc from 'picocolors';
import { command } from '../command.ts';
import { migrate, readMigrationFiles, requireMigrationFiles, showMigrations } from '../deploy/migrations.ts';
import { table } from '../output.ts';

interface Applied {
  name: string;
  checksum: string;
  date: string;
}

/** Brings the tables of the users' own database to what the files of a folder say. */
export const migrateCommand = command({
  name: 'migrate',
  description: 'Apply the numbered SQL files of a folder that the database has not applied yet',
  args: {
    folder: {
      type: 'positional',
      required: false,
      default: '.',
      description: 'Folder with files such as 0001_tables.sql, or one with a folder "migrations"',
    },
    status: { type: 'boolean', description: 'Show what was applied, and what was not' },
    plan: { type: 'boolean', description: 'Show what would be applied, change nothing' },
    connection: { type: 'string', description: 'Connection (default System)', valueHint: 'NAME' },
    'out-of-order': { type: 'boolean', description: 'Also apply what has a lower number than the last one applied' },
  },
  async run({ args, client, output }) {
    const given = args.folder ?? '.';
    const files = readMigrationFiles(join(given, 'migrations')) ?? requireMigrationFiles(given);
    const options = { connection: args.connection, outOfOrder: args['out-of-order'] === true };
    const api = await client();
    if (args.status === true) {
      const path = `/backend/connection/${encodeURIComponent(args.connection ?? 'System')}/migration`;
      const { entry } = await api.get<{ entry: Applied[] }>(path);
      const { pending, missing } = await migrate(api, files, { ...options, outOfOrder: true, plan: true });
      output.result({ applied: entry, pending, missing }, () =>
        table([
          ...entry.map(({ name, date }) => [
            name,
            missing.includes(name) ? pc.yellow('file is gone') : 'applied',
            date,
          ]),
          ...pending.map(({ name }) => [name, pc.bold('pending'), '']),
        ]),
      );
      return;
    }
    const plan = args.plan === true;
    const done = await output.progress(plan ? 'Comparing migrations' : 'Migrating', null, () =>
      migrate(api, files, { ...options, plan }),
    );
    output.result(done, () => {
      const lines = showMigrations(done);
      const count = (plan ? done.pending : done.applied).length;
      const summary = plan ? `Plan: ${count} to apply. Nothing was changed.` : `Applied ${count} of ${files.length}`;
      return lines === '' ? summary : `${lines}\n\n${summary}`;
    });
  },
});

import pc from 'picocolors';
import { command } from '../command.ts';
import { table } from '../output.ts';

export interface Revision {
  revision: number;
  date: string;
  message: string;
  userId: number;
  changeCount: number;
}

export interface Collection<T> {
  totalResults: number;
  entry: T[];
}

/** Lists the publishes, newest first. */
export const revisions = command({
  name: 'revisions',
  description: 'List the revisions of the configuration, newest first',
  args: {
    count: { type: 'string', alias: 'n', default: '16', description: 'How many', valueHint: 'NUMBER' },
  },
  async run({ args, client, output }) {
    const found = await (await client()).get<Collection<Revision>>('/backend/revision', { count: args.count });
    output.result(found.entry, () =>
      found.entry.length === 0
        ? 'There are no revisions'
        : table(
            found.entry.map((entry, index) => [
              pc.bold(String(entry.revision)),
              entry.date,
              `${entry.changeCount} ${entry.changeCount === 1 ? 'change' : 'changes'}`,
              entry.message + (index === 0 ? pc.dim(' (current)') : ''),
            ]),
          ),
    );
  },
});

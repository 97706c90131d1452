import { command } from '../command.ts';
import { Failure } from '../failure.ts';
import { table } from '../output.ts';

interface Cleaned {
  dryRun: boolean;
  results: { name: string; before: string; rows: number; more: boolean }[];
}

/** Deletes what is over: the gateway does so by itself each hour, with its own times. */
export const clean = command({
  name: 'clean',
  description: 'Delete old log rows, ended tokens, forgotten uploads and expired firewall rules',
  args: {
    'dry-run': { type: 'boolean', description: 'Count what would go, delete nothing' },
    keep: {
      type: 'string',
      description: 'Days to keep a kind, log=30; several with commas; audit is cleaned only where it is named',
      valueHint: 'KIND=DAYS',
    },
  },
  async run({ args, values, client, output }) {
    const dryRun = args['dry-run'] === true;
    const keep = Object.fromEntries(
      values('keep').map((text) => {
        const match = /^([a-z]+)=(\d+)$/.exec(text);
        if (match === null) {
          throw new Failure('usage', `--keep ${text}: must be KIND=DAYS, such as log=30`);
        }
        return [match[1]!, Number(match[2])];
      }),
    );
    const answer = await (await client()).send<Cleaned>('POST', '/backend/clean', { dryRun, keep }).catch((thrown) => {
      throw thrown instanceof Failure ? thrown.map((complaint) => ({ ...complaint, flag: '--keep' })) : thrown;
    });
    output.result(answer, () =>
      [
        table(
          answer.results.map(({ name, rows, before, more }) => [
            name,
            `${rows}${more ? ' and more' : ''} ${dryRun ? 'would go' : 'deleted'}`,
            `before ${before}`,
          ]),
        ),
        ...(answer.results.some(({ more }) => more) && !dryRun ? ['There is more: run it again'] : []),
      ].join('\n'),
    );
  },
});

import type { Client } from '../client.ts';
import { command } from '../command.ts';
import { Failure } from '../failure.ts';
import { countChanges, type Published, showChanges } from '../plan.ts';
import type { Collection, Revision } from './revisions.ts';

/** Restores a former configuration as a new revision, so that a later single edit keeps it. */
export const rollback = command({
  name: 'rollback',
  description: 'Restore a revision (the one before, unless given) as a new one',
  args: {
    revision: { type: 'positional', required: false, description: 'Number of the revision' },
    plan: { type: 'boolean', description: 'Show the differences, change nothing' },
  },
  async run({ args, client, output }) {
    const wanted = args.revision as string | undefined;
    if (wanted !== undefined && !/^\d+$/.test(wanted)) {
      throw new Failure('usage', `"${wanted}" is no number of a revision; see "postern revisions"`);
    }
    const api = await client();
    const to = wanted === undefined ? await revisionBefore(api) : Number(wanted);
    const plan = args.plan === true;
    const title = `${plan ? 'Comparing with' : 'Restoring'} revision ${to}`;
    const { revision, results } = await output.progress(title, null, () =>
      api.send<Published>('POST', `/backend/revision/${to}/rollback`, { plan }),
    );
    output.result({ revision, to, plan, results }, () => {
      const changes = showChanges(results, plan);
      const summary = plan
        ? `Back to revision ${to}: ${countChanges(results)}. Nothing was changed.`
        : `Revision ${revision} restores revision ${to}: ${countChanges(results)}`;
      return changes === '' ? summary : `${changes}\n\n${summary}`;
    });
  },
});

async function revisionBefore(api: Client): Promise<number> {
  const { entry } = await api.get<Collection<Revision>>('/backend/revision', { count: 2 });
  const before = entry[1];
  if (before === undefined) {
    throw new Failure('refused', 'There is no revision before the current one');
  }
  return before.revision;
}

import { dirname, join } from 'node:path';
import type { Client } from '../client.ts';
import { command } from '../command.ts';
import { findDeployFile, type LoadedFile, loadFile } from '../deploy/load.ts';
import { type Migrated, migrate, readMigrationFiles, showMigrations } from '../deploy/migrations.ts';
import { type Deployment, readDeployment } from '../deploy/sections.ts';
import { Failure, type Place } from '../failure.ts';
import type { Output } from '../output.ts';
import { countChanges, type Published, showChanges } from '../plan.ts';
import { uploadJson } from '../upload.ts';

/** Bodies over this go up in parts, bytes. */
const inlineLimit = 1_000_000;

/** What a secret looks like when it is read; sent back, it keeps its value. */
const secretMask = '********';

/** Makes the gateway's configuration what the files say: one atomic publish. */
export const deploy = command({
  name: 'deploy',
  description:
    'Apply the migrations beside a .fusio.yml, then the file itself as one atomic publish (or show what would change)',
  args: {
    file: { type: 'positional', required: false, default: '.', description: 'File, or folder with a .fusio.yml' },
    plan: { type: 'boolean', description: 'Show the differences, change nothing' },
    prune: { type: 'boolean', description: 'Delete what the sections of the file no longer hold' },
    message: { type: 'string', alias: 'm', description: 'Shown in the list of revisions', valueHint: 'TEXT' },
    'keep-secrets': {
      type: 'boolean',
      description:
        'Where the variable of a setting of a connection or identity is not set, keep the value that the gateway has',
    },
  },
  async run({ args, client, output }) {
    const file = load(args.file ?? '.', args['keep-secrets'] === true);
    const deployment = readDeployment(file);
    const plan = args.plan === true;
    const body = {
      changes: deployment.changes,
      ...(args.prune ? { prune: deployment.sections } : {}),
      ...(args.message === undefined ? {} : { message: args.message }),
    };
    const api = await client();
    let published: Published;
    let migrated: Migrated | null = null;
    try {
      const files = readMigrationFiles(join(dirname(findDeployFile(args.file ?? '.')), 'migrations'));
      if (files !== null && !plan) {
        // Tables change only for a configuration that is good.
        await publish(api, output, body, true);
      }
      migrated = files === null ? null : await migrate(api, files, { plan });
      published = await publish(api, output, body, plan);
    } catch (thrown) {
      throw thrown instanceof Failure ? placed(thrown, deployment, file.place) : thrown;
    }
    const { revision, results } = published;
    output.result({ revision, plan, results, ...(migrated === null ? {} : { migrations: migrated }) }, () => {
      const tables = migrated === null ? '' : showMigrations(migrated);
      const changes = [tables, showChanges(results, plan)].filter((text) => text !== '').join('\n\n');
      const summary = plan
        ? `Plan: ${countChanges(results)}. Nothing was changed.`
        : `Revision ${revision}: ${countChanges(results)}`;
      return changes === '' ? summary : `${changes}\n\n${summary}`;
    });
  },
});

/** Reads the deploy file. A secret without its variable may stay what it is, but only where that is asked for. */
function load(path: string, keepSecrets: boolean): LoadedFile {
  let secrets = 0;
  try {
    return loadFile(findDeployFile(path), {
      env: process.env,
      unset(_name, pointer) {
        const secret = /^\/(connection|identity)\/[^/]+\/config\//.test(pointer);
        secrets += secret ? 1 : 0;
        return secret && keepSecrets ? secretMask : undefined;
      },
    });
  } catch (thrown) {
    throw thrown instanceof Failure && secrets > 0 && !keepSecrets
      ? new Failure(
          'usage',
          `${thrown.message}: set the variables, or keep the secrets that the gateway has with --keep-secrets`,
          {
            complaints: thrown.complaints,
          },
        )
      : thrown;
  }
}

async function publish(api: Client, output: Output, body: { changes: unknown[] }, plan: boolean): Promise<Published> {
  const title = `${plan ? 'Comparing' : 'Publishing'} ${body.changes.length} entries`;
  const large = JSON.stringify(body).length > inlineLimit;
  const sent = large
    ? { upload: await uploadJson(api, output, 'Uploading the configuration', body), plan }
    : { ...body, plan };
  return output.progress(title, null, () => api.send<Published>('POST', '/backend/deploy', sent));
}

/** Says each complaint of the gateway at the line of the file that it is about. */
function placed(failure: Failure, deployment: Deployment, place: (pointer: string) => Place): Failure {
  const complaints = failure.complaints.map((complaint) => {
    const pointer = complaint.pointer === undefined ? null : deployment.pointer(complaint.pointer);
    return pointer === null ? complaint : { ...complaint, place: place(pointer) };
  });
  return new Failure(kindOf(failure), failure.message, { complaints, status: failure.status });
}

function kindOf(failure: Failure): 'refused' | 'access' | 'unavailable' {
  return failure.exit === 3 ? 'access' : failure.exit === 4 ? 'unavailable' : 'refused';
}

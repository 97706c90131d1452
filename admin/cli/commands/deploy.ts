import type { Client } from '../client.ts';
import { command } from '../command.ts';
import { findDeployFile, loadFile } from '../deploy/load.ts';
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
  description: 'Apply a .fusio.yml (or show what it would change) as one atomic publish',
  args: {
    file: { type: 'positional', required: false, default: '.', description: 'File, or folder with a .fusio.yml' },
    plan: { type: 'boolean', description: 'Show the differences, change nothing' },
    prune: { type: 'boolean', description: 'Delete what the sections of the file no longer hold' },
    message: { type: 'string', alias: 'm', description: 'Shown in the list of revisions', valueHint: 'TEXT' },
    'keep-secrets': {
      type: 'boolean',
      description: 'Where the variable of a connection setting is not set, keep the value that the gateway has',
    },
  },
  async run({ args, client, output }) {
    const file = loadFile(findDeployFile(args.file ?? '.'), {
      env: process.env,
      unset: (_name, pointer) =>
        args['keep-secrets'] && /^\/connection\/[^/]+\/config\//.test(pointer) ? secretMask : undefined,
    });
    const deployment = readDeployment(file);
    const plan = args.plan === true;
    const body = {
      changes: deployment.changes,
      ...(args.prune ? { prune: deployment.sections } : {}),
      ...(args.message === undefined ? {} : { message: args.message }),
    };
    const api = await client();
    let published: Published;
    try {
      published = await publish(api, output, body, plan);
    } catch (thrown) {
      throw thrown instanceof Failure ? placed(thrown, deployment, file.place) : thrown;
    }
    const { revision, results } = published;
    output.result({ revision, plan, results }, () => {
      const changes = showChanges(results, plan);
      const summary = plan
        ? `Plan: ${countChanges(results)}. Nothing was changed.`
        : `Revision ${revision}: ${countChanges(results)}`;
      return changes === '' ? summary : `${changes}\n\n${summary}`;
    });
  },
});

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

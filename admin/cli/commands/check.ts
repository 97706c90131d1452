import pc from 'picocolors';
import type { Change } from '../../../worker/core/ports.ts';
import { askHealth, type Client, type Health } from '../client.ts';
import { command } from '../command.ts';
import { checkChanges, type Findings, type Known } from '../deploy/check.ts';
import { findDeployFile, loadFile } from '../deploy/load.ts';
import { type Deployment, readDeployment } from '../deploy/sections.ts';
import { type Complaint, Failure, type Place, showPlace } from '../failure.ts';
import type { Output } from '../output.ts';
import { countChanges, type Published } from '../plan.ts';
import type { Collection } from './revisions.ts';

/** Checks a deploy file without a gateway, a gateway without a file, or a file against a gateway. */
export const check = command({
  name: 'check',
  description: 'Check a deploy file by the declarations, a gateway (health, connections, configuration), or both',
  args: {
    file: {
      type: 'positional',
      required: false,
      description: 'File, or folder with a .fusio.yml; none: a gateway only',
    },
    online: { type: 'boolean', description: 'Check the file against the gateway of the last login' },
  },
  async run({ args, identity, output, client }) {
    const online = args.file === undefined || args.online === true || identity.url !== undefined;
    const file = args.file === undefined ? undefined : checkFile(args.file, online);
    if (file !== undefined && file.findings.errors.length > 0) {
      throw new Failure('usage', 'The deploy file has faults', { complaints: file.findings.errors });
    }
    const api = online ? await client() : undefined;
    const gateway = api === undefined ? undefined : await checkGateway(api);
    const plan = api === undefined || file === undefined ? undefined : await planOf(api, file);
    const wrong = [...(gateway?.unhealthy ?? []), ...(gateway?.configuration ?? [])];
    if (wrong.length > 0) {
      const kind = gateway!.unhealthy.length > 0 ? 'unavailable' : 'refused';
      throw new Failure(kind, `${gateway!.url} is not well`, { complaints: wrong });
    }
    const notes = file?.findings.notes ?? [];
    output.result(
      {
        ...(file && { file: { entries: file.deployment.changes.length, notes: notes.map(flat) } }),
        ...(gateway && { gateway: { url: gateway.url, checks: gateway.health.checks } }),
        ...(plan && { plan: plan.results }),
      },
      () => report(file, gateway, plan),
    );
    remark(output, notes);
  },
});

interface CheckedFile {
  deployment: Deployment;
  findings: Findings;
  place(pointer: string): Place;
}

/** Without a gateway a variable may be unset: what would be in its place is not judged. */
function checkFile(path: string, online: boolean): CheckedFile {
  const open: string[] = [];
  const file = loadFile(findDeployFile(path), {
    env: process.env,
    unset(name, pointer) {
      open.push(pointer);
      return online && !/\/config\//.test(pointer) ? undefined : `\${env.${name}}`;
    },
  });
  const deployment = readDeployment(file);
  const placed = (complaint: Complaint): Complaint => {
    const pointer = deployment.pointer(complaint.pointer ?? '') ?? '';
    return { ...complaint, pointer, place: file.place(pointer) };
  };
  const { errors, notes } = checkChanges(deployment.changes, null);
  const unset = open.map((pointer) => ({
    pointer,
    rule: 'env',
    message: 'a variable is not set',
    place: file.place(pointer),
  }));
  return {
    deployment,
    findings: {
      errors: errors.map(placed).filter(({ pointer }) => !open.includes(pointer ?? '')),
      notes: [...unset, ...notes.map(placed)],
    },
    place: file.place,
  };
}

interface CheckedGateway {
  url: string;
  health: Health;
  unhealthy: Complaint[];
  configuration: Complaint[];
}

async function checkGateway(api: Client): Promise<CheckedGateway> {
  const health = await askHealth(api.url);
  const unhealthy = Object.entries(health.checks)
    .filter(([, { healthy }]) => !healthy)
    .map(([name, { error }]) => ({ pointer: name, rule: 'health', message: error ?? 'is not healthy' }));
  const exported = await api.get<Record<string, Record<string, unknown>>>('/backend/deploy');
  const changes = Object.entries(exported).flatMap(([resource, entries]) =>
    resource === 'config'
      ? []
      : Object.entries(entries).map(
          ([name, data]): Change => ({ resource, verb: 'put', data: { name, ...(data as object) } }),
        ),
  );
  const known: Known = {};
  for (const kind of ['action', 'schema', 'event']) {
    known[kind] = new Set(await namesOf(api, kind));
  }
  const faults = checkChanges(changes, known).errors.filter(({ rule }) => rule === 'reference' || rule === 'class');
  return {
    url: api.url,
    health,
    unhealthy,
    configuration: faults.map((fault) => ({ ...fault, pointer: whose(fault, changes) })),
  };
}

async function namesOf(api: Client, noun: string): Promise<string[]> {
  const names: string[] = [];
  for (;;) {
    const page = await api.get<Collection<{ name: string }>>(`/backend/${noun}`, {
      startIndex: names.length,
      count: 1024,
    });
    names.push(...page.entry.map(({ name }) => name));
    if (page.entry.length === 0 || names.length >= page.totalResults) {
      return names;
    }
  }
}

/** `/changes/3/data/action` → `operation orders.create: action`. */
function whose({ pointer = '' }: Complaint, changes: readonly Change[]): string {
  const [, , index = '', , ...rest] = pointer.split('/');
  const change = changes[Number(index)]!;
  return `${change.resource} ${String(change.data?.name)}${rest.length === 0 ? '' : `: ${rest.join('.')}`}`;
}

/** What a deploy would do; secrets whose variables are not set are taken for those that the gateway has. */
async function planOf(api: Client, { deployment, place }: CheckedFile): Promise<Published> {
  const kept = JSON.parse(JSON.stringify(deployment.changes), (_key, value) =>
    typeof value === 'string' && /^\$\{env\.[A-Za-z0-9_]+\}$/.test(value) ? '********' : value,
  );
  try {
    return await api.send<Published>('POST', '/backend/deploy', { changes: kept, plan: true });
  } catch (thrown) {
    throw thrown instanceof Failure
      ? thrown.map((complaint) => {
          const pointer = deployment.pointer(complaint.pointer ?? '');
          return pointer === null ? complaint : { ...complaint, place: place(pointer) };
        })
      : thrown;
  }
}

function report(
  file: CheckedFile | undefined,
  gateway: CheckedGateway | undefined,
  plan: Published | undefined,
): string {
  const well = (text: string) => `${pc.green('✓')} ${text}`;
  return [
    ...(file ? [well(`Deploy file: ${file.deployment.changes.length} entries`)] : []),
    ...(gateway
      ? [
          well(`Gateway ${gateway.url}: ${Object.keys(gateway.health.checks).join(', ')}`),
          well('References and classes of its configuration'),
        ]
      : []),
    ...(plan ? [well(`Plan: ${countChanges(plan.results)}`)] : []),
  ].join('\n');
}

function remark(output: Output, notes: readonly Complaint[]): void {
  for (const { place, message } of notes.slice(0, 20)) {
    output.note(`${pc.yellow('Note:')} ${place === undefined ? '' : `${showPlace(place)}  `}${message}`);
  }
  if (notes.length > 20) {
    output.note(`… and ${notes.length - 20} more notes; --json tells all`);
  }
}

function flat({ place, ...complaint }: Complaint) {
  return { ...complaint, ...place };
}

import { readFileSync } from 'node:fs';
import pc from 'picocolors';
import type { Client } from '../client.ts';
import { command } from '../command.ts';
import { Failure } from '../failure.ts';
import { type Note, readFusio } from '../fusio/source.ts';
import { translateFusio } from '../fusio/translate.ts';
import { type ImportedUser, readUsers } from '../fusio/users.ts';
import type { Output } from '../output.ts';

/** Users of one request. */
const part = 500;

interface UserAnswer {
  created: number;
  existing: { row: number; name: string }[];
  rejected: { row: number; name: string; pointer: string; rule: string; message: string }[];
  dropped: { row: number; name: string; scopes: string[] }[];
}

interface Report {
  plan: boolean;
  /** What the gateway did, or left out. */
  configuration: string[];
  users: UserAnswer | null;
  notes: Note[];
}

/** Brings a Fusio over: its configuration as one publish, then its users with their passwords. */
export const importFusio = command({
  name: 'fusio',
  description: 'Bring a Fusio over: a backup or deploy folder of any version, and its users with their passwords',
  args: {
    path: {
      type: 'positional',
      required: false,
      description: 'Backup (/backend/backup/export), .fusio.yml, or the folder that holds one',
    },
    users: {
      type: 'string',
      description: 'Dump of the table fusio_user, or of the whole database: SQL, CSV or JSON',
      valueHint: 'FILE',
    },
    'user-columns': {
      type: 'string',
      description: 'Names of the columns of a CSV without a first line of names',
      valueHint: 'NAMES',
    },
    role: {
      type: 'string',
      description: 'Name of a role by its number in Fusio, 4=Partner; several with commas',
      valueHint: 'ID=NAME',
    },
    plan: { type: 'boolean', description: 'Say what would be taken, change nothing' },
  },
  async run({ args, values, client, output }) {
    if (args.path === undefined && args.users === undefined) {
      throw new Failure('usage', 'Name a backup or a deploy folder, or users with --users');
    }
    const config = args.path === undefined ? null : readFusio(args.path);
    const users =
      args.users === undefined
        ? null
        : readUsers(args.users, read(args.users), { columns: values('user-columns'), roles: rolesOf(values('role')) });
    const api = await client();
    const plan = args.plan === true;
    const report: Report = { plan, configuration: [], users: null, notes: users?.notes ?? [] };
    if (config !== null) {
      const { backup, notes } = translateFusio(config, await knownClasses(api));
      report.notes = [...notes, ...report.notes];
      const body = { import: JSON.stringify({ version: 'fusio', ...backup }), plan };
      const title = plan ? 'Comparing the configuration' : 'Importing the configuration';
      const answer = await output.progress(title, null, () =>
        api.send<{ logs: string[] }>('POST', '/backend/backup/import', body),
      );
      report.configuration = answer.logs;
    }
    if (users !== null) {
      report.users = await sendUsers(api, output, users.users, plan);
    }
    output.result(report, () => show(report));
  },
});

/** In parts, each of which is added as a whole; `row` counts over all of them. */
async function sendUsers(api: Client, output: Output, users: ImportedUser[], plan: boolean): Promise<UserAnswer> {
  const total: UserAnswer = { created: 0, existing: [], rejected: [], dropped: [] };
  return output.progress(`${plan ? 'Checking' : 'Importing'} ${users.length} users`, users.length, async (advance) => {
    for (let start = 0; start < users.length; start += part) {
      const sent = users.slice(start, start + part);
      const answer = await api.send<UserAnswer>('POST', '/backend/user/import', { users: sent, plan });
      const moved = <Row extends { row: number }>(rows: Row[]) => rows.map((row) => ({ ...row, row: row.row + start }));
      total.created += answer.created;
      total.existing.push(...moved(answer.existing));
      total.rejected.push(...moved(answer.rejected));
      total.dropped.push(...moved(answer.dropped));
      advance(sent.length);
    }
    return total;
  });
}

async function knownClasses(api: Client) {
  const [{ actions }, { connections }] = await Promise.all([
    api.get<{ actions: { class: string }[] }>('/backend/action/list'),
    api.get<{ connections: { class: string }[] }>('/backend/connection/list'),
  ]);
  return { action: actions.map((type) => type.class), connection: connections.map((type) => type.class) };
}

function rolesOf(given: string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((text) => {
      const match = /^(\d+)=(.+)$/.exec(text);
      if (match === null) {
        throw new Failure('usage', `--role ${text}: must be ID=NAME, such as 4=Partner`);
      }
      return [match[1]!, match[2]!];
    }),
  );
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch (thrown) {
    throw new Failure('usage', `${file} cannot be read: ${(thrown as Error).message}`);
  }
}

const titles: Record<Note['kind'], string> = {
  translated: 'Translated',
  replace: 'To be done by hand',
  'left out': 'Left out',
};

function show({ plan, configuration, users, notes }: Report): string {
  const block = (title: string, lines: string[]) =>
    lines.length === 0 ? [] : [pc.bold(title), ...lines.map((line) => `  ${line}`), ''];
  const taken = configuration.filter((line) => !line.startsWith('Skipped'));
  const skipped = configuration.filter((line) => line.startsWith('Skipped'));
  const said = (kind: Note['kind']) =>
    notes.filter((note) => note.kind === kind).map(({ about, message }) => `${about}: ${message}`);
  const userLines =
    users === null
      ? []
      : [
          `${users.created} ${plan ? 'would be added' : 'added; each is hashed anew at the first login'}`,
          ...users.existing.map(({ name }) => `${name} is there already and stays as it is`),
          ...users.rejected.map(({ row, name, rule, message }) => `row ${row + 1}, ${name}: ${message} (${rule})`),
          ...users.dropped.map(
            ({ name, scopes }) => `${name}: without the scopes ${scopes.join(', ')}, which do not exist here`,
          ),
        ];
  return [
    ...block(plan ? 'Would be taken' : 'Taken', taken),
    ...block('Refused by the gateway', skipped),
    ...block(titles.translated, said('translated')),
    ...block(titles.replace, said('replace')),
    ...block(titles['left out'], said('left out')),
    ...block('Users', userLines),
    plan ? 'Nothing was changed.' : 'Done.',
  ].join('\n');
}

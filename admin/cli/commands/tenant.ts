import { defineCommand } from 'citty';
import pc from 'picocolors';
import { stringify } from 'yaml';
import { ask, askSecret, confirm, readStdin } from '../ask.ts';
import { command } from '../command.ts';
import { listVerb } from '../entity/list.ts';
import { registry } from '../entity/registry.ts';
import { Failure } from '../failure.ts';

interface Answer {
  message: string;
  id: string;
  setupToken?: string;
}

interface Tenant {
  name: string;
  hosts: string[];
}

const name = { type: 'positional', required: true, description: 'Name of the tenant' } as const;
const pathOf = (tenant: string) => `/backend/tenant/${encodeURIComponent(tenant)}`;

/** Installations of their own behind hosts of their own; only administrators of the root tenant may set them up. */
export const tenant = defineCommand({
  meta: {
    name: 'tenant',
    description: 'List, set up and remove tenants: installations of their own, each behind its own hosts',
  },
  subCommands: {
    list: () => listVerb('tenant', registry.entities.tenant!),
    get: () => get,
    setup: () => setup,
    remove: () => remove,
  },
});

const get = command({
  name: 'get',
  description: 'Show one tenant',
  args: { name },
  async run({ args, client, output }) {
    const found = await (await client()).get<Tenant>(pathOf(args.name));
    output.result(found, () => stringify(found, { lineWidth: 0 }));
  },
});

/** Members of the request by the options that give them. */
const flags: Record<string, string> = {
  hosts: '--host',
  name: '--admin',
  email: '--email',
  password: '--password-stdin',
};

const setup = command({
  name: 'setup',
  description: 'Set up a tenant, or change its hosts; safe to repeat',
  args: {
    name,
    host: {
      type: 'string',
      description:
        'Host names that choose it, without a port; several with commas. They take the place of those it has',
      valueHint: 'NAMES',
    },
    admin: {
      type: 'string',
      description:
        'Make its first administrator, of this name; else a setup token is printed that lets its owner do so',
      valueHint: 'NAME',
    },
    email: { type: 'string', description: 'Mail address of the administrator', valueHint: 'ADDRESS' },
    'password-stdin': {
      type: 'boolean',
      description: 'Read the password of the administrator from the standard input',
    },
  },
  async run({ args, values, client, output }) {
    const hosts = values('host');
    const administrator = async () => ({
      name: args.admin!,
      email: args.email ?? (await ask('Mail address', '--email')),
      password: args['password-stdin'] ? await readStdin() : await askSecret('Password', '--password-stdin', true),
    });
    const user = args.admin ? await administrator() : undefined;
    const body = { ...(hosts.length === 0 ? {} : { hosts }), ...(user === undefined ? {} : { user }) };
    const gateway = await client();
    const answer = await gateway.send<Answer>('PUT', pathOf(args.name), body).catch((thrown) => {
      throw thrown instanceof Failure
        ? thrown.map((complaint) => ({
            ...complaint,
            flag: complaint.pointer?.includes('/hosts/') ? '--host' : flags[complaint.pointer?.split('/').at(-1) ?? ''],
          }))
        : thrown;
    });
    output.result(answer, () =>
      [
        `${answer.message}: ${pc.bold(args.name)}`,
        ...(answer.setupToken === undefined
          ? []
          : [
              'It has no administrator yet. Make one:',
              '',
              `  npx postern setup --url ${atHost(gateway.url, hosts[0] ?? 'HOST')} --token ${answer.setupToken}`,
            ]),
      ].join('\n'),
    );
  },
});

const remove = command({
  name: 'remove',
  description: 'Remove a tenant: its hosts answer 410, everything that it had is deleted',
  args: { name, yes: { type: 'boolean', alias: 'y', description: 'Do not ask' } },
  async run({ args, client, output }) {
    const api = await client();
    const { hosts } = await api.get<Tenant>(pathOf(args.name));
    if (!args.yes) {
      await confirm(
        `Remove the tenant ${args.name} (${hosts.join(', ') || 'without hosts'}) with all that it has?`,
        '--yes',
      );
    }
    const answer = await api.send<Answer>('DELETE', pathOf(args.name));
    output.result(answer, () => `${answer.message}: ${pc.bold(args.name)}`);
  },
});

/** The gateway's address as that of a tenant's host: a local one keeps its port. */
function atHost(url: string, host: string): string {
  const { protocol, port } = new URL(url);
  return `${protocol}//${host}${port && `:${port}`}`;
}

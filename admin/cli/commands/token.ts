import { type CommandDef, defineCommand } from 'citty';
import pc from 'picocolors';
import { confirm } from '../ask.ts';
import { command } from '../command.ts';
import { listVerb } from '../entity/list.ts';
import { registry } from '../entity/registry.ts';
import { Failure } from '../failure.ts';

/** As `POST /consumer/token` answers. */
interface Issued {
  access_token: string;
  expires_in: number;
  refresh_token: string;
  scope: string;
}

const everyone = { type: 'boolean', description: 'Tokens of all users, also those of logins' } as const;
const which = { type: 'positional', required: true, description: 'Id, or name of an own token' } as const;
const days = 30;

/** Personal access tokens of who is logged in; with `--everyone` the tokens of all. */
export const token = defineCommand({
  meta: {
    name: 'token',
    description: 'Make, list and revoke access tokens: your own, or with --everyone those of all users',
  },
  subCommands: {
    create: () => create,
    list: () => list,
    get: () => get,
    revoke: () => revoke('revoke'),
    delete: () => revoke('delete'),
  },
});

const list: CommandDef<any> = listVerb('token', {
  ...registry.entities.token!,
  description: 'Lists your personal access tokens, newest first',
  own: '/consumer/token',
});

const create = command({
  name: 'create',
  description: 'Make a personal access token and print it, this once',
  args: {
    name: { type: 'string', description: 'What it is for (needed)', valueHint: 'TEXT' },
    scopes: {
      type: 'string',
      description: 'What it may do; several with commas; all of yours unless given',
      valueHint: 'NAMES',
    },
    days: { type: 'string', description: `How long it lives, at most 365; ${days} unless given`, valueHint: 'NUMBER' },
    expire: { type: 'string', description: 'Day or moment of its end, instead', valueHint: 'DATE' },
  },
  async run({ args, values, client, output }) {
    if (!args.name) {
      throw new Failure('usage', 'What is the token for? Give --name');
    }
    const api = await client();
    const scopes = values('scopes');
    const body = {
      name: args.name,
      expire: args.expire ?? endIn(args.days ?? String(days)),
      scopes: scopes.length > 0 ? scopes : (await api.get<{ scopes?: string[] }>('/authorization/whoami')).scopes,
    };
    const issued = await api.send<Issued>('POST', '/consumer/token', body).catch((thrown) => {
      throw thrown instanceof Failure
        ? thrown.map((complaint) => ({
            ...complaint,
            flag: complaint.pointer?.replace(/^(?:\/body)?\/(\w+).*$/, '--$1'),
          }))
        : thrown;
    });
    output.note(
      pc.dim(`Good until ${new Date(Date.now() + issued.expires_in * 1000).toISOString()}; it is not shown again`),
    );
    output.result(issued, () => issued.access_token);
  },
});

const get = command({
  name: 'get',
  description: 'Show what is known of a token; the token itself is kept nowhere',
  args: { key: which, everyone },
  async run({ args, client, output }) {
    const found = await (await client()).get<Record<string, unknown>>(pathOf(args.key, args.everyone === true));
    output.result(found, () =>
      Object.entries(found)
        .map(([name, value]) => `${name}: ${Array.isArray(value) ? value.join(', ') : String(value)}`)
        .join('\n'),
    );
  },
});

function revoke(name: string): CommandDef<any> {
  return command({
    name,
    description: 'End a token and its refresh token, everywhere within seconds',
    args: { key: which, everyone, yes: { type: 'boolean', alias: 'y', description: 'Do not ask' } },
    async run({ args, client, output }) {
      const path = pathOf(args.key, args.everyone === true);
      const api = await client();
      if (!args.yes) {
        const { name: found = args.key } = await api.get<{ name?: string }>(path);
        await confirm(`Revoke the token ${found}?`, '--yes');
      }
      const answer = await api.send<{ message: string }>('DELETE', path);
      output.result(answer, () => answer.message);
    },
  });
}

function pathOf(key: string, all: boolean): string {
  if (all && !/^\d+$/.test(key)) {
    throw new Failure('usage', `"${key}" is no id; names are known of your own tokens only`);
  }
  const written = /^\d+$/.test(key) ? key : `~${encodeURIComponent(key.replace(/^~/, ''))}`;
  return `/${all ? 'backend' : 'consumer'}/token/${written}`;
}

function endIn(text: string): string {
  if (!/^\d{1,3}$/.test(text) || Number(text) < 1) {
    throw new Failure('usage', `--days must be a number from 1 to 365, not "${text}"`);
  }
  return new Date(Date.now() + Number(text) * 86_400_000 - 60_000).toISOString();
}

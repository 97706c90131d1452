import { randomBytes } from 'node:crypto';
import pc from 'picocolors';
import { ask, askSecret, readStdin } from '../ask.ts';
import type { Client } from '../client.ts';
import { command } from '../command.ts';
import { Failure } from '../failure.ts';
import type { Collection } from './revisions.ts';

interface Role {
  id: number;
  name: string;
}

/** Members of the request by the options that give them. */
const flags: Record<string, string> = {
  roleId: '--role',
  name: '--name',
  email: '--email',
  password: '--password-stdin',
};

/** Adds an account as an administrator does it by hand: what is not given is asked for. */
export const userAdd = command({
  name: 'add',
  description: 'Add a user: what is not given is asked for, the password unseen',
  args: {
    role: { type: 'string', description: 'Name or id of the role', valueHint: 'NAME' },
    name: { type: 'string', description: 'User name', valueHint: 'NAME' },
    email: { type: 'string', description: 'Mail address', valueHint: 'ADDRESS' },
    'password-stdin': { type: 'boolean', description: 'Read the password of the new user from the standard input' },
    generate: { type: 'boolean', description: 'Make a password and print it, this once' },
  },
  async run({ args, client, output }) {
    if (args['password-stdin'] && args.generate) {
      throw new Failure('usage', 'Give one of --password-stdin and --generate');
    }
    const api = await client();
    const roleId = await roleOf(api, args.role);
    const name = args.name ?? (await ask('User name', '--name'));
    const email = args.email ?? (await ask('Mail address', '--email'));
    const generated = args.generate ? randomBytes(15).toString('base64url') : undefined;
    const password =
      generated ??
      (args['password-stdin']
        ? await readStdin()
        : await askSecret('Password', '--password-stdin or --generate', true));
    const answer = await api
      .send<{ id: string; message: string }>('POST', '/backend/user', { roleId, name, email, password })
      .catch((thrown) => {
        throw thrown instanceof Failure
          ? thrown.map((complaint) => ({ ...complaint, flag: flags[complaint.pointer?.split('/').at(-1) ?? ''] }))
          : thrown;
      });
    const made = { id: Number(answer.id), name, email, roleId };
    output.result(generated === undefined ? made : { ...made, password: generated }, () =>
      [
        `Added the user ${pc.bold(name)} (${answer.id})`,
        ...(generated === undefined ? [] : [`Password: ${generated}`]),
      ].join('\n'),
    );
  },
});

async function roleOf(api: Client, given: string | undefined): Promise<number> {
  const { entry } = await api.get<Collection<Role>>('/backend/role', { count: 1024 });
  const names = entry.map((role) => role.name).join(', ');
  const wanted = given ?? (await ask(`Role (${names})`, '--role', 'Consumer'));
  const found = entry.find((role) => role.name === wanted || String(role.id) === wanted);
  if (found === undefined) {
    throw new Failure('usage', `--role: there is no role "${wanted}"; there are ${names}`);
  }
  return found.id;
}

import { ask, askSecret, readStdin } from '../ask.ts';
import { readUrl, setUp } from '../client.ts';
import { command } from '../command.ts';

/** Makes the first administrator of a gateway, once, with the token that `npm run deploy` prints. */
export const setup = command({
  name: 'setup',
  description: 'Make the first administrator of a new gateway, with the token that npm run deploy prints',
  args: {
    name: { type: 'string', description: 'Name of the administrator', valueHint: 'NAME' },
    email: { type: 'string', description: 'E-mail address', valueHint: 'ADDRESS' },
    token: { type: 'string', description: 'Setup token', valueHint: 'TOKEN' },
    'password-stdin': { type: 'boolean', description: 'Read the new password from the standard input' },
  },
  async run({ args, identity, output }) {
    const { env } = process;
    // Not the gateway of the last login: this is about a new one.
    const url = readUrl(identity.url ?? env.POSTERN_URL ?? (await ask('Gateway', '--url')));
    const name = args.name ?? (await ask('Name of the administrator', '--name', 'admin'));
    const email = args.email ?? (await ask('E-mail address', '--email'));
    const token = args.token ?? (await askSecret('Setup token', '--token'));
    const password = args['password-stdin']
      ? await readStdin()
      : (identity.password ??
        env.POSTERN_PASSWORD ??
        (await askSecret('New password', '--password-stdin or POSTERN_PASSWORD', true)));
    const { id } = await setUp(url, { token, name, email, password });
    output.result(
      { url, id, name, email },
      () => `Made the administrator ${name} at ${url}. Log in:\n\n  npx postern login --url ${url} --user ${name}`,
    );
  },
});

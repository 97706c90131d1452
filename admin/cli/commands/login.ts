import { ask, askSecret, readStdin } from '../ask.ts';
import { logIn, readUrl } from '../client.ts';
import { command } from '../command.ts';
import { currentGateway, keepSession, sessionFile } from '../session.ts';

/** Exchanges a password for a token and keeps that, never the password. */
export const login = command({
  name: 'login',
  description: 'Log in at a gateway: a user name and password, or an app key and secret',
  args: {
    'password-stdin': { type: 'boolean', description: 'Read the password from the standard input' },
  },
  async run({ args, identity, output }) {
    const { env } = process;
    const url = readUrl(
      identity.url ?? env.POSTERN_URL ?? (await ask('Gateway', '--url', currentGateway() ?? 'http://127.0.0.1:8080')),
    );
    const user = identity.user ?? env.POSTERN_USER ?? (await ask('User name or app key', '--user'));
    const password = args['password-stdin']
      ? await readStdin()
      : (identity.password ??
        env.POSTERN_PASSWORD ??
        (await askSecret('Password', '--password-stdin or POSTERN_PASSWORD')));
    const session = await logIn(url, user, password);
    keepSession(url, session, true);
    const file = sessionFile();
    output.result(
      { url, user, expires: new Date(session.expires * 1000).toISOString(), file },
      () => `Logged in at ${url} as ${user}`,
    );
  },
});

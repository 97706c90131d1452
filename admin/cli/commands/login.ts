import { logIn, readUrl } from '../client.ts';
import { command } from '../command.ts';
import { Failure } from '../failure.ts';
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
      : (identity.password ?? env.POSTERN_PASSWORD ?? (await askSecret('Password')));
    const session = await logIn(url, user, password);
    keepSession(url, session, true);
    const file = sessionFile();
    output.result(
      { url, user, expires: new Date(session.expires * 1000).toISOString(), file },
      () => `Logged in at ${url} as ${user}`,
    );
  },
});

async function ask(message: string, option: string, initialValue?: string): Promise<string> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    throw new Failure('usage', `${message}: give ${option}`);
  }
  const { text } = await import('@clack/prompts');
  return answered(await text({ message, initialValue, validate: (value) => (value ? undefined : 'Needed') }));
}

async function askSecret(message: string): Promise<string> {
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    throw new Failure('usage', `${message}: give --password-stdin or POSTERN_PASSWORD`);
  }
  const { password } = await import('@clack/prompts');
  return answered(await password({ message, validate: (value) => (value ? undefined : 'Needed') }));
}

function answered(answer: string | symbol): string {
  // A symbol stands for Ctrl-C.
  if (typeof answer === 'symbol') {
    process.exit(130);
  }
  return answer;
}

async function readStdin(): Promise<string> {
  let input = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    input += chunk;
  }
  return input.replace(/\r?\n$/, '');
}

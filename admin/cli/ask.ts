import { Failure } from './failure.ts';

/** Asks at the terminal for what the option `option` would have given; without a terminal that is a mistake of the command line. */
export async function ask(message: string, option: string, initialValue?: string): Promise<string> {
  needTerminal(message, option);
  const { text } = await import('@clack/prompts');
  return answered(await text({ message, initialValue, validate: (value) => (value ? undefined : 'Needed') }));
}

/** The same, without showing what is typed. `repeat`: a new password is typed twice. */
export async function askSecret(message: string, option: string, repeat = false): Promise<string> {
  needTerminal(message, option);
  const { password } = await import('@clack/prompts');
  const secret = answered(await password({ message, validate: (value) => (value ? undefined : 'Needed') }));
  if (repeat) {
    const validate = (value: string | undefined) => (value === secret ? undefined : 'Not the same');
    answered(await password({ message: `${message}, again`, validate }));
  }
  return secret;
}

/** Asks before what cannot be undone; ends the command unless the answer is yes. `option` says yes without asking. */
export async function confirm(message: string, option: string): Promise<void> {
  needTerminal(message, option);
  const prompts = await import('@clack/prompts');
  const answer = await prompts.confirm({ message, initialValue: false });
  if (answer !== true) {
    throw new Failure('usage', 'Nothing was done');
  }
}

/** All of the standard input, without the newline at its end. */
export async function readStdin(): Promise<string> {
  let input = '';
  for await (const chunk of process.stdin.setEncoding('utf8')) {
    input += chunk;
  }
  return input.replace(/\r?\n$/, '');
}

function needTerminal(message: string, option: string): void {
  if (!process.stdin.isTTY || !process.stdout.isTTY) {
    throw new Failure('usage', `${message}: give ${option}`);
  }
}

function answered(answer: string | symbol): string {
  // A symbol stands for Ctrl-C.
  if (typeof answer === 'symbol') {
    process.exit(130);
  }
  return answer;
}

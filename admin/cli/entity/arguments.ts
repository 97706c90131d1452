import { Failure } from '../failure.ts';

/** An option of a command as it was written. */
export interface Option {
  /** As it was written, without a value: `--config.url`. */
  flag: string;
  /** Its name: `config.url`, parts as they were written. */
  name: string;
  /** Its value; true for an option without one, null for `--no-…`. */
  value: string | true | null;
}

/** What stands on a command line behind the command. */
export interface Arguments {
  options: Option[];
  positionals: string[];
}

/**
 * Takes a command line apart without knowing all options, for members of a configuration are named by their classes.
 * `isSwitch` says of a name whether it stands alone; true or false may follow it. Throws Failure where a value is missing.
 */
export function readArguments(raw: readonly string[], isSwitch: (name: string) => boolean): Arguments {
  const options: Option[] = [];
  const positionals: string[] = [];
  for (let index = 0; index < raw.length; index++) {
    const word = raw[index]!;
    if (word === '--') {
      positionals.push(...raw.slice(index + 1));
      break;
    }
    const match = /^--?([A-Za-z][^=]*)(?:=([\s\S]*))?$/.exec(word);
    if (match === null) {
      positionals.push(word);
      continue;
    }
    const [, name = '', given] = match;
    const flag = word.split('=')[0]!;
    const next = raw[index + 1];
    if (given !== undefined) {
      options.push({ flag, name, value: given });
    } else if (isSwitch(name)) {
      const follows = next === 'true' || next === 'false';
      options.push({ flag, name, value: follows ? next : true });
      index += follows ? 1 : 0;
    } else if (word.startsWith('--no-')) {
      options.push({ flag, name: name.slice('no-'.length), value: null });
    } else if (next === undefined || /^--?[A-Za-z]/.test(next)) {
      throw new Failure('usage', `The option ${flag} needs a value (${flag}=… where it begins with "-")`);
    } else {
      options.push({ flag, name, value: next });
      index++;
    }
  }
  return { options, positionals };
}

/** `httpMethod` → `http-method`: how a member is written as an option. */
export function optionOf(member: string): string {
  return member.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`);
}

/** The declared name that an option means, in either spelling; undefined when there is none. */
export function findName(names: readonly string[], written: string): string | undefined {
  return names.find((name) => name === written) ?? names.find((name) => bare(name) === bare(written));
}

/** `httpPath`, `http-path` and `http_path` are one name. */
function bare(name: string): string {
  return name.replace(/[-_]/g, '').toLowerCase();
}

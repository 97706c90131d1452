// `${env.NAME}` is found before a file is parsed, because its braces mean something else in YAML's flow style, and
// replaced afterwards, so that no value of a variable can change the structure of a file. In between stand characters of the
// private use area, as many as there were, so that places in the file stay true. `$${env.NAME}` is the text itself.

const dollar = '\uE000';
const open = '\uE001';
const close = '\uE002';
const literal = '\uE003';
const placeholder = /\$(\$?)\{env\.([A-Za-z_][A-Za-z0-9_]*)\}/g;
const marked = /(\uE003?)\uE000\uE001env\.([A-Za-z_][A-Za-z0-9_]*)\uE002/g;

/** Marks the variables of a text that is going to be parsed. */
export function markVariables(text: string): string {
  return text.replace(
    placeholder,
    (_, escaped: string, name: string) => `${escaped && literal}${dollar}${open}env.${name}${close}`,
  );
}

/** Whether a marked text has variables at all: most files have none. */
export function holdsVariables(text: string): boolean {
  return text.includes(dollar);
}

/** Whether a parsed text is one variable and nothing else. */
export function isVariable(text: string): boolean {
  return new RegExp(`^${marked.source}$`).test(text) && !text.startsWith(literal);
}

/** Fills the variables of a parsed text in; `resolve` gives the value of a name. */
export function fillVariables(text: string, resolve: (name: string) => string): string {
  return text.includes(dollar)
    ? text.replace(marked, (_, escaped: string, name: string) => (escaped ? `\${env.${name}}` : resolve(name)))
    : text;
}

/** The value of a variable: the name as it is written, else in other letters, as long as that is clear. */
export function findVariable(env: NodeJS.ProcessEnv, name: string): string | undefined {
  if (env[name] !== undefined) {
    return env[name];
  }
  const alike = Object.keys(env).filter((candidate) => candidate.toLowerCase() === name.toLowerCase());
  return alike.length === 1 ? env[alike[0]!] : undefined;
}

/** What an unquoted variable means in YAML: a number or boolean when it is written just as one, else text. */
export function typedValue(text: string): unknown {
  if (text === 'true' || text === 'false') {
    return text === 'true';
  }
  return text !== '' && String(Number(text)) === text && Number.isFinite(Number(text)) ? Number(text) : text;
}

import { command } from '../command.ts';
import { parseText, readText } from '../document.ts';
import { Failure } from '../failure.ts';
import { type Generated, generatedApiOptions, showGenerated } from '../generated.ts';
import { table } from '../output.ts';

interface Provider {
  name: string;
  class: string;
}

interface Form {
  element: { name: string }[];
}

/** Members of configurations that are documents, which a file holds. */
const documents = ['schema', 'spec', 'import'];

/** Makes schemas, actions, operations and what these stand on out of tables, entities or descriptions: one publish. */
export const generate = command({
  name: 'generate',
  description:
    'Make an API of tables, of entities that are only described yet, or of a description: schemas, actions, operations, tables',
  args: {
    class: {
      type: 'positional',
      required: false,
      description: 'Generator, by name or class (SQL-Table, SQL-Database, SQL-Entity, …); none lists them',
    },
    file: {
      type: 'positional',
      required: false,
      description:
        'Where the generator wants a document: JSON or YAML file, http(s) URL, or "-" for the standard input',
    },
    path: { type: 'string', description: 'Path in front of all routes; begins the names as well', valueHint: '/PATH' },
    connection: { type: 'string', description: 'Connection of the tables or of the API', valueHint: 'NAME' },
    table: { type: 'string', description: 'Table of SQL-Table', valueHint: 'NAME' },
    prefix: { type: 'string', description: 'Beginning of the tables of SQL-Database', valueHint: 'TEXT' },
    set: {
      type: 'string',
      description: 'Any other member of the configuration; may come several times',
      valueHint: 'MEMBER=VALUE',
    },
    ...generatedApiOptions,
  },
  async run({ args, client, output, values }) {
    const api = await client();
    const { providers } = await api.get<{ providers: Provider[] }>('/backend/generator');
    if (args.class === undefined) {
      output.result({ providers }, () => table(providers.map(({ name, class: of }) => [name, of])));
      return;
    }
    const provider = find(providers, args.class);
    const scopes = values('scope');
    const plan = args.plan === true;
    const place = `/backend/generator/${encodeURIComponent(provider.class)}`;
    const { element } = await api.get<Form>(place);
    const known = element.map(({ name }) => name);
    const config = configOf(provider, known, {
      ...{ connection: args.connection, table: args.table, prefix: args.prefix },
      ...pairs(values('set')),
    });
    const member = documents.find((name) => known.includes(name));
    if (args.file !== undefined) {
      if (member === undefined) {
        throw new Failure('usage', `${provider.name} takes no file`);
      }
      const document = parseText(args.file, await readText(args.file, output));
      config[member] = member === 'schema' ? document : JSON.stringify(document);
    } else if (member !== undefined && config[member] === undefined) {
      throw new Failure('usage', `${provider.name} needs a file with its ${member}`);
    }
    const body = {
      path: args.path ?? '',
      scopes: scopes.length > 0 ? scopes : ['default'],
      public: args.public === true,
      update: args.update === true,
      ...(args.message === undefined ? {} : { message: args.message }),
      config,
    };
    const answer = await output.progress(plan ? 'Comparing' : 'Generating', null, () =>
      api.send<Generated>(plan ? 'PUT' : 'POST', place, body),
    );
    output.result(plan ? answer : { ...answer, plan }, () => showGenerated(answer, plan));
  },
});

/** `sql-entity`, `SQL-Entity` and the class with dots or backslashes mean the same. */
function find(providers: readonly Provider[], written: string): Provider {
  const plain = (text: string) => text.replaceAll('\\', '.').toLowerCase();
  const found = providers.find((provider) => [provider.name, provider.class].map(plain).includes(plain(written)));
  if (found === undefined) {
    const names = providers.map(({ name }) => name).join(', ');
    throw new Failure('usage', `There is no generator "${written}"; there are ${names}`);
  }
  return found;
}

function configOf(
  provider: Provider,
  known: readonly string[],
  given: Record<string, string | undefined>,
): Record<string, unknown> {
  const chosen = Object.entries(given).filter(([, value]) => value !== undefined);
  const [unknown] = chosen.find(([name]) => !known.includes(name)) ?? [];
  if (unknown !== undefined) {
    throw new Failure('usage', `${provider.name} has no ${unknown}; it has ${known.join(', ')}`);
  }
  // The platform's own tables are what most mean.
  const system = provider.name.startsWith('SQL-') ? { connection: 'System' } : {};
  return { ...system, ...Object.fromEntries(chosen) };
}

function pairs(settings: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    settings.map((setting) => {
      const [, name, value] = /^([^=]+)=(.*)$/s.exec(setting) ?? [];
      if (name === undefined) {
        throw new Failure('usage', `--set ${setting}: must be MEMBER=VALUE`);
      }
      return [name, value!];
    }),
  );
}

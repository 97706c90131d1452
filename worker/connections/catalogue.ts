import { type TSchema, Type } from 'typebox';
import { ApiError } from '../core/errors.ts';
import type { ConnectionType } from './define.ts';

function entry(name: string, className: string, members: Record<string, TSchema>): ConnectionType {
  const optional = Object.entries(members).map(([member, schema]) => [member, Type.Optional(schema)] as const);
  return {
    class: `Fusio.Adapter.${className}`,
    name,
    description: `Can be configured and saved. It cannot be opened yet: the ${name} client is missing.`,
    config: Type.Object(Object.fromEntries(optional)),
    async open() {
      throw new ApiError(
        'not_configured',
        `A connection of the class ${name} cannot be opened here: its client is missing`,
      );
    },
  };
}

const text = (title: string, description: string, more: Record<string, unknown> = {}) =>
  Type.String({ title, description, ...more });
const secret = (title: string, description: string) => text(title, description, { input: 'password', secret: true });
const port = Type.Unsafe<string | number>({
  type: ['integer', 'string'],
  title: 'Port',
  description: 'Port of the server',
  input: 'number',
});
const flag = (title: string, description: string) => Type.Boolean({ title, description });
const list = (title: string, description: string) => Type.Array(Type.String(), { title, description });
const host = text('Host', 'Name or address of the server');
const url = text('URL', 'Address of the server', { input: 'url' });
const username = text('Username', 'Name of the user');
const password = secret('Password', 'Password of the user');

function databases(): ConnectionType[] {
  return [
    entry('SQL', 'Sql.Connection.Sql', {
      type: text('Type', 'The driver which is used to connect to the database', {
        options: [
          ['pdo_mysql', 'MySQL'],
          ['pdo_pgsql', 'PostgreSQL'],
          ['sqlsrv', 'Microsoft SQL Server'],
          ['oci8', 'Oracle Database'],
          ['sqlanywhere', 'SAP Sybase SQL Anywhere'],
        ],
      }),
      host: text('Host', 'The IP or hostname of the database server'),
      username: text('Username', 'The name of the database user'),
      password: secret('Password', 'The password of the database user'),
      database: text('Database', 'The name of the database which is used upon connection'),
    }),
    // The url holds the password.
    entry('SQL-Advanced', 'Sql.Connection.SqlAdvanced', {
      url: secret(
        'URL',
        'Driver, user, password, host and database in one: <code>mysql://user:password@host/name</code>',
      ),
    }),
    entry('Redis', 'Redis.Connection.Redis', { host, port }),
    entry('MongoDB', 'Mongodb.Connection.MongoDB', {
      url: secret('URL', 'Connection string, <code>mongodb://…</code>'),
      options: text('Options', 'Options, as a query string'),
      database: text('Database', 'Name of the database'),
    }),
    entry('Elasticsearch', 'Elasticsearch.Connection.Elasticsearch', {
      ...{ host: list('Host', 'Names or addresses of the servers'), username, password },
      no_verify: flag('No verification', 'Accept any certificate'),
    }),
    entry('Filesystem', 'File.Connection.Filesystem', { config: text('Config', 'Path of the root directory') }),
  ];
}

function brokers(): ConnectionType[] {
  return [
    entry('AMQP', 'Amqp.Connection.Amqp', {
      ...{ host, port },
      user: username,
      password,
      vhost: text('Virtual host', 'Virtual host of the broker'),
    }),
    entry('Beanstalk', 'Beanstalk.Connection.Beanstalk', { host, port }),
    entry('SMTP', 'Smtp.Connection.Smtp', { dsn: secret('DSN', 'User, password and server: <code>smtp://…</code>') }),
  ];
}

function services(): ConnectionType[] {
  return [
    entry('Worker', 'Worker.Connection.Worker', { url }),
    entry('GraphQL', 'GraphQL.Connection.GraphQL', { url }),
    entry('SOAP', 'Soap.Connection.Soap', {
      wsdl: text('WSDL', 'Address of the description', { input: 'url' }),
      location: text('Location', 'Address of the service', { input: 'url' }),
      uri: text('URI', 'Namespace of the service'),
      version: text('Version', 'SOAP version', { options: ['1.1', '1.2'] }),
      username,
      password,
    }),
    entry('Stripe', 'Stripe.Connection.Stripe', {
      api_key: secret('API key', 'Secret key of the account'),
      client_id: text('Client id', 'Id of the connected platform'),
    }),
    entry('Agent', 'Ai.Connection.Agent', {
      type: text('Type', 'Provider of the model', { options: ['anthropic', 'chatgpt', 'gemini', 'ollama'] }),
      model: text('Model', 'Name of the model'),
      api_key: secret('API key', 'Key of the provider'),
      url: text('URL', 'Address, where it is not the usual one', { input: 'url' }),
    }),
  ];
}

/** Clients of other APIs, most of them behind OAuth2. */
function sdks(): ConnectionType[] {
  const oauth2 = {
    client_id: text('Client id', 'Id of the app at the provider'),
    client_secret: secret('Client secret', 'Secret of the app'),
    scopes: list('Scopes', 'Scopes that are asked for'),
    access_token: secret('Access token', 'Comes with the authorization'),
    refresh_token: secret('Refresh token', 'Comes with the authorization'),
    expires_in: text('Expires in', 'Comes with the authorization'),
  };
  const sdk = (name: string, members: Record<string, TSchema>) =>
    entry(`SDK-${name}`, `SdkFabric.Connection.${name}`, members);
  return [
    sdk('Airtable', oauth2),
    sdk('Discord', oauth2),
    sdk('Notion', oauth2),
    sdk('OpenAI', { access_token: secret('API key', 'Key of the provider') }),
    sdk('Starwars', {}),
    sdk('Twitter', oauth2),
  ];
}

/**
 * Classes of Fusio's that can be chosen, configured and saved (secrets sealed), so that configurations can be moved here, and
 * that cannot be opened yet: whoever opens one gets 503 `not_configured`. A class leaves this list for a file of its own.
 */
export const catalogue: readonly ConnectionType[] = [...databases(), ...brokers(), ...services(), ...sdks()];
